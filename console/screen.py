"""Output of the commands for people: lines, tables, progress. All text is escaped here, so that commands need not do it.

Results go to stdout, everything else to stderr. JSON for programs is `local.screen.output_json`.
"""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

import typer
from rich.box import HEAVY_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from config.escaping import harmless, harmless_json, indented

UNBOUNDED = 1_000_000  # columns for a program that reads: nothing is cut at the 80 that Rich assumes
Part = str | tuple[str, str]
"""A text, alone or with its style."""


class Screen:
    """One of the two streams; not wrapped when another program reads it. Styles come from the program, never from a payload."""

    def __init__(self, *, is_stderr: bool) -> None:
        stream = sys.stderr if is_stderr else sys.stdout
        is_seen = stream.isatty()
        self._console = Console(
            stderr=is_stderr,
            highlight=False,
            markup=False,
            soft_wrap=not is_seen,
            width=None if is_seen else UNBOUNDED,
        )

    def line(self, *parts: Part, style: str = "") -> None:
        """Print one line, whatever its parts contain."""
        shown = Text(style=style)
        for part in parts:
            text, own_style = (part, "") if isinstance(part, str) else part
            shown.append(harmless(text), own_style)
        self._console.print(shown)

    def paragraph(self, text: str, style: str = "") -> None:
        """Print a text of one or more lines, all but the first indented, so that none looks like the beginning of another."""
        for row in indented(text).split("\n"):
            self.line(row, style=style)

    def document(self, json: str) -> None:
        """Print a JSON text over several lines."""
        for row in harmless_json(json).split("\n"):
            self._console.print(Text(row))

    def grid(self, headers: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool]) -> None:
        """Print a table of any columns; where it is wider than the terminal, each row over several lines, a line a column."""
        table = Table(box=HEAVY_HEAD)
        for header, is_number in zip(headers, numeric, strict=True):
            table.add_column(Text(harmless(header)), justify="right" if is_number else "left", no_wrap=True)
        for row in rows:
            table.add_row(*(Text(harmless(cell)) for cell in row))
        natural = self._console.measure(table, options=self._console.options.update(max_width=UNBOUNDED)).maximum
        if natural > self._console.width:
            self._records(headers, rows)
        else:
            self._console.print(table)

    def _records(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        width = max(map(len, headers))
        for number, row in enumerate(rows, 1):
            self.line(f"── row {number:,}", style="dim")
            for header, cell in zip(headers, row, strict=True):
                self.line((f"{header:<{width}}  ", "bold"), cell)

    def table(
        self, headers: Sequence[str], rows: Iterable[Sequence[str]], total: Sequence[str] = (), title: str = ""
    ) -> None:
        """Print a table; only the last column is numeric when there is no total, else all but the first are."""
        table = Table(title=harmless(title) or None, box=HEAVY_HEAD if title else None)
        for index, header in enumerate(headers):
            is_number = index > 0 if total else index == len(headers) - 1
            table.add_column(Text(harmless(header)), justify="right" if is_number else "left")
        for row in rows:
            table.add_row(*(Text(harmless(cell)) for cell in row))
        if total:
            table.add_section()
            table.add_row(*(Text(harmless(cell)) for cell in total))
        self._console.print(table)


def results() -> Screen:
    """Return the screen for results: stdout."""
    return Screen(is_stderr=False)


def messages() -> Screen:
    """Return the screen for everything else: stderr."""
    return Screen(is_stderr=True)


def notice(text: str) -> None:
    """Print a message for the user that is not a result."""
    messages().line(text, style="dim")


def is_agreed(question: str) -> bool:
    """Ask the user a question and say whether the answer is yes."""
    return typer.confirm(harmless(question), err=True)


def in_terminal(command: Sequence[str]) -> int:
    """Run a program that the user named, such as an editor, on this terminal; return its exit code."""
    return subprocess.run(command, check=False).returncode


@contextlib.contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that advances a bar by a number of steps; without a terminal it shows nothing."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _steps: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda steps: bar.advance(task, steps)


def progress_unless(
    title: str, total: int, *, as_json: bool
) -> contextlib.AbstractContextManager[Callable[[int], None]]:
    """Yield the same, but show nothing beside JSON, which other programs read."""
    return contextlib.nullcontext(lambda _steps: None) if as_json else progress(title, total)


@contextlib.contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """Yield a function that counts towards an unknown total, shown on a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _steps: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} {task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda steps: bar.advance(task, steps)

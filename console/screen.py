"""What commands show to people: lines, tables, progress. Every text is made harmless here, so no command has to think of it.

Results go to stdout, everything else to stderr. JSON for programs is `local.screen.output_json`.
"""

import contextlib
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

Part = str | tuple[str, str]
"""A text, alone or with its style."""


class Screen:
    """One of the two streams; not wrapped when another program reads it. Styles are the program's own, never a payload's."""

    def __init__(self, *, is_stderr: bool) -> None:
        stream = sys.stderr if is_stderr else sys.stdout
        self._console = Console(stderr=is_stderr, highlight=False, markup=False, soft_wrap=not stream.isatty())

    def line(self, *parts: Part, style: str = "") -> None:
        """Show one line, whatever its parts contain."""
        shown = Text(style=style)
        for part in parts:
            text, own_style = (part, "") if isinstance(part, str) else part
            shown.append(harmless(text), own_style)
        self._console.print(shown)

    def paragraph(self, text: str, style: str = "") -> None:
        """Show a text of one line or several, all but the first indented: none looks like the beginning of another."""
        for row in indented(text).split("\n"):
            self.line(row, style=style)

    def document(self, json: str) -> None:
        """Show a JSON text on as many lines as it has."""
        for row in harmless_json(json).split("\n"):
            self._console.print(Text(row))

    def table(
        self, headers: Sequence[str], rows: Iterable[Sequence[str]], total: Sequence[str] = (), title: str = ""
    ) -> None:
        """Show a table; the last column has numbers where there is no total, else all but the first have."""
        table = Table(title=harmless(title) or None, box=HEAVY_HEAD if title else None)
        for place, header in enumerate(headers):
            is_number = place > 0 if total else place == len(headers) - 1
            table.add_column(Text(harmless(header)), justify="right" if is_number else "left")
        for row in rows:
            table.add_row(*(Text(harmless(cell)) for cell in row))
        if total:
            table.add_section()
            table.add_row(*(Text(harmless(cell)) for cell in total))
        self._console.print(table)


def results() -> Screen:
    """Return where results go: stdout."""
    return Screen(is_stderr=False)


def messages() -> Screen:
    """Return where everything else goes that people are told: stderr."""
    return Screen(is_stderr=True)


def notice(text: str) -> None:
    """Say something to the person that does not belong to the results."""
    messages().line(text, style="dim")


def is_agreed(question: str) -> bool:
    """Ask a person, and say whether the answer is yes."""
    return typer.confirm(harmless(question), err=True)


@contextlib.contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that advances a bar by so many steps; without a terminal nothing is shown."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _steps: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda steps: bar.advance(task, steps)


@contextlib.contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """Yield a function that counts towards an unknown end, shown on a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _steps: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} {task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda steps: bar.advance(task, steps)

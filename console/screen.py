"""What commands show on a terminal: progress on stderr while it takes long, and texts of strangers made harmless."""

import contextlib
import sys
from collections.abc import Callable, Iterator

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

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}


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


def notice(text: str) -> None:
    """Say something to the person that does not belong to the results."""
    Console(stderr=True, highlight=False, markup=False).print(text, style="dim")


def results() -> Console:
    """Return where results go: stdout, never wrapped or interpreted when another program reads them."""
    return Console(highlight=False, markup=False, soft_wrap=not sys.stdout.isatty())


def harmless(text: str) -> str:
    """Return a stranger's text without control characters, which could move the cursor or rewrite the screen."""
    return text.translate(_CONTROLS)

"""All terminal output of `penstock` goes through this module or console/screen.py, which escape it.

No other module of `console` and `local` may write (tests/unit/test_output.py). Slow imports wait until they are needed.
"""

import sys
from typing import TYPE_CHECKING, TextIO

from config.escaping import harmless, harmless_json, harmless_lines, indented

if TYPE_CHECKING:
    from rich.progress import Progress


def output(line: str) -> None:
    """Write one line of results to stdout."""
    _write(sys.stdout, harmless(line))


def output_json(record: str) -> None:
    """Write one record, a JSON text, as one line to stdout: the same value, with unsafe characters escaped."""
    _write(sys.stdout, harmless_json(record).replace("\n", " "))


def output_bytes(content: bytes) -> None:
    """Write exact bytes to stdout, for another program; raise `ValueError` on a terminal, which they could control."""
    if sys.stdout.isatty():
        raise ValueError("expected stdout to be a file or a pipe")
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def say(text: str) -> None:
    """Write one or more lines for the user to stderr; all but the first are indented, so that none looks like a new message."""
    _write(sys.stderr, indented(harmless_lines(text)))


def download_bar() -> "Progress | None":
    """Return a bar for the bytes of a download, which the caller starts and stops; None when stderr is not a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        return None
    return Progress(
        TextColumn("downloading {task.description}, only this once"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def _write(stream: TextIO, text: str) -> None:
    stream.write(f"{text}\n")
    stream.flush()

"""Progress of a download on stderr: a bar on a terminal, one line per quarter in a log file."""

import threading
from types import TracebackType
from typing import Self

from local.screen import download_bar, say

_STEPS = 4


class Meter:
    """Counts the bytes of one download; several threads may advance it."""

    def __init__(self, title: str, total_bytes: int) -> None:
        self._title = title
        self._total_bytes = total_bytes
        self._done_bytes = 0
        self._said_steps = 0
        self._lock = threading.Lock()
        self._bar = download_bar()
        self._task = self._bar.add_task(title, total=total_bytes) if self._bar else None

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        else:
            say(f"downloading {self._title}: {_megabytes(self._total_bytes)}, only this once")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def advance(self, size_bytes: int) -> None:
        """Count bytes; a negative number subtracts the bytes of a failed attempt."""
        with self._lock:
            self._done_bytes += size_bytes
            if self._bar and self._task is not None:
                self._bar.advance(self._task, size_bytes)
                return
            step = self._done_bytes * _STEPS // self._total_bytes
            if step > self._said_steps:
                self._said_steps = step
                say(f"downloading {self._title}: {_megabytes(self._done_bytes)} of {_megabytes(self._total_bytes)}")


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.0f} MB"

"""Ctrl-C, SIGTERM, a closed terminal and the end of a child, as state that a loop can read and wait for."""

import contextlib
import os
import select
import signal
from types import FrameType, TracebackType
from typing import Any, Self

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_READ_BYTES = 512


class Signals:
    """Counts requests to stop while it is entered. Before `hold` is called, a request raises KeyboardInterrupt.

    Only the main thread can enter it: Python delivers signals only there.
    """

    def __init__(self) -> None:
        self._count = 0
        self._held = False
        self._before: dict[signal.Signals, Any] = {}
        self._pipe = contextlib.ExitStack()
        self._wake = -1

    def __enter__(self) -> Self:
        # Python writes a byte for every signal with a handler: `wait` ends at once, and no signal before it is missed.
        self._wake, woken = os.pipe()  # no child inherits it (PEP 446)
        for end in (self._wake, woken):
            os.set_blocking(end, False)
            self._pipe.callback(os.close, end)
        self._pipe.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(woken, warn_on_full_buffer=False))
        self._before = {number: signal.signal(number, self._note) for number in _STOPPING}
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, _ignore)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        self._pipe.close()

    def hold(self) -> None:
        """Count requests from now on without raising: there are processes to end in order."""
        self._held = True

    def wait(self, timeout_s: float) -> None:
        """Return when a signal has arrived since the last wait, a child has ended, or the time is over."""
        if select.select([self._wake], [], [], timeout_s)[0]:
            with contextlib.suppress(BlockingIOError):
                while os.read(self._wake, _READ_BYTES):
                    pass

    @property
    def is_stop_requested(self) -> bool:
        """Say whether a stop was requested."""
        return self._count > 0

    @property
    def is_impatient(self) -> bool:
        """Say whether a stop was requested twice, which means: stop without waiting."""
        return self._count > 1

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._count += 1
        if not self._held:
            raise KeyboardInterrupt


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: a signal ends a wait only if it has a handler."""

"""Ctrl-C, SIGTERM and a closed terminal, as facts that a loop can ask for."""

import signal
from types import FrameType, TracebackType
from typing import Any, Self

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Counts requests to stop while it is entered. Until `hold` is called a request raises KeyboardInterrupt.

    Only the main thread can enter it: Python delivers signals nowhere else.
    """

    def __init__(self) -> None:
        self._count = 0
        self._held = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in _STOPPING}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def hold(self) -> None:
        """From now on only count: there are processes to end in order."""
        self._held = True

    @property
    def is_stop_requested(self) -> bool:
        """Say whether anybody asked to stop."""
        return self._count > 0

    @property
    def is_impatient(self) -> bool:
        """Say whether somebody asked a second time, and so does not want to wait for anything."""
        return self._count > 1

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._count += 1
        if not self._held:
            raise KeyboardInterrupt

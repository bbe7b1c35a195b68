"""The clock of a fake provider: it stands still, runs, or runs faster, and can be set. Usable from any thread."""

import threading
import time
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class Clock:
    """A provider's time, in UTC. `speed` is the number of its seconds in a second of ours; 0 means that it stands still."""

    def __init__(self, start: datetime = START, speed: float = 0.0) -> None:
        self._lock = threading.Lock()
        self._start, self._speed = start, speed
        self._since_s = time.monotonic()

    def now(self) -> datetime:
        """Return the time."""
        with self._lock:
            return self._start + self._passed()

    def set(self, now: datetime) -> None:
        """Make it that time."""
        with self._lock:
            self._start, self._since_s = now, time.monotonic()

    def advance(self, seconds: float) -> None:
        """Let that many seconds pass at once."""
        with self._lock:
            self._start += timedelta(seconds=seconds)

    def _passed(self) -> timedelta:
        return timedelta(seconds=(time.monotonic() - self._since_s) * self._speed)

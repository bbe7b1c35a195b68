"""A store's bucket of points: what a query may cost is taken first, and what it did not cost is given back."""

import threading
from collections.abc import Callable
from datetime import datetime

from msgspec import Struct


class Level(Struct, frozen=True):
    """How full the bucket is: `maximum` points at most, `available` now, `restored_per_s` more each second."""

    maximum: float
    available: float
    restored_per_s: float


class Bucket:
    """One app's points at one store. Usable from any thread."""

    def __init__(self, now: Callable[[], datetime], maximum: float = 2_000, restored_per_s: float = 100) -> None:
        self._now, self._maximum, self._rate = now, maximum, restored_per_s
        self._lock = threading.Lock()
        self._available, self._at = maximum, now()
        self.refused = 0

    def take(self, points: float) -> bool:
        """Take points, if the bucket has them."""
        with self._lock:
            self._fill()
            if self._available < points:
                self.refused += 1
                return False
            self._available -= points
            return True

    def give_back(self, points: float) -> None:
        """Return points that were taken and not used."""
        with self._lock:
            self._available = min(self._available + points, self._maximum)

    def level(self) -> Level:
        """Return how full the bucket is."""
        with self._lock:
            self._fill()
            return Level(self._maximum, self._available, self._rate)

    def _fill(self) -> None:
        now = self._now()
        passed_s = (now - self._at).total_seconds()
        self._available, self._at = min(self._available + passed_s * self._rate, self._maximum), now

"""Limits the deliveries per second of one source.

No library: limits 5.8, throttled-py 3.5 and pyrate-limiter 4.5 take 6 to 10 us a delivery against 0.4 us (measured), and
limits uses a clock that can be set back.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

ROUNDING_S = 1e-9  # ten steps of 0.1 s do not add up to exactly 1 s in floating point


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_s` deliveries a second in the long run, `burst` at once."""

    per_s: float
    burst: int


class Bucket:
    """A token bucket that starts full. `clock` is monotonic, in seconds.

    Its only state is the time at which it will be full again (generic cell rate algorithm, ITU-T I.371).
    """

    def __init__(self, rate: Rate, clock: Callable[[], float] = monotonic) -> None:
        self.rate = rate
        self._clock = clock
        self._full_at_s = clock()

    def take(self) -> float:
        """Take a token and return 0; if there is none, return the seconds until there is one."""
        now_s = self._clock()
        full_at_s = max(self._full_at_s, now_s) + 1 / self.rate.per_s
        wait_s = full_at_s - now_s - self.rate.burst / self.rate.per_s
        if wait_s > ROUNDING_S:
            return wait_s
        self._full_at_s = full_at_s
        return 0.0

"""What goes wrong at a fake provider, by chance or as scripted. Usable from any thread; the same seed gives the same faults."""

import random
import threading
import zlib
from collections import deque
from collections.abc import Mapping
from typing import Final, Literal, get_args

Fault = Literal[
    "error",  # 500
    "unavailable",  # 503
    "throttled",  # 429 without the quota's headers: load on the platform, though quota is left
    "reset",  # the connection is reset without an answer
    "torn",  # half of the answer, then a reset
    "stall",  # no answer until the client hangs up
    "slow",  # the answer after `slow_s`
]
FAULTS: Final[tuple[Fault, ...]] = get_args(Fault)


class Faults:
    """The faults of one fake. What is scripted for the next requests comes first, then an outage, then chance.

    `search_lag_s` and `read_lag_s` are how old lists and reads by id are, in seconds of the fake's clock. `slow_s` is in real
    seconds. `has_expired_token`: credentials are refused. `hidden` are shares of resources by kind that the token's owner may not
    see (`{"product": 0.5}`): lists and reads have no trace of them, and no error.
    """

    def __init__(self, seed: int = 0) -> None:
        self.search_lag_s = 0.0
        self.read_lag_s = 0.0
        self.slow_s = 0.2
        self.has_expired_token = False
        self.hidden: Mapping[str, float] = {}
        self._chance = random.Random(seed)  # noqa: S311  no secret
        self._lock = threading.Lock()
        self._next: deque[Fault | None] = deque()
        self._shares: dict[Fault, float] = {}
        self._outage: Fault | None = None

    def shares(self, shares: Mapping[Fault, float]) -> None:
        """Let each of these happen to that share of all requests from now on (`{"error": 0.05}`), and no other by chance."""
        unknown = shares.keys() - set(FAULTS)
        if unknown or sum(shares.values()) > 1:
            raise ValueError(f"expected shares of {', '.join(FAULTS)} that are at most 1 together, got {dict(shares)}")
        with self._lock:
            self._shares = dict(shares)

    def next(self, *faults: Fault | None) -> None:
        """Let these happen to the next requests, one each, in order; None for a request that is answered as usual."""
        with self._lock:
            self._next.extend(faults)

    def left(self) -> int:
        """Return for how many of the next requests something is scripted."""
        with self._lock:
            return len(self._next)

    def outage(self, fault: Fault | None = "unavailable") -> None:
        """Let this happen to every request from now on; None ends the outage."""
        with self._lock:
            self._outage = fault

    def heal(self) -> None:
        """End everything that goes wrong, but for requests under way."""
        with self._lock:
            self._next.clear()
            self._shares, self._outage = {}, None
            self.search_lag_s = self.read_lag_s = 0.0
            self.has_expired_token = False
            self.hidden = {}

    def hides(self, kind: str, resource_id: str) -> bool:
        """Say whether a resource is hidden; the same ones always are, so that a larger share hides more."""
        share = self.hidden.get(kind, 0.0)
        return share > 0 and zlib.crc32(f"{kind}/{resource_id}".encode()) / 2**32 < share

    def draw(self) -> Fault | None:
        """Return what happens to one request."""
        with self._lock:
            if self._next:
                return self._next.popleft()
            if self._outage is not None:
                return self._outage
            number = self._chance.random()
            for fault, share in self._shares.items():
                number -= share
                if number < 0:
                    return fault
            return None

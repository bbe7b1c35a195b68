"""How webhooks arrive: some never, some twice, some late. Pure; the same seed gives the same arrivals."""

import heapq
import itertools
import random
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

Webhook = TypeVar("Webhook")

MAX_LATE = 50  # how many later webhooks overtake one that is late


class Unreliable(Generic[Webhook]):
    """What becomes of the webhooks that a provider sends; each share is of all of them. `lost` has those that never arrive."""

    def __init__(self, seed: int = 0, lost: float = 0.0, repeated: float = 0.0, late: float = 0.0) -> None:
        self.lost: list[Webhook] = []
        self._chance = random.Random(seed)  # noqa: S311  no secret
        self._lost_share, self._repeated_share, self._late_share = lost, repeated, late

    def arrivals(self, sent: Iterable[Webhook]) -> Iterator[Webhook]:
        """Yield the webhooks as they arrive."""
        waiting: list[tuple[int, int, Webhook]] = []  # by position of arrival, then order of sending
        order = itertools.count()  # no two entries are equal, so that the webhooks themselves are never compared
        for position, one in enumerate(sent):
            for _ in range(self._copies(one)):
                heapq.heappush(waiting, (position + self._delay(), next(order), one))
            while waiting and waiting[0][0] <= position:
                yield heapq.heappop(waiting)[2]
        while waiting:
            yield heapq.heappop(waiting)[2]

    def _copies(self, one: Webhook) -> int:
        if self._happens(self._lost_share):
            self.lost.append(one)
            return 0
        return 2 if self._happens(self._repeated_share) else 1

    def _delay(self) -> int:
        return self._chance.randint(1, MAX_LATE) if self._happens(self._late_share) else 0

    def _happens(self, share: float) -> bool:
        return self._chance.random() < share

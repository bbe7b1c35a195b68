"""The resources of one account that wait for a read or are being read, in memory; the requests themselves are on their topic.

Pure: every function takes the time. Requests of one resource become one wish, so a burst of callbacks costs one read, or two if
some come while it is under way.
"""

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from providers.api import Api, Wanted
from schemas.fetches import FetchRequest, ReadOrigin

GATHER_S: Final = 0.2  # a read waits so long for others that it can bring along
AGAIN_S: Final = 1.0  # between two reads of a resource that changes all the time
MANY: Final = 250  # or until there are so many
LOOKED_AT: Final = 1_000  # of those that wait, when a batch is made

Position = tuple[str, int, int]
"""Topic, partition and offset of a request."""


class Wish(Struct):
    """One resource to read: its requests as one, where they stand, and from when it may be read, in monotonic seconds."""

    request: FetchRequest
    positions: list[Position]
    from_s: float

    @property
    def wanted(self) -> Wanted:
        """Return what the provider's client is asked for."""
        request = self.request
        return Wanted(
            request.resource_type, request.resource_id, request.reference, request.context, request.api_version
        )


class Wishes:
    """The wishes of one account."""

    def __init__(self) -> None:
        self._waiting: dict[str, Wish] = {}
        self._reading: dict[str, Wish] = {}
        self._begun: dict[str, float] = {}  # when a resource was read last, the longest ago first

    def __len__(self) -> int:
        return len(self._waiting) + len(self._reading)

    def __contains__(self, resource_key: str) -> bool:
        """Say whether something waits for a resource already: another request for it costs no memory to speak of."""
        return resource_key in self._waiting

    def add(self, request: FetchRequest, position: Position, now_s: float, now_us: int) -> None:
        """Take a request, together with what waits for the same resource already."""
        from_s = now_s + max(GATHER_S, (request.due_us - now_us) / 1e6)
        again_s = self._begun.get(request.resource_key, -AGAIN_S) + AGAIN_S
        from_s, is_urgent = max(from_s, again_s), request.is_urgent
        request = replace(request, is_urgent=False)  # a later try of it waits like any other
        known = self._waiting.get(request.resource_key)
        if known is None:
            self._waiting[request.resource_key] = Wish(request, [position], from_s)
            return
        known.request = joined(known.request, request)
        known.positions.append(position)
        if is_urgent:
            known.from_s = min(known.from_s, from_s)
        elif request.due_us:  # a read has failed: what has come meanwhile waits as long
            known.from_s = max(known.from_s, from_s)

    def next_s(self) -> float | None:
        """Return when the next wish may be read, None if there is none."""
        if len(self._waiting) >= MANY:
            return 0.0
        return min((wish.from_s for wish in self._waiting.values()), default=None)

    def batch(self, api: Api, now_s: float) -> Sequence[Wish]:
        """Return the wishes of the next request, without beginning it: live ones first, then the oldest."""
        early_s = GATHER_S if len(self._waiting) >= MANY else 0.0
        due = [
            wish
            for key, wish in self._waiting.items()
            if wish.from_s - early_s <= now_s and key not in self._reading  # one read of a resource at a time
        ]
        due.sort(key=lambda wish: (wish.request.priority, wish.request.since_us))
        by_wanted = {wish.wanted: wish for wish in due[:LOOKED_AT]}
        return [by_wanted[wanted] for wanted in api.batch(list(by_wanted))] if by_wanted else []

    def begin(self, wishes: Iterable[Wish], now_s: float) -> None:
        """Note that these are being read; what comes from now on waits for the next read."""
        for key in list(takewhile(lambda key: self._begun[key] <= now_s - AGAIN_S, self._begun)):
            del self._begun[key]
        for wish in wishes:
            key = wish.request.resource_key
            self._reading[key] = self._waiting.pop(key)
            self._begun.pop(key, None)
            self._begun[key] = now_s

    def end(self, wish: Wish) -> None:
        """Note that a read has ended, and what follows is written."""
        del self._reading[wish.request.resource_key]

    def put_back(self, wish: Wish, from_s: float) -> None:
        """Let a wish wait again, with what has come meanwhile: nothing was read for a reason that holds for all."""
        key = wish.request.resource_key
        del self._reading[key]
        later = self._waiting.get(key)
        if later is not None:
            wish.request = joined(wish.request, later.request)
            wish.positions += later.positions
        wish.from_s = from_s
        self._waiting[key] = wish


def joined(known: FetchRequest, later: FetchRequest) -> FetchRequest:
    """Return two requests of one resource as one: it answers both, and what was tried counts on."""
    told = [time for time in (known.told_us, later.told_us) if time is not None]
    return replace(
        later if later.answers >= known.answers else known,
        answers=max(known.answers, later.answers),
        since_us=min(known.since_us, later.since_us),
        told_us=max(told, default=None),
        priority=min(known.priority, later.priority),
        attempts=max(known.attempts, later.attempts),
        missing=max(known.missing, later.missing),
        early=max(known.early, later.early),
        detail=later.detail or known.detail,
        origin=_origin(known, later),
        run=later.run or known.run,
    )


def _origin(known: FetchRequest, later: FetchRequest) -> ReadOrigin:
    """Return why both are read: for a delivery that waits, if there is one, for then nothing was missed."""
    return "fetch" if "fetch" in (known.origin, later.origin) else later.origin

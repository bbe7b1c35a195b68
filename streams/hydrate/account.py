"""One account at a provider: what is to be read of it, within which budget, and through which client."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

import structlog
from msgspec import Struct
from msgspec.structs import replace

from providers.api import Api, Read, Reply, Unavailable, Wanted
from schemas.fetches import FetchRequest, Standing
from streams.hydrate.budget import Budget
from streams.hydrate.policy import Again, Decision, Hold, Limits, decided
from streams.hydrate.wishes import Position, Wish, Wishes

PROBE_S: Final = (5.0, 15.0, 60.0, 300.0)  # after refused credentials: a mended token is noticed soon
KEPT: Final = 10_000  # resources of one account in memory; what comes beyond waits on a topic
KEPT_STOPPED: Final = 100  # once credentials were refused as often as `PROBE_S` says
PARKED_S: Final = 60.0
PARKED_STOPPED_S: Final = 600.0
READ_LIMIT_S: Final = 120.0  # of one request, over the client's own limits

log = structlog.get_logger()


class Ended(Struct, frozen=True):
    """One wish whose read has ended, and what follows."""

    account: str
    wish: Wish
    decision: Decision


class Told(Struct, frozen=True):
    """What people are told of an account: why nothing of it is read, or None."""

    account: str
    standing: Standing | None


class Account:
    """Runs the reads of one account on the event loop, and reports each that ended.

    `tell` is called with why nothing of the account is read, and with None once it is (again).
    """

    def __init__(
        self, key: str, api: Api, limits: Limits, report: Callable[[Ended], None], tell: Callable[[Told], None]
    ) -> None:
        self.key = key
        self.wishes = Wishes()
        self.stopped: str | None = None
        """Why nothing of this account is read: its credentials are refused."""
        self.requests = 0
        """How many requests were made."""
        self.refusals = 0
        """How often the credentials were refused since they last worked."""
        self._api = api
        self._limits = limits
        self._report = report
        self._tell = tell
        self._is_told = True  # perhaps, by the account's owner before
        self._budget = Budget()
        self._idle_until_s = 0.0  # what waits is not looked through in vain: the budget allows nothing before
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, request: FetchRequest, position: Position) -> None:
        """Take a request."""
        now_us, parked_s = _now_us(), self._parked_s(request)
        if parked_s:
            detail = self.stopped or f"{len(self.wishes):,} resources of the account wait already"
            again = Again(replace(request, due_us=now_us + round(parked_s * 1e6), detail=detail), parked_s)
            self._report(Ended(self.key, Wish(request, [position], 0.0), again))
            return
        self.wishes.add(request, position, time.monotonic(), now_us)

    def _parked_s(self, request: FetchRequest) -> float:
        """Return how long a request waits on a topic, 0 for not.

        Memory and the topic's partition are for accounts that can be read. A token that is refused for some seconds parks
        nothing, for what is parked comes back late.
        """
        is_stopped = self.refusals >= len(PROBE_S)
        if request.resource_key in self.wishes or len(self.wishes) < (KEPT_STOPPED if is_stopped else KEPT):
            return 0.0
        return PARKED_STOPPED_S if is_stopped else PARKED_S

    def start_reads(self) -> None:
        """Begin as many reads as are due and the budget allows."""
        while (now_s := time.monotonic()) >= self._idle_until_s:
            next_s = self.wishes.next_s()
            if next_s is None or next_s > now_s:
                return
            wishes = self.wishes.batch(self._api, now_s)
            if not wishes:
                return
            cost = self._api.cost_of([wish.wanted for wish in wishes])
            wait_s = self._budget.wait_s(cost, now_s)
            if wait_s > 0:
                self._idle_until_s = now_s + wait_s
                return
            self.wishes.begin(wishes, now_s)
            self._budget.started(cost)
            task = asyncio.get_running_loop().create_task(self._read(list(wishes), cost))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End the reads that are under way, and the client's connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._api.close()

    async def _read(self, wishes: list[Wish], cost: float) -> None:
        read_at_us = _now_us()
        wanted = [wish.wanted for wish in wishes]
        try:
            reply = await asyncio.wait_for(self._api.read(wanted), READ_LIMIT_S)
        except TimeoutError:
            reply = _nothing(wanted, f"no answer within {READ_LIMIT_S:.0f} s")
        except Exception as error:  # noqa: BLE001 - a fault in a client must not end all other accounts
            log.error("read_broke_the_code", account=self.key, error=type(error).__name__)
            reply = _nothing(wanted, f"internal error: {type(error).__name__}")
        self.requests += reply.requests
        now_us = _now_us()
        decisions = [
            decided(wish.request, reply.results[wish.wanted], read_at_us, now_us, self._limits) for wish in wishes
        ]
        held = next((decision for decision in decisions if isinstance(decision, Hold)), None)
        self._settle(reply, held, cost)
        for wish, decision in zip(wishes, decisions, strict=True):
            if isinstance(decision, Hold):
                self.wishes.put_back(wish, time.monotonic())
            else:
                self.wishes.end(wish)
                self._report(Ended(self.key, wish, decision))

    def _settle(self, reply: Reply, held: Hold | None, cost: float) -> None:
        now_s, self._idle_until_s = time.monotonic(), 0.0
        if held is None and not _is_outage(reply.results):
            if self.stopped is not None:
                log.info("account_resumed", account=self.key)
            if self._is_told:
                self._tell(Told(self.key, None))
            self.stopped, self.refusals, self._is_told = None, 0, False
            self._budget.ended(cost, reply.quota, now_s)
            return
        retry_in_s = None if held is None else held.retry_in_s
        if held is not None and held.kind == "unauthorised":
            retry_in_s = PROBE_S[min(self.refusals, len(PROBE_S) - 1)]
            self.refusals += 1
            if self.stopped is None:
                log.error(
                    "account_stopped",
                    account=self.key,
                    detail=held.detail,
                    advice="nothing is lost: mend the token ([[sources]] api_token) and reading goes on",
                )
            self.stopped, self._is_told = held.detail, True
            self._tell(Told(self.key, Standing(self.refusals, _now_us() + round(retry_in_s * 1e6), held.detail)))
        self._budget.failed(cost, reply.quota, now_s, retry_in_s)


def _is_outage(results: Mapping[Wanted, Read]) -> bool:
    """Say whether nothing at all could be read."""
    return all(isinstance(read, Unavailable) for read in results.values())


def _nothing(wanted: list[Wanted], detail: str) -> Reply:
    return Reply(dict.fromkeys(wanted, Unavailable(detail)), 1, 1.0)


def _now_us() -> int:
    return time.time_ns() // 1_000

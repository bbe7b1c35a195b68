"""Accounts on a real event loop: what is reported of a read that ended."""

import asyncio
import time
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from config.model import Configuration
from providers.api import Failure, NotFound, Reply, Unauthorised, Wanted
from schemas.fetches import FetchRequest
from streams.hydrate.account import KEPT_STOPPED, PARKED_STOPPED_S, PROBE_S, Account, Ended, Told
from streams.hydrate.clients import NO_CREDENTIALS, Clients
from streams.hydrate.policy import Again, Limits, Publish

REQUEST = FetchRequest("bigcommerce", "gone", "s1", "product", "7", "k", 0, 5, time.time_ns() // 1_000)


async def ended(request: FetchRequest) -> Ended:
    """Return what the first read of an account brings whose source the configuration does not have."""
    clients, reported = Clients(Configuration(), {}), list[Ended]()
    client = clients.of("bigcommerce", "gone", "s1")
    account = Account(request.account, client, Limits(max_attempts=3), reported.append, list[Told]().append)
    account.add(request, ("fetches", 0, 1))
    async with asyncio.timeout(10):
        while not reported:
            account.start_reads()
            await asyncio.sleep(0.01)
    await account.close()
    await clients.close()
    return reported[0]


async def test_account_without_credentials_is_tried_again() -> None:
    """Another worker may have them during a rollout: nothing is dead at once, and people see why it waits."""
    first = await ended(REQUEST)

    assert isinstance(first.decision, Again)
    assert (first.decision.request.attempts, first.decision.request.detail) == (1, NO_CREDENTIALS)


async def test_what_waits_without_credentials_ends() -> None:
    """After the last try, with the reason."""
    request = FetchRequest("bigcommerce", "gone", "s1", "product", "7", "k", 0, 5, REQUEST.since_us, attempts=2)
    last = await ended(request)

    assert isinstance(last.decision, Publish)
    assert last.decision.result.status == "failed"
    assert NO_CREDENTIALS in last.decision.result.detail


class Refusing:
    """A client whose credentials are refused until they are mended."""

    is_mended = False

    def batch(self, waiting: Sequence[Wanted]) -> Sequence[Wanted]:
        """Return all of them."""
        return waiting

    def cost_of(self, wanted: Sequence[Wanted]) -> float:
        """Return the cost."""
        return float(len(wanted))

    async def read(self, wanted: Sequence[Wanted]) -> Reply:
        """Return a refusal for each, or that nothing is there."""
        read = NotFound() if self.is_mended else Unauthorised("401 Unauthorized")
        return Reply(dict.fromkeys(wanted, read), 1, 1.0)

    async def check(self) -> Failure:
        """Refuse."""
        return Unauthorised("401 Unauthorized")

    async def close(self) -> None:
        """Close nothing."""


def numbered(number: int) -> FetchRequest:
    """Return a request for a product."""
    return replace(REQUEST, resource_id=str(number))


async def stopped(
    refusals: int, monkeypatch: pytest.MonkeyPatch, told: list[Told]
) -> tuple[Account, Refusing, list[Ended]]:
    """Return an account whose credentials were refused so often, its client, and what it reports."""
    monkeypatch.setattr("streams.hydrate.account.PROBE_S", (0.0, 0.0, 0.0, 0.0))
    reported, client = list[Ended](), Refusing()
    account = Account(REQUEST.account, client, Limits(), reported.append, told.append)
    account.add(numbered(0), ("fetches", 0, 0))
    async with asyncio.timeout(10):
        while account.refusals < refusals:
            account.start_reads()
            await asyncio.sleep(0.01)
    await account.close()
    return account, client, reported


async def test_short_refusal_parks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that is refused for some seconds: everything goes on with the next probe, not ten minutes later."""
    account, _, reported = await stopped(1, monkeypatch, [])
    for number in range(1, 1_000):
        account.add(numbered(number), ("fetches", 0, number))

    assert account.stopped == "401 Unauthorized"
    assert reported == []
    assert len(account.wishes) == 1_000


async def test_long_refusal_parks_what_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what waits already is joined: a stopped account holds neither memory nor the topic's partition."""
    account, _, reported = await stopped(len(PROBE_S), monkeypatch, [])
    for number in range(1, 200):
        account.add(numbered(number), ("fetches", 0, number))
    account.add(numbered(5), ("fetches", 0, 200))

    assert len(account.wishes) == KEPT_STOPPED
    assert {type(one.decision) for one in reported} == {Again}
    assert len(reported) == 200 - KEPT_STOPPED
    assert all(isinstance(one.decision, Again) and one.decision.in_s == PARKED_STOPPED_S for one in reported)


async def test_people_are_told_until_it_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each refusal, with its number; and once more when the token is mended."""
    told: list[Told] = []
    account, client, _ = await stopped(2, monkeypatch, told)
    standings = [one.standing for one in told]
    client.is_mended = True
    async with asyncio.timeout(10):
        while account.stopped:
            account.start_reads()
            await asyncio.sleep(0.01)

    assert [(one.attempts, one.detail) for one in standings if one] == [
        (1, "401 Unauthorized"),
        (2, "401 Unauthorized"),
    ]
    assert [one.standing for one in told[2:]] == [None]
    assert {one.account for one in told} == {REQUEST.account}

"""Accounts on a real event loop: what is reported of a read that ended."""

import asyncio
import time

from config.model import Configuration
from schemas.fetches import FetchRequest
from streams.hydrate.account import Account, Ended
from streams.hydrate.clients import NO_CREDENTIALS, Clients
from streams.hydrate.policy import Again, Limits, Publish

REQUEST = FetchRequest("bigcommerce", "gone", "s1", "product", "7", "k", 0, 5, time.time_ns() // 1_000)


async def ended(request: FetchRequest) -> Ended:
    """Return what the first read of an account brings whose source the configuration does not have."""
    clients, reported = Clients(Configuration(), {}), list[Ended]()
    account = Account(request.account, clients.of("bigcommerce", "gone", "s1"), Limits(max_attempts=3), reported.append)
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

"""The agent that decides batches."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from streams.agents import capture
from streams.worker.consumer import Batch
from tests.support.builders.deliveries import ROUTES, delivery, snapshot


async def test_mistake_of_our_own_reaches_whoever_waits_for_the_batch() -> None:
    """An error outside of the decision itself does not leave the source waiting for ever, holding its partitions."""
    decided: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    nowhere = cast(Any, None)  # it fails before it needs them: the partition has no tables
    batch = Batch([delivery(snapshot({"id": 7}))], {}, nowhere, nowhere, ROUTES, decided)

    async def batches() -> AsyncIterator[Batch]:
        yield batch

    with pytest.raises(KeyError):
        await capture(batches())

    with pytest.raises(KeyError):
        await asyncio.wait_for(decided, 1)

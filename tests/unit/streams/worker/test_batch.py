"""The agent and the batch that it decides."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from schemas.codec import raw_headers
from schemas.records import RawDelivery
from streams.agents import capture
from streams.worker.batch import Batch
from streams.worker.metrics import Metrics
from tests.support.builders.deliveries import ROUTES, delivery, snapshot


class Record:
    """A record of `webhooks.raw`, as the consumer reads it."""

    def __init__(self, arrived: RawDelivery) -> None:
        self._arrived = arrived

    def topic(self) -> str:
        """Return its topic."""
        return self._arrived.topic

    def partition(self) -> int:
        """Return its partition."""
        return self._arrived.partition

    def offset(self) -> int:
        """Return its offset."""
        return self._arrived.offset

    def key(self) -> bytes:
        """Return its key."""
        return self._arrived.key.encode()

    def value(self) -> bytes:
        """Return the body."""
        return self._arrived.body

    def headers(self) -> list[tuple[str, bytes]]:
        """Return the headers that the ingress writes."""
        return raw_headers(self._arrived)


async def test_bug_reaches_the_consumer_that_waits_for_the_batch() -> None:
    """An error outside the decision does not leave the consumer waiting while it holds its partitions."""
    decided: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    nowhere = cast(Any, None)  # it fails before it needs them: the partition has no tables
    messages = iter([cast(Any, Record(delivery(snapshot({"id": 7}))))])
    batch = Batch(messages, {}, nowhere, nowhere, ROUTES, Metrics(), decided)

    async def batches() -> AsyncIterator[Batch]:
        yield batch

    with pytest.raises(KeyError):
        await capture(batches())

    with pytest.raises(KeyError):
        await asyncio.wait_for(decided, 1)

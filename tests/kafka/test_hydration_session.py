"""Sessions of the hydration in one group: what waits for its time outlasts a rebalance."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient
from prometheus_client import CollectorRegistry

from broker import topic_reader
from broker.outgoing import Record, queue
from broker.topic_admin import Topics
from config.model import Configuration
from schemas.fetches import FetchRequest, decode_request, encode_request
from schemas.topics import DELAYS_S, delay_topic, fetches_topic, standings_topic
from streams.hydrate.clients import Clients
from streams.hydrate.metrics import Metrics
from streams.hydrate.policy import Limits
from streams.hydrate.session import Session
from tests.support.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]
PARTITIONS = 4
OTHERS = 7  # with the first, two of 16 partitions each
DUE_S = 25.0  # both rebalances take half of it


@pytest.fixture
def app(kafka: str) -> str:
    """Return the name of an application whose topics exist."""
    name = f"sessions-{uuid.uuid4().hex[:8]}"
    topics = Topics({"bootstrap.servers": kafka}, PARTITIONS)
    for topic in (fetches_topic(name), *(delay_topic(name, delay) for delay in DELAYS_S), standings_topic(name)):
        topics.ensure(topic)
    return name


async def test_what_waits_for_its_time_outlasts_a_rebalance(kafka: str, app: str) -> None:
    """Seven others take most partitions of the first, among them some where it waits, and give them back."""
    for partition in range(PARTITIONS):
        _delay(kafka, app, partition)
    async with _turning(kafka, app, 0):
        await _until_shared(kafka, app, {16: 1})
        async with _turning(kafka, app, *range(1, 1 + OTHERS)):
            await _until_shared(kafka, app, {2: 1 + OTHERS})
        await asyncio.to_thread(until, lambda: len(_tried(kafka, app)) == PARTITIONS, 90, "all requests", 0.2)


def _delay(kafka: str, app: str, partition: int) -> None:
    now_us = time.time_ns() // 1_000
    due_us = now_us + round(DUE_S * 1e6)
    request = FetchRequest("bigcommerce", "gone", f"s{partition}", "product", "7", "k", 0, 5, now_us, due_us=due_us)
    record = Record(delay_topic(app, "1m"), request.account.encode(), encode_request(request), None, partition)
    producer = Producer({"bootstrap.servers": kafka})
    queue(producer, record)
    assert producer.flush(30) == 0


@asynccontextmanager
async def _turning(kafka: str, app: str, *numbers: int) -> AsyncIterator[None]:
    """Let sessions take their turns while the block runs, and leave the group after it."""
    tasks = [asyncio.create_task(_turns(kafka, app, number)) for number in numbers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(ended, asyncio.CancelledError), ended


async def _turns(kafka: str, app: str, number: int) -> None:
    clients, metrics = Clients(Configuration(), {}), Metrics(CollectorRegistry())
    session = await asyncio.to_thread(
        Session, {"bootstrap.servers": kafka}, app, f"w{number}", clients, Limits(), metrics
    )
    try:
        while True:
            await session.turn()
    finally:
        await session.close()


async def _until_shared(kafka: str, app: str, expected: dict[int, int]) -> None:
    """Wait until so many sessions have so many partitions each."""
    admin, group = AdminClient({"bootstrap.servers": kafka}), f"penstock.{app}.hydration"
    await asyncio.to_thread(
        until, lambda: _shares(admin, group) == expected, 60, f"partitions: sessions {expected}", 0.2
    )


def _shares(admin: AdminClient, group: str) -> Counter[int]:
    try:
        described = admin.describe_consumer_groups([group], request_timeout=10)[group].result(20)
    except KafkaException:  # the group's coordinator is not loaded yet
        return Counter()
    return Counter(len(member.assignment.topic_partitions) for member in described.members)


def _tried(kafka: str, app: str) -> set[str]:
    """Return the stores of which something was to be tried now, once or again."""
    with topic_reader.consumer({"bootstrap.servers": kafka}) as reader:
        messages = topic_reader.read(reader, topic_reader.ranges(reader, fetches_topic(app)))
        return {decode_request(topic_reader.value_of(message)).tenant for message in messages}

"""Reads from Kafka what `streams.replay.redecide` compares.

A replay ends at the offsets that the workers had committed when it began to read. Deliveries that they commit during the read
are decided again too, but a difference on either side then does not count as wrong (`is_moving`).
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from confluent_kafka import Consumer

from broker import clients, topic_reader
from broker.topic_reader import (
    Advance,
    Range,
    delivery_of,
    key_of,
    topic_of,
    value_of,
)
from config.model import Configuration
from console.errors import Failed, Misused
from console.queries.changes import CHANGES, Deployment
from schemas.codec import EPOCH
from schemas.topics import OUTCOMES, PRIORITIES, RAW, changelog_topic, lane_topic
from streams.replay.differences import DeliveryDifference
from streams.replay.redecide import Replay, Window
from streams.worker.settings import compiled_routes

CLOCKS_DIFFER = timedelta(minutes=5)  # between writers and brokers; reading a little more costs nothing
SETTLE_TIMEOUT_S = 40.0  # the transaction of a killed worker ends after 30 s at the latest
STATE = "state."


@dataclass(frozen=True, slots=True)
class Scope:
    """What to decide again of `webhooks.raw`: up to the last committed offset; from `moving` on, committed during the read."""

    ranges: Sequence[Range]
    moving: Mapping[int, int]
    waiting: int


@dataclass(frozen=True, slots=True)
class Job:
    """What to replay: the current configuration, the addresses and names, and the deliveries to compare."""

    configuration: Configuration
    deployment: Deployment
    window: Window

    @property
    def changelog(self) -> str:
        """Return the topic of the table *latest*."""
        return changelog_topic(self.configuration.worker.app, "latest")

    def wants(self, key: bytes) -> bool:
        """Say whether a key belongs to a compared source, as a resource or as a child index."""
        return self.window.source is None or f"|{self.window.source}|".encode() in key


@contextmanager
def replayed(
    job: Job, directory: Path, advance: Advance
) -> Iterator[tuple[Replay, Iterator[DeliveryDifference], Scope]]:
    """Yield a replay that holds the recorded decisions and states, its differences as it decides, and its scope.

    Read the iterator to its end before reading wrong states from the replay.
    """
    with topic_reader.consumer(job.deployment.kafka, job.deployment.group) as reader:
        before = {part.partition: part.low for part in topic_reader.waiting_ranges(reader, RAW)}
        if not before:
            raise Misused(f"there is no topic {RAW} on this Kafka: nothing was ever received")
        _wait_for_end_of_transactions(job, reader)
        cut = {part.partition: part.low for part in topic_reader.ranges(reader, RAW) if part.low > 0}
        replay = Replay(directory, compiled_routes(job.configuration), job.window, cut)
        try:
            _take_decisions(job, reader, replay, advance, is_cut=bool(cut))
            _take_states(job, reader, replay, advance)
            scope = _scope(reader, before)
            yield replay, _differences(job, reader, replay, scope, advance), scope
        finally:
            replay.close()


def _take_decisions(job: Job, reader: Consumer, replay: Replay, advance: Advance, *, is_cut: bool) -> None:
    """Load the outcomes and changes of the window; where retention truncated the raw topic, all changes since its start."""
    deployment, since = job.deployment, job.window.since
    for message in topic_reader.read(reader, _since(reader, OUTCOMES, since), advance):
        replay.add_outcome(deployment.registry.decode(value_of(message)))
    start = min(since, _oldest(reader)) if is_cut else since
    topics, is_narrowed = (
        sorted(filter(deployment.holds_changes, topic_reader.topics(reader))),
        _narrowing(job.configuration),
    )
    parts = [part for topic in topics for part in _since(reader, topic, start)]
    for message in topic_reader.read(reader, parts, advance):
        if job.wants(key_of(message)):
            change = deployment.registry.decode(value_of(message))
            replay.add_change(topic_of(message), change, is_whole=not is_narrowed(topic_of(message)))


def _take_states(job: Job, reader: Consumer, replay: Replay, advance: Advance) -> None:
    """Load what the workers have stored, then the state that consumers have of each resource, which must be as new or newer."""
    for message in topic_reader.read(reader, topic_reader.ranges(reader, job.changelog), advance):
        if job.wants(key_of(message)):
            replay.add_row(key_of(message), value_of(message) or None)
    _wait_for_end_of_transactions(job, reader)
    topics = sorted(topic for topic in topic_reader.topics(reader) if topic.startswith(STATE))
    parts = [part for topic in topics for part in topic_reader.ranges(reader, topic)]
    for message in topic_reader.read(reader, parts, advance):
        if job.wants(key_of(message)):
            value = value_of(message)
            document = job.deployment.registry.decode(value)["document"].encode() if value else None
            replay.add_state(topic_of(message), key_of(message), document)


def _differences(
    job: Job, reader: Consumer, replay: Replay, scope: Scope, advance: Advance
) -> Iterator[DeliveryDifference]:
    for message in topic_reader.read(reader, scope.ranges, advance):
        delivery = delivery_of(message)
        if job.window.source in {None, delivery.source}:
            is_moving = delivery.offset >= scope.moving[delivery.partition]
            difference = replay.decide(delivery, is_moving=is_moving)
            if difference is not None:
                yield difference


def _scope(reader: Consumer, before: Mapping[int, int]) -> Scope:
    waiting = {part.partition: part for part in topic_reader.waiting_ranges(reader, RAW)}
    ranges = [
        Range(RAW, part.partition, part.low, waiting[part.partition].low) for part in topic_reader.ranges(reader, RAW)
    ]
    return Scope(ranges, {**{part.partition: 0 for part in ranges}, **before}, sum(map(len, waiting.values())))


def _wait_for_end_of_transactions(job: Job, reader: Consumer) -> None:
    """Wait until every open transaction has ended, so that all records of the committed offsets are readable.

    The offsets of a transaction may become visible some milliseconds before its records.
    """
    deployment, everything = job.deployment, topic_reader.topics(reader)
    names = [name for name in everything if deployment.holds_changes(name) or name.startswith(STATE)]
    settings = {**deployment.kafka, "group.id": deployment.group, "isolation.level": "read_uncommitted"}
    with closing(clients.silent_consumer(settings)) as uncommitted:
        ends = {
            (name, partition): topic_reader.range_of(uncommitted, name, partition).high
            for name in [*names, OUTCOMES, job.changelog]
            for partition in everything.get(name, ())
        }
    deadline_s = time.monotonic() + SETTLE_TIMEOUT_S
    for (topic, partition), end in ends.items():
        while topic_reader.range_of(reader, topic, partition).high < end:
            if time.monotonic() > deadline_s:
                raise Failed(f"a transaction on {topic} stays open for more than {SETTLE_TIMEOUT_S:.0f} s; try again")
            time.sleep(0.05)


def _since(reader: Consumer, topic: str, start: datetime) -> list[Range]:
    """Return the ranges of a topic written since a time, with a small margin before it."""
    never = datetime.now(UTC) + timedelta(days=1)
    return topic_reader.ranges_between(reader, topic, max(start, EPOCH + CLOCKS_DIFFER) - CLOCKS_DIFFER, never)


def _oldest(reader: Consumer) -> datetime:
    """Return the time of the oldest record of `webhooks.raw`."""
    starts = [
        topic_reader.record_at(reader, part.topic, part.partition, part.low)
        for part in topic_reader.ranges(reader, RAW)
        if len(part)
    ]
    times = [message.timestamp()[1] for message in starts if message is not None]
    return datetime.fromtimestamp(min(times, default=0) / 1000, UTC)


def _narrowing(configuration: Configuration) -> Callable[[str], bool]:
    """Return a predicate: whether documents on a topic may be projections that lack fields."""
    routes = [route for route in configuration.routes if route.include_fields]
    names = frozenset(lane_topic(route.topic, priority) for route in routes if route.topic for priority in PRIORITIES)
    has_default = any(route.topic is None for route in routes)
    return lambda topic: topic in names or (has_default and topic.startswith(CHANGES))

"""Reads what waits, and its deliveries, from Kafka; changes nothing."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress

from confluent_kafka import Consumer

from broker import topic_reader
from broker.schema_registry import NOT_AVRO
from broker.topic_reader import Advance, Range, delivery_of, key_of, offset_of, value_of
from console.pending.waiting import Waiting, joined
from console.queries.changes import Deployment
from schemas.fetches import Standing, decode_standing
from schemas.records import Document, RawDelivery
from schemas.topics import PENDING, RAW, standings_topic

NEARBY = 2_000  # offsets that are read over rather than jumped over, which takes as long as reading a few thousand


def waiting_resources(deployment: Deployment, app: str, advance: Advance) -> list[Waiting]:
    """Return the resources that deliveries wait for, as of now; `advance` receives the number of records read."""
    with topic_reader.consumer(deployment.kafka) as reader:
        return read_waiting(deployment, reader, app, advance)


def read_waiting(deployment: Deployment, reader: Consumer, app: str, advance: Advance) -> list[Waiting]:
    """Return the same, read by a consumer that is open."""
    return joined(
        _records(deployment, reader, advance), lambda keys: _standings(reader, standings_topic(app), keys, advance)
    )


def deliveries_at(deployment: Deployment, waiting: Sequence[Waiting], advance: Advance) -> Iterator[RawDelivery]:
    """Yield the newest delivery of each resource, in any order; those that `webhooks.raw` no longer keeps are left out."""
    wanted: dict[int, list[int]] = {}
    for one in waiting:
        wanted.setdefault(one.newest.partition, []).append(one.newest.offset)
    with topic_reader.consumer(deployment.kafka) as reader:
        kept = {part.partition: part for part in topic_reader.ranges(reader, RAW)}
        for partition, offsets in wanted.items():
            whole = kept.get(partition)
            there = {offset for offset in offsets if whole is not None and whole.low <= offset < whole.high}
            for part in _stretches(partition, sorted(there)):
                for message in topic_reader.read(reader, [part]):
                    if offset_of(message) in there:
                        advance(1)
                        yield delivery_of(message)


def _stretches(partition: int, offsets: Sequence[int]) -> Iterator[Range]:
    """Yield ranges that cover offsets, those near each other together."""
    start = 0
    for index, offset in enumerate(offsets):
        is_last = index + 1 == len(offsets)
        if is_last or offsets[index + 1] - offset > NEARBY:
            yield Range(RAW, partition, offsets[start], offset + 1)
            start = index + 1


def _records(deployment: Deployment, reader: Consumer, advance: Advance) -> Iterator[tuple[bytes, Document | None]]:
    for message in topic_reader.read(reader, topic_reader.ranges(reader, PENDING), advance):
        value = value_of(message)
        if not value:
            yield key_of(message), None
            continue
        with suppress(*NOT_AVRO):  # another program's record is no delivery
            yield key_of(message), deployment.registry.decode(value)


def _standings(reader: Consumer, topic: str, keys: Collection[str], advance: Advance) -> dict[str, Standing]:
    found: dict[str, Standing] = {}
    if not keys:
        return found
    for message in topic_reader.read(reader, topic_reader.ranges(reader, topic), advance):
        key = key_of(message).decode(errors="replace")
        if key not in keys:
            continue
        found.pop(key, None)
        with suppress(ValueError):  # a tombstone, or another program's record
            found[key] = decode_standing(value_of(message))
    return found

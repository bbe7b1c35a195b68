"""Reads Kafka by offset: ranges, one record, newest first, or new records as they arrive.

Nothing here joins a consumer group or commits an offset, so reading never disturbs a worker. Only committed records are read.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from broker import clients
from broker.errors import ReadTimeout
from broker.retry_policy import RetryPolicy
from schemas import codec
from schemas.records import RawDelivery

BLOCK_RECORDS = 20_000  # per partition and step back in time; reading that many outcomes takes less than a second
BATCH_RECORDS = 1_000
METADATA_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 15.0  # without a record: the partition has no leader, or a transaction stays open
NEW_TOPICS_EVERY_S = 2.0  # a resource's first change creates its topic
PASSING = {
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
}

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Range:
    """Offsets of one partition, `high` excluded; some of them may hold no record (transaction markers, compaction)."""

    topic: str
    partition: int
    low: int
    high: int

    def __len__(self) -> int:
        return max(0, self.high - self.low)


@contextmanager
def consumer(kafka: Mapping[str, str], group: str = "penstock.console") -> Iterator[Consumer]:
    """Yield a read-only consumer. `group` matters only for `committed`."""
    settings = {
        **kafka,
        "group.id": group,
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": 20,  # every change of the assignment waits for the previous fetch
    }
    opened = clients.silent_consumer(settings)
    try:
        yield opened
    finally:
        opened.close()


def topics(reader: Consumer) -> dict[str, list[int]]:
    """Return the partitions of every topic."""
    metadata = reader.list_topics(timeout=METADATA_TIMEOUT_S)
    return {name: sorted(topic.partitions) for name, topic in metadata.topics.items()}


def _is_passing(error: BaseException) -> bool:
    """Say whether Kafka fails only because the partition is new or moving."""
    return isinstance(error, KafkaException) and error.args[0].code() in PASSING


RETRY = RetryPolicy(
    (KafkaException,), first_s=0.1, longest_s=0.5, deadline_s=METADATA_TIMEOUT_S, is_passing=_is_passing
)


def range_of(reader: Consumer, topic: str, partition: int) -> Range:
    """Return the offsets that a partition holds; retries while a new or moving one has no leader."""
    position = TopicPartition(topic, partition)
    low, high = RETRY.call(partial(reader.get_watermark_offsets, position, timeout=METADATA_TIMEOUT_S))
    return Range(topic, partition, low, high)


def ranges(reader: Consumer, topic: str) -> list[Range]:
    """Return the offsets that each partition of a topic holds; empty if the topic does not exist."""
    return [range_of(reader, topic, partition) for partition in topics(reader).get(topic, ())]


def ranges_between(reader: Consumer, topic: str, start: datetime, end: datetime) -> list[Range]:
    """Return the offsets that were written to a topic between two times."""
    found = ranges(reader, topic)
    lows, highs = _offsets_at(reader, found, start), _offsets_at(reader, found, end)
    return [
        Range(topic, whole.partition, low, high)
        for whole, low, high in zip(found, lows, highs, strict=True)
        if high > low
    ]


def waiting_ranges(reader: Consumer, topic: str) -> list[Range]:
    """Return the offsets that the consumer's group has not committed yet."""
    found = ranges(reader, topic)
    committed = reader.committed([TopicPartition(topic, whole.partition) for whole in found], METADATA_TIMEOUT_S)
    return [
        Range(topic, whole.partition, max(whole.low, position.offset), whole.high)
        for whole, position in zip(found, committed, strict=True)
    ]


def newest_blocks(
    found: Sequence[Range], limit: int | None, block_records: int = BLOCK_RECORDS
) -> Iterator[list[Range]]:
    """Yield blocks of ranges, the newest records of every partition first, until about `limit` records are covered."""
    looked_at = 0
    rest = [whole for whole in found if len(whole)]
    while rest and (limit is None or looked_at < limit):
        block = [
            Range(part.topic, part.partition, max(part.low, part.high - block_records), part.high) for part in rest
        ]
        yield block
        looked_at += sum(map(len, block))
        rest = [
            Range(part.topic, part.partition, part.low, taken.low)
            for part, taken in zip(rest, block, strict=True)
            if taken.low > part.low
        ]


def read(reader: Consumer, wanted: Sequence[Range], advance: Advance = lambda _records: None) -> Iterator[Message]:
    """Yield the records of ranges, each partition in order; `advance` receives the number of records read."""
    highs = {(part.topic, part.partition): part.high for part in wanted if len(part)}
    positions = [TopicPartition(part.topic, part.partition, part.low) for part in wanted if len(part)]
    reader.assign(positions)
    reader.resume(positions)  # librdkafka keeps the pauses of the previous read
    deadline_s = time.monotonic() + READ_TIMEOUT_S
    while highs:
        messages = reader.consume(BATCH_RECORDS, timeout=0.05)
        advance(len(messages))
        if messages:
            deadline_s = time.monotonic() + READ_TIMEOUT_S
        elif time.monotonic() > deadline_s:
            raise ReadTimeout(
                f"Kafka sent nothing for {READ_TIMEOUT_S:.0f} s while {len(highs)} partitions were being read"
            )
        for message in messages:
            position = (topic_of(message), partition_of(message))
            if position not in highs:
                continue
            if not is_end(message) and offset_of(message) < highs[position]:
                yield message
            if is_end(message) or offset_of(message) >= highs[position] - 1:
                del highs[position]
                reader.pause([TopicPartition(*position)])
    reader.unassign()


def record_at(reader: Consumer, topic: str, partition: int, offset: int) -> Message | None:
    """Return one record, None if it does not exist or retention has removed it."""
    if topic not in topics(reader):
        return None
    whole = range_of(reader, topic, partition)
    if not whole.low <= offset < whole.high:
        return None
    return next(read(reader, [Range(topic, partition, offset, offset + 1)]), None)


def follow(reader: Consumer, wants: Callable[[str], bool], is_from_beginning: bool) -> Iterator[Message | None]:
    """Yield every record of the wanted topics without end, topics created later included; None while there is none.

    After the first value, every record written from then on will be read.
    """
    known: set[tuple[str, int]] = set()
    assign_new(reader, wants, known, is_from_beginning)
    yield None
    look_again_s = time.monotonic() + NEW_TOPICS_EVERY_S
    while True:
        messages = [message for message in reader.consume(BATCH_RECORDS, timeout=0.1) if not is_end(message)]
        yield from messages
        if not messages:
            yield None
        if time.monotonic() >= look_again_s:
            assign_new(reader, wants, known, is_from_beginning=True)
            look_again_s = time.monotonic() + NEW_TOPICS_EVERY_S


def assign_new(
    reader: Consumer, wants: Callable[[str], bool], known: set[tuple[str, int]], is_from_beginning: bool
) -> None:
    """Assign the wanted topics' partitions that are not in `known` yet to a consumer."""
    everywhere = {(name, number) for name, numbers in topics(reader).items() if wants(name) for number in numbers}
    new = [range_of(reader, *position) for position in sorted(everywhere - known)]
    known |= everywhere
    if new:
        reader.incremental_assign(
            [TopicPartition(part.topic, part.partition, part.low if is_from_beginning else part.high) for part in new]
        )


def is_end(message: Message) -> bool:
    """Say whether this message reports the end of a partition; raise any other error it reports."""
    error = message.error()
    if error is None:
        return False
    if error.code() == KafkaError._PARTITION_EOF:
        return True
    raise KafkaException(error)


def topic_of(message: Message) -> str:
    """Return a message's topic."""
    return message.topic() or ""


def partition_of(message: Message) -> int:
    """Return a message's partition."""
    partition = message.partition()
    return -1 if partition is None else partition


def offset_of(message: Message) -> int:
    """Return a message's offset."""
    offset = message.offset()
    return -1 if offset is None else offset


def value_of(message: Message) -> bytes:
    """Return a message's value, empty for a tombstone."""
    return _bytes(message.value())


def key_of(message: Message) -> bytes:
    """Return a message's key, empty where there is none."""
    return _bytes(message.key())


def headers_of(message: Message) -> list[tuple[str, bytes | None]]:
    """Return a message's headers in their order."""
    return cast("list[tuple[str, bytes | None]]", message.headers() or [])


def delivery_of(message: Message) -> RawDelivery:
    """Return the delivery in a record of `webhooks.raw`."""
    position = (topic_of(message), partition_of(message), offset_of(message))
    return codec.raw_delivery(key_of(message), value_of(message), headers_of(message), position)


def _bytes(value: str | bytes | None) -> bytes:
    return value.encode() if isinstance(value, str) else value or b""


def _offsets_at(reader: Consumer, found: Sequence[Range], moment: datetime) -> list[int]:
    moment_ms = int(moment.timestamp() * 1000)
    wanted = [TopicPartition(part.topic, part.partition, moment_ms) for part in found]
    positions = reader.offsets_for_times(wanted, timeout=METADATA_TIMEOUT_S) if wanted else []
    return [
        position.offset if position.offset >= 0 else part.high  # nothing was written later
        for position, part in zip(positions, found, strict=True)
    ]

"""Counts a contestant's decisions as a `read_committed` consumer sees them."""

import hashlib
from collections import Counter
from collections.abc import Iterator

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition
from msgspec import Struct

from bench.stack import Offsets, Stack
from schemas import codec

CHUNK = 5_000


class Decided(Struct, frozen=True):
    """The contents of an outcomes topic: counts by name, events, broker times of the first, middle and last, a digest.

    The digest covers every delivery's id, outcome and event ids, regardless of their order: two contestants with the same
    digest made the same decision for every delivery.
    """

    counts: dict[str, int]
    events: int
    first_ms: int
    middle_ms: int
    last_ms: int
    digest: str
    per_transaction: float
    """Counted from the transactions' markers: too high where a transaction does not write to every partition."""

    @property
    def deliveries(self) -> int:
        """Return the number of outcomes."""
        return sum(self.counts.values())

    @property
    def seconds(self) -> float:
        """Return the time from the first outcome to the last."""
        return max(1, self.last_ms - self.first_ms) / 1000

    @property
    def per_s(self) -> float:
        """Return outcomes per second, from the first to the last."""
        return (self.deliveries - 1) / self.seconds

    @property
    def warm_per_s(self) -> float:
        """Return outcomes per second in the second half alone, when compilers and caches have warmed up."""
        return 1000 * (self.deliveries / 2) / max(1, self.last_ms - self.middle_ms)


def decided(stack: Stack, topic: str, begin: Offsets) -> Decided:
    """Return the contents of a topic after the given offsets. Its records carry the broker's time (LogAppendTime)."""
    schema = codec.parse_schema(codec.schema_text("outcome"))
    counts: Counter[str] = Counter()
    events, digest = 0, 0
    times_ms: list[int] = []
    for message in committed(stack, topic, begin):
        outcome = codec.decode(message.value() or b"", schema)
        counts[outcome["outcome"]] += 1
        events += len(outcome["event_ids"])
        times_ms.append(message.timestamp()[1])
        digest += _number(f"{outcome['delivery_id']} {outcome['outcome']} {outcome['event_ids']} {outcome['offset']}")
    per_transaction = _per_transaction(stack, topic, begin, len(times_ms))
    return Decided(dict(sorted(counts.items())), events, *_span(times_ms), _hexadecimal(digest), per_transaction)


def emitted(stack: Stack, topic: str, begin: Offsets) -> Decided:
    """Return the same for a topic with one event per record, in any format: the digest covers keys and values."""
    digest = 0
    times_ms: list[int] = []
    for message in committed(stack, topic, begin):
        times_ms.append(message.timestamp()[1])
        digest += _number(f"{message.key()!r} {message.value()!r}")
    events = len(times_ms)
    per_transaction = _per_transaction(stack, topic, begin, events)
    return Decided({"event": events}, events, *_span(times_ms), _hexadecimal(digest), per_transaction)


def changes_digest(stack: Stack, topic: str, begin: Offsets) -> str:
    """Return a digest over all changes after the given offsets, regardless of order and without their decision time."""
    schema = codec.parse_schema(codec.schema_text("change"))
    digest = 0
    for message in committed(stack, topic, begin):
        change = codec.decode(message.value() or b"", schema)
        del change["emitted_at"]
        digest += _number(repr(sorted(change.items())))
    return _hexadecimal(digest)


def committed(stack: Stack, topic: str, begin: Offsets) -> Iterator[Message]:
    """Yield every committed record of a topic after the given offsets, up to its current end."""
    ends = stack.ends(topic)
    consumer = Consumer({
        "bootstrap.servers": stack.kafka,
        "group.id": "bench.count",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
    })  # fmt: skip
    consumer.assign([TopicPartition(topic, partition, begin.get(partition, 0)) for partition in ends])
    unread = set(ends)
    while unread:
        for message in consumer.consume(CHUNK, 1.0):
            error = message.error()
            if error is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:
                unread.discard(message.partition())
            else:
                raise RuntimeError(f"reading {topic}: {error}")
    consumer.close()


def _span(times_ms: list[int]) -> tuple[int, int, int]:
    """Return the first, the middle and the last of the given times."""
    ordered = sorted(times_ms) or [0]
    return ordered[0], ordered[len(ordered) // 2], ordered[-1]


def _per_transaction(stack: Stack, topic: str, begin: Offsets, records: int) -> float:
    """Return the mean number of records per transaction; each leaves a marker on every partition that it wrote to."""
    ends = stack.ends(topic)
    markers = sum(ends.values()) - sum(begin.get(partition, 0) for partition in ends) - records
    return records * len(ends) / max(1, markers)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _hexadecimal(digest: int) -> str:
    return f"{digest % 2**64:016x}"

"""Counts what a contestant decided, as a consumer that reads committed records sees it."""

import hashlib
from collections import Counter
from collections.abc import Iterator

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition
from msgspec import Struct

from bench.stack import Places, Stack
from schemas import codec

CHUNK = 5_000


class Decided(Struct, frozen=True):
    """What stands on an outcomes topic: counts by name, events, when the broker took the first, middle and last, a digest.

    The digest covers every delivery's id, outcome and event ids, in whatever order they stand: two contestants with the
    same one decided the same for every single delivery.
    """

    counts: dict[str, int]
    events: int
    first_ms: int
    middle_ms: int
    last_ms: int
    digest: str
    per_transaction: float
    """Counted from the transactions' markers: too many where a transaction does not write to every partition."""

    @property
    def deliveries(self) -> int:
        """Return how many outcomes there are."""
        return sum(self.counts.values())

    @property
    def seconds(self) -> float:
        """Return how long it took from the first outcome to the last."""
        return max(1, self.last_ms - self.first_ms) / 1000

    @property
    def per_s(self) -> float:
        """Return outcomes a second, from the first to the last."""
        return (self.deliveries - 1) / self.seconds

    @property
    def warm_per_s(self) -> float:
        """Return outcomes a second of the second half alone: compilers and caches have settled by then."""
        return 1000 * (self.deliveries / 2) / max(1, self.last_ms - self.middle_ms)


def decided(stack: Stack, topic: str, begin: Places) -> Decided:
    """Return what a topic holds after the given places. Its records carry the broker's time (LogAppendTime)."""
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


def emitted(stack: Stack, topic: str, begin: Places) -> Decided:
    """Return the same of a topic with one event a record, of whatever format: the digest covers keys and values."""
    digest = 0
    times_ms: list[int] = []
    for message in committed(stack, topic, begin):
        times_ms.append(message.timestamp()[1])
        digest += _number(f"{message.key()!r} {message.value()!r}")
    events = len(times_ms)
    per_transaction = _per_transaction(stack, topic, begin, events)
    return Decided({"event": events}, events, *_span(times_ms), _hexadecimal(digest), per_transaction)


def changes_digest(stack: Stack, topic: str, begin: Places) -> str:
    """Return a digest over every change after the given places, in whatever order they stand, but for its time of decision."""
    schema = codec.parse_schema(codec.schema_text("change"))
    digest = 0
    for message in committed(stack, topic, begin):
        change = codec.decode(message.value() or b"", schema)
        del change["emitted_at"]
        digest += _number(repr(sorted(change.items())))
    return _hexadecimal(digest)


def committed(stack: Stack, topic: str, begin: Places) -> Iterator[Message]:
    """Yield every committed record of a topic after the given places, up to its present end."""
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
    """Return the first, the middle and the last of some times."""
    ordered = sorted(times_ms) or [0]
    return ordered[0], ordered[len(ordered) // 2], ordered[-1]


def _per_transaction(stack: Stack, topic: str, begin: Places, records: int) -> float:
    """Return how many records a transaction held on average; each leaves a marker on every partition that it wrote to."""
    ends = stack.ends(topic)
    markers = sum(ends.values()) - sum(begin.get(partition, 0) for partition in ends) - records
    return records * len(ends) / max(1, markers)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _hexadecimal(digest: int) -> str:
    return f"{digest % 2**64:016x}"

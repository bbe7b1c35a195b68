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
    """What stands on an outcomes topic: counts by name, when the broker took the first, the middle and the last, a digest.

    The digest covers every delivery's id, outcome and event ids, in whatever order they stand: two contestants with the
    same one decided the same for every single delivery.
    """

    counts: dict[str, int]
    first_ms: int
    middle_ms: int
    last_ms: int
    digest: str
    per_transaction: float

    @property
    def per_s(self) -> float:
        """Return outcomes a second, from the first to the last."""
        return 1000 * (sum(self.counts.values()) - 1) / max(1, self.last_ms - self.first_ms)

    @property
    def warm_per_s(self) -> float:
        """Return outcomes a second of the second half alone: compilers and caches have settled by then."""
        return 1000 * (sum(self.counts.values()) / 2) / max(1, self.last_ms - self.middle_ms)


def decided(stack: Stack, topic: str, begin: Places) -> Decided:
    """Return what a topic holds after the given places. Its records carry the broker's time (LogAppendTime)."""
    schema = codec.parse_schema(codec.schema_text("outcome"))
    counts: Counter[str] = Counter()
    times_ms: list[int] = []
    digest = 0
    for message in committed(stack, topic, begin):
        outcome = codec.decode(message.value() or b"", schema)
        counts[outcome["outcome"]] += 1
        times_ms.append(message.timestamp()[1])
        text = f"{outcome['delivery_id']} {outcome['outcome']} {outcome['event_ids']} {outcome['offset']}"
        digest += _number(text)
    times_ms = sorted(times_ms) or [0]
    return Decided(
        dict(sorted(counts.items())),
        times_ms[0],
        times_ms[len(times_ms) // 2],
        times_ms[-1],
        _hexadecimal(digest),
        _per_transaction(stack, topic, begin, counts.total()),
    )


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


def _per_transaction(stack: Stack, topic: str, begin: Places, records: int) -> float:
    """Return how many records a transaction held on average; each leaves a marker on every partition that it wrote to."""
    ends = stack.ends(topic)
    markers = sum(ends.values()) - sum(begin.get(partition, 0) for partition in ends) - records
    return records * len(ends) / max(1, markers)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _hexadecimal(digest: int) -> str:
    return f"{digest % 2**64:016x}"

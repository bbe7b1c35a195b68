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
    """What stands on an outcomes topic: counts by name, when the broker took the first and the last, and a digest.

    The digest covers every delivery's id, outcome and event ids, in whatever order they stand: two contestants with the
    same one decided the same for every single delivery.
    """

    counts: dict[str, int]
    first_ms: int
    last_ms: int
    digest: str

    @property
    def per_s(self) -> float:
        """Return outcomes a second, from the first to the last."""
        return 1000 * (sum(self.counts.values()) - 1) / max(1, self.last_ms - self.first_ms)


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
        digest = (digest + int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")) % 2**64
    return Decided(dict(sorted(counts.items())), min(times_ms, default=0), max(times_ms, default=0), f"{digest:016x}")


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

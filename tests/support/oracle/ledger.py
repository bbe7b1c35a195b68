"""Counts input and output, and recomputes the whole pipeline with plain dicts: the oracle of the broker tests.

`Ledger.read` takes all records of one source that a read_committed consumer sees; `recompute` decides the same raw records
again with `process` over dicts. The two must agree record by record, regardless of any kills in between.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any, Self

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition
from msgspec import Struct

from broker.schema_registry import Registry
from schemas import codec
from schemas.records import RawDelivery
from schemas.topics import OUTCOMES, RAW
from streams.pipeline import Result, Tables, process
from streams.steps.routing import Routes
from tests.support.kafka.end_offsets import end_of

HIDDEN_S = 60.0  # without a record; Kafka ends a transaction after 30 s, and checks every 10 s


class Ledger(Struct):
    """All visible records of one source."""

    raw: list[RawDelivery]
    outcomes: list[dict[str, Any]]
    changes: list[dict[str, Any]]

    @classmethod
    def read(cls, kafka: str, registry: str, source: str) -> Self:
        """Read the raw deliveries, outcomes and change events of a source, each in the order of its partition."""
        raw, mark = cls.read_raw(kafka, source), source.encode()
        decided, emitted = committed(kafka, OUTCOMES), list(committed(kafka, *change_topics(kafka)))
        emitted.sort(key=lambda message: message.topic() or "")  # a resource's changes may be on several, each in order
        with closing(Registry(registry)) as schemas:
            outcomes, changes = (
                [schemas.decode(value) for message in found if mark in (value := message.value() or b"")]
                for found in (decided, emitted)
            )
        return cls(
            raw,
            [outcome for outcome in outcomes if outcome["source"] == source],
            [change for change in changes if change["source"]["source"] == source],
        )

    @staticmethod
    def read_raw(kafka: str, source: str) -> list[RawDelivery]:
        """Read a source's records of `webhooks.raw`, each partition in order."""
        mark = f"|{source}|".encode()
        return [raw_delivery(message) for message in committed(kafka, RAW) if mark in (message.key() or b"")]

    def by_outcome(self) -> Counter[str]:
        """Return the number of deliveries by outcome."""
        return Counter(outcome["outcome"] for outcome in self.outcomes)


class Recomputation(Struct):
    """The result that the pipeline would have without Kafka, kills and disks."""

    results: dict[tuple[int, int], Result]
    seen: dict[bytes, bytes]
    latest: dict[bytes, bytes]

    def changes(self) -> dict[str, list[str]]:
        """Return the event ids of each resource in order."""
        routed_changes = (
            routed for result in self.results.values() for routed in result.routed_changes if routed.goes_out
        )
        return grouped((routed.change.resource_key, routed.change.event_id) for routed in routed_changes)


def recompute(raw: list[RawDelivery], routes: Routes) -> Recomputation:
    """Decide every delivery again, in partition order, over plain dicts."""
    done = Recomputation({}, {}, {})
    for delivery in sorted(raw, key=lambda delivery: (delivery.partition, delivery.offset)):
        result = process(delivery, Tables(done.seen, done.latest), routes)
        done.seen |= result.writes.seen
        done.latest |= result.writes.latest
        done.results[delivery.partition, delivery.offset] = result
    return done


def assert_adds_up(ledger: Ledger, expected: Recomputation) -> None:
    """Assert that nothing is lost, doubled or out of order, and that every delivery has the outcome it must have."""
    decided = Counter((outcome["partition"], outcome["offset"]) for outcome in ledger.outcomes)
    assert {position for position, count in decided.items() if count > 1} == set(), "outcomes doubled"
    assert set(expected.results) - set(decided) == set(), "outcomes lost"
    assert len(ledger.outcomes) == len(ledger.raw)
    wrong = [
        o for o in ledger.outcomes if o["outcome"] != expected.results[o["partition"], o["offset"]].outcome.outcome
    ]
    assert wrong == []
    emitted = Counter(change["event_id"] for change in ledger.changes)
    assert {event_id for event_id, count in emitted.items() if count > 1} == set(), "changes doubled"
    seen = grouped((change["resource_key"], change["event_id"]) for change in ledger.changes)
    assert seen == expected.changes(), "changes lost or out of order"


def grouped(pairs: Iterator[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the second parts of pairs by their first, in order."""
    groups: dict[str, list[str]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return dict(groups)


def raw_delivery(message: Message) -> RawDelivery:
    """Return the delivery that a message of `webhooks.raw` holds."""
    headers: Any = message.headers()
    position = (message.topic() or RAW, message.partition() or 0, message.offset() or 0)
    return codec.raw_delivery(message.key(), message.value(), headers, position)


def change_topics(kafka: str) -> list[str]:
    """Return the topics with change events that exist."""
    consumer = _consumer(kafka)
    try:
        return sorted(name for name in consumer.list_topics(timeout=10).topics if name.startswith("changes."))
    finally:
        consumer.close()


def committed(kafka: str, *topics: str) -> Iterator[Message]:
    """Yield every committed record now on the topics, each partition in order.

    A worker that has just died may have left a transaction open. Records committed behind it stay invisible until Kafka ends
    it, after 30 s: if its start were taken for the end, they would look lost.
    """
    left, consumer = _ends(kafka, topics), _consumer(kafka)
    try:
        consumer.assign([TopicPartition(topic, partition, 0) for topic, partition in left])
        moved_s = time.monotonic()
        while left:
            assert time.monotonic() - moved_s < HIDDEN_S, f"an open transaction hides the ends of {sorted(left)}"
            for message in consumer.consume(5_000, 0.1):
                error = message.error()
                if error is None:
                    moved_s = time.monotonic()
                    yield message
                elif error.code() != KafkaError._PARTITION_EOF:
                    raise AssertionError(error)
                elif (message.offset() or 0) >= left.get(
                    position := (message.topic() or "", message.partition() or 0), 0
                ):
                    left.pop(position, None)
    finally:
        consumer.close()


def _ends(kafka: str, topics: Iterable[str]) -> dict[tuple[str, int], int]:
    """Return the true ends of the partitions, visible already or not."""
    options = {"bootstrap.servers": kafka, "group.id": "penstock-test-ends", "isolation.level": "read_uncommitted"}
    consumer = Consumer(options)
    try:
        known = consumer.list_topics(timeout=10).topics
        positions = [(topic, partition) for topic in topics for partition in known[topic].partitions]
        return {position: end_of(consumer, *position) for position in positions}
    finally:
        consumer.close()


class OutcomeCount:
    """Counts the committed outcomes of one source as they appear, each once.

    After a broker was killed or paused, a consumer may be set back and read the same records again.
    """

    def __init__(self, kafka: str, registry: str, source: str) -> None:
        self._registry = Registry(registry)
        self._source = source
        self._count = 0
        self._next: dict[int, int] = {}
        self._consumer: Consumer | None = None
        self._kafka = kafka

    def __call__(self) -> int:
        """Return the current number."""
        consumer = self._consumer or self._assigned()
        for message in consumer.consume(20_000, 0.1) if consumer is not None else ():
            partition, offset, value = message.partition() or 0, message.offset() or 0, message.value() or b""
            if message.error() is not None or offset < self._next.get(partition, 0):
                continue
            self._next[partition] = offset + 1
            if self._source.encode() in value:  # decoding those of other tests would take long
                self._count += self._registry.decode(value)["source"] == self._source
        return self._count

    def close(self) -> None:
        """Close the clients of Kafka and the registry."""
        self._registry.close()
        if self._consumer is not None:
            self._consumer.close()

    def _assigned(self) -> Consumer | None:
        consumer = _consumer(self._kafka)
        known = consumer.list_topics(timeout=10).topics.get(OUTCOMES)
        if known is None:
            consumer.close()
            return None
        consumer.assign([TopicPartition(OUTCOMES, partition, 0) for partition in known.partitions])
        self._consumer = consumer
        return consumer


def _consumer(kafka: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": "penstock-test-ledger",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 10,  # an empty answer shows the end; by default it takes 500 ms
            "auto.offset.reset": "earliest",
        }
    )


def newest(rows: Mapping[bytes, bytes], source: str) -> dict[bytes, bytes]:
    """Return the rows of a table that belong to a source."""
    mark = f"|{source}|".encode()
    return {key: row for key, row in rows.items() if mark in key}

"""Read the records published to `webhooks.raw` since a test began; older ones belong to other tests and may be many."""

from types import TracebackType
from typing import Any, Self

from confluent_kafka import Consumer, TopicPartition

from schemas.codec import raw_delivery
from schemas.records import RawDelivery
from tests.support.kafka.end_offsets import end_of

TIMEOUT_S = 10.0


class RawReader:
    """A reader of the topic from its present end."""

    def __init__(self, kafka: str, topic: str = "webhooks.raw") -> None:
        self._consumer = Consumer({
            "bootstrap.servers": kafka, "group.id": "reader", "enable.auto.commit": False, "fetch.wait.max.ms": 10,
        })  # fmt: skip  # a waiting fetch delays the lookup of the end
        self._topic = topic
        self._seen: list[RawDelivery] = []
        partitions = self._consumer.list_topics(topic, TIMEOUT_S).topics[topic].partitions
        self._next = {partition: end_of(self._consumer, self._topic, partition) for partition in sorted(partitions)}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def deliveries(self, *sources: str) -> list[RawDelivery]:
        """Return every delivery of these sources from the first to the current last, partition by partition."""
        for partition in self._next:
            self._read(partition)
        return [delivery for delivery in self._seen if delivery.source in sources]

    def _read(self, partition: int) -> None:
        end = end_of(self._consumer, self._topic, partition)
        if self._next[partition] < end:
            self._consumer.assign([TopicPartition(self._topic, partition, self._next[partition])])
        while self._next[partition] < end:
            record = self._consumer.poll(TIMEOUT_S)
            assert record is not None, (
                f"{self._topic}-{partition} ends at {end}, nothing came at {self._next[partition]}"
            )
            assert record.error() is None, record.error()
            position = (self._topic, partition, int(record.offset() or 0))
            headers: Any = record.headers()
            self._seen.append(raw_delivery(record.key(), record.value(), headers, position))
            self._next[partition] = position[2] + 1

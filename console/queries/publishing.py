"""Publishes records that a command writes, and reads what is written to a topic from then on."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from confluent_kafka import Consumer, KafkaError, Message

from broker import clients, topic_reader
from broker.outgoing import Record, queue
from console.errors import Failed
from console.queries.changes import Deployment
from schemas.topics import RAW_RECORD_BYTES

FLUSH_TIMEOUT_S: Final = 60.0

Stored = Callable[[Record, Message], object]
"""Told of each record that Kafka has acknowledged, with its partition and offset."""


class Publisher:
    """Records on their way to Kafka. What is published stays published, so a command that was killed is run again.

    `noun` says what the records are, and `advice` what to do when Kafka does not take them.
    """

    def __init__(self, deployment: Deployment, noun: str, advice: str) -> None:
        settings = {
            "enable.idempotence": True,
            "acks": "all",
            "message.max.bytes": RAW_RECORD_BYTES,
            "partitioner": "murmur2_random",  # as ingress and worker: what has one key is on one partition
        }
        self._producer = clients.silent_producer({**deployment.kafka, **settings})
        self._noun, self._advice = noun, advice
        self._failures: list[str] = []
        self.count = 0
        """How many records were given to Kafka."""

    def publish(self, records: Iterable[Record], stored: Stored) -> None:
        """Publish records in their order and return when Kafka has all of them; raise `Failed` if it has not."""
        for record in records:
            queue(self._producer, record, self._reporting(record, stored))
            self.count += 1
        left = self._producer.flush(FLUSH_TIMEOUT_S)
        if left or self._failures:
            reason = self._failures[0] if self._failures else f"Kafka did not answer within {FLUSH_TIMEOUT_S:.0f} s"
            missing = left + len(self._failures)
            raise Failed(f"{missing} of {self.count} {self._noun} were not published: {reason}; {self._advice}")

    def _reporting(self, record: Record, stored: Stored) -> Callable[[KafkaError | None, Message], None]:
        def report(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self._failures.append(error.str())
            else:
                stored(record, message)

        return report


class NewRecords:
    """The records of a topic that were written after this was made, so make it before publishing what they follow from."""

    def __init__(self, deployment: Deployment, topic: str) -> None:
        self._topic = topic
        with topic_reader.consumer(deployment.kafka) as reader:
            self._read = {part.partition: part.high for part in topic_reader.ranges(reader, topic)}

    def read(self, reader: Consumer) -> Iterator[Message]:
        """Yield those written since the last call, which was read to its end."""
        ends = topic_reader.ranges(reader, self._topic)
        yield from topic_reader.read(
            reader, [replace(part, low=self._read.get(part.partition, part.low)) for part in ends]
        )
        self._read = {part.partition: part.high for part in ends}

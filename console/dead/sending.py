"""Publishes deliveries that answer letters, and waits for their outcomes."""

import time
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from confluent_kafka import Consumer, KafkaError, Message, Producer

from broker import clients, topic_reader
from broker.topic_reader import Advance, offset_of, partition_of, value_of
from console.dead.letters import NOT_FINAL
from console.errors import Failed
from console.queries.changes import Deployment
from schemas.codec import raw_headers
from schemas.records import Document, RawDelivery
from schemas.topics import OUTCOMES, RAW, RAW_RECORD_BYTES

FLUSH_TIMEOUT_S = 60.0
POLL_S = 0.1

Position = tuple[int, int]
"""Partition and offset of a record on `webhooks.raw`."""


class Sending:
    """Deliveries on their way to `webhooks.raw`. What is published stays published, so a command that was killed is run again."""

    def __init__(self, deployment: Deployment) -> None:
        settings = {
            "enable.idempotence": True,
            "acks": "all",
            "message.max.bytes": RAW_RECORD_BYTES,
            "partitioner": "murmur2_random",  # as the ingress: a resource's deliveries are on one partition
        }
        self._producer: Producer = clients.silent_producer({**deployment.kafka, **settings})
        self._failures: list[str] = []
        self.positions: dict[Position, str] = {}
        """The delivery id of each record that Kafka has acknowledged."""

    def publish(self, deliveries: Iterable[RawDelivery], advance: Advance) -> None:
        """Publish deliveries in their order and return when Kafka has all of them; raise `Failed` if it has not."""
        count = 0
        for delivery in deliveries:
            while not self._is_queued(delivery, advance):
                self._producer.poll(POLL_S)
            count += 1
        left = self._producer.flush(FLUSH_TIMEOUT_S)
        if left or self._failures:
            reason = self._failures[0] if self._failures else f"Kafka did not answer within {FLUSH_TIMEOUT_S:.0f} s"
            missing = left + len(self._failures)
            raise Failed(
                f"{missing} of the last {count} deliveries were not published: {reason}; "
                "run the same command again: what was published is not sent twice"
            )

    def _is_queued(self, delivery: RawDelivery, advance: Advance) -> bool:
        def report(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self._failures.append(error.str())
                return
            self.positions[partition_of(message), offset_of(message)] = delivery.delivery_id
            advance(1)

        headers: list[tuple[str, str | bytes | None]] = [*raw_headers(delivery)]
        try:
            self._producer.produce(RAW, delivery.body, delivery.key.encode(), on_delivery=report, headers=headers)
        except BufferError:
            return False
        self._producer.poll(0)
        return True


class NewOutcomes:
    """The outcomes recorded after this reader was made, so make it before publishing."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        with topic_reader.consumer(deployment.kafka) as reader:
            self._read = {part.partition: part.high for part in topic_reader.ranges(reader, OUTCOMES)}

    def of(self, wanted: Mapping[Position, str], wait_s: float, advance: Advance) -> dict[Position, Document]:
        """Return the final outcome of each wanted record, without those that have none in time."""
        found: dict[Position, Document] = {}
        ids = {delivery_id.encode() for delivery_id in wanted.values()}
        deadline_s = time.monotonic() + wait_s
        with topic_reader.consumer(self._deployment.kafka) as reader:
            while len(found) < len(wanted):
                known = len(found)
                found |= self._next(reader, wanted, ids)
                advance(len(found) - known)
                if time.monotonic() >= deadline_s:
                    break
                time.sleep(POLL_S)
        return found

    def _next(
        self, reader: Consumer, wanted: Mapping[Position, str], ids: AbstractSet[bytes]
    ) -> dict[Position, Document]:
        """Return the wanted final outcomes recorded since the last call."""
        found = {}
        ends = topic_reader.ranges(reader, OUTCOMES)
        unread = [replace(part, low=self._read.get(part.partition, part.low)) for part in ends]
        for message in topic_reader.read(reader, unread):
            if topic_reader.key_of(message) in ids:
                outcome = self._deployment.registry.decode(value_of(message))
                position = (outcome["partition"], outcome["offset"])
                if position in wanted and outcome["outcome"] not in NOT_FINAL:
                    found[position] = outcome
        self._read = {part.partition: part.high for part in ends}
        return found

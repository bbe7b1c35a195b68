"""Publishes the corrections that a replay found, and reports their outcomes."""

import time
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime

from confluent_kafka import Consumer, KafkaError, Message, Producer

from broker import clients, topic_reader
from broker.topic_reader import Advance, key_of, value_of
from console.errors import Failed
from console.queries.changes import Deployment
from schemas.codec import raw_headers
from schemas.records import RawDelivery
from schemas.topics import OUTCOMES, RAW, RAW_RECORD_BYTES
from streams.replay.differences import StateDifference
from streams.steps.correction import correction_delivery

FLUSH_TIMEOUT_S = 60.0
DECIDED_TIMEOUT_S = 60.0  # without any progress


def workers(deployment: Deployment) -> int:
    """Return the number of running workers: the members of the consumer group."""
    admin = clients.admin(deployment.kafka)
    return len(admin.describe_consumer_groups([deployment.group])[deployment.group].result().members)


def publish(deployment: Deployment, wrong: Iterable[StateDifference], now: datetime) -> set[str]:
    """Publish the corrections to `webhooks.raw`, each behind all deliveries of its resource, and return their delivery ids."""
    settings = {"enable.idempotence": True, "acks": "all", "message.max.bytes": RAW_RECORD_BYTES}
    producer = clients.silent_producer({**deployment.kafka, **settings})
    failures: list[str] = []

    def report(error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            failures.append(error.str())

    ids: set[str] = set()
    for state in wrong:
        delivery = correction_delivery(state.provider, state.source, state.tenant, state.correction, now)
        while not _is_queued(producer, delivery, state.partition, report):
            producer.poll(0.1)
        ids.add(delivery.delivery_id)
    left = producer.flush(FLUSH_TIMEOUT_S)
    if left or failures:
        reason = failures[0] if failures else f"Kafka did not acknowledge within {FLUSH_TIMEOUT_S:.0f} s"
        raise Failed(f"{left + len(failures)} of {len(ids)} corrections were not published: {reason}; replay again")
    return ids


class NewOutcomes:
    """The outcomes recorded after this reader was created."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        with topic_reader.consumer(deployment.kafka) as reader:
            self._read = {part.partition: part.high for part in topic_reader.ranges(reader, OUTCOMES)}

    def of(self, ids: AbstractSet[str], advance: Advance) -> dict[str, str]:
        """Return `outcome reason` of each delivery, without those that no worker decides within a minute."""
        found: dict[str, str] = {}
        deadline_s = time.monotonic() + DECIDED_TIMEOUT_S
        with topic_reader.consumer(self._deployment.kafka) as reader:
            while len(found) < len(ids) and time.monotonic() < deadline_s:
                known = len(found)
                found |= self._next(reader, ids)
                if len(found) > known:
                    advance(len(found) - known)
                    deadline_s = time.monotonic() + DECIDED_TIMEOUT_S
                time.sleep(0.1)
        return found

    def _next(self, reader: Consumer, ids: AbstractSet[str]) -> dict[str, str]:
        """Return the outcomes recorded since the last call."""
        found = {}
        ends = topic_reader.ranges(reader, OUTCOMES)
        unread = [replace(part, low=self._read.get(part.partition, part.low)) for part in ends]
        for message in topic_reader.read(reader, unread):
            delivery_id = key_of(message).decode(errors="replace")
            if delivery_id in ids:
                outcome = self._deployment.registry.decode(value_of(message))
                found[delivery_id] = f"{outcome['outcome']} {outcome['reason']}"
        self._read = {part.partition: part.high for part in ends}
        return found


def _is_queued(
    producer: Producer, delivery: RawDelivery, partition: int, report: Callable[[KafkaError | None, Message], None]
) -> bool:
    key = delivery.key.encode()
    headers: list[tuple[str, str | bytes | None]] = [*raw_headers(delivery)]
    try:
        producer.produce(RAW, delivery.body, key, partition, on_delivery=report, headers=headers)
    except BufferError:
        return False
    return True

"""Publishes deliveries that answer letters, and waits for their outcomes."""

import time
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from confluent_kafka import Consumer, Message

from broker import topic_reader
from broker.outgoing import Record, raw_record
from broker.topic_reader import Advance, key_of, offset_of, partition_of, value_of
from console.dead.letters import NOT_FINAL
from console.queries.changes import Deployment
from console.queries.publishing import NewRecords, Publisher
from schemas.records import Document, RawDelivery
from schemas.topics import OUTCOMES

FLUSH_TIMEOUT_S = 60.0
POLL_S = 0.1

Position = tuple[int, int]
"""Partition and offset of a record on `webhooks.raw`."""


class Sending:
    """Deliveries on their way to `webhooks.raw`."""

    def __init__(self, deployment: Deployment) -> None:
        advice = "run the same command again: what was published is not sent twice"
        self._publisher = Publisher(deployment, "deliveries", advice)
        self.positions: dict[Position, str] = {}
        """The delivery id of each record that Kafka has acknowledged."""

    def publish(self, deliveries: Iterable[RawDelivery], advance: Advance) -> None:
        """Publish deliveries in their order and return when Kafka has all of them; raise `Failed` if it has not."""

        def stored(record: Record, message: Message) -> None:
            delivery_id = dict(record.headers or ())["penstock_delivery_id"]
            self.positions[partition_of(message), offset_of(message)] = delivery_id.decode()
            advance(1)

        self._publisher.publish(map(raw_record, deliveries), stored)


class NewOutcomes:
    """The outcomes recorded after this reader was made, so make it before publishing."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._new = NewRecords(deployment, OUTCOMES)

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
        for message in self._new.read(reader):
            if key_of(message) in ids:
                outcome = self._deployment.registry.decode(value_of(message))
                position = (outcome["partition"], outcome["offset"])
                if position in wanted and outcome["outcome"] not in NOT_FINAL:
                    found[position] = outcome
        return found

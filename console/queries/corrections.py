"""Publishes the corrections that a replay found, and reports their outcomes."""

import time
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from datetime import datetime

from confluent_kafka import Consumer

from broker import clients, topic_reader
from broker.outgoing import Record, raw_record
from broker.topic_reader import Advance, key_of, value_of
from console.queries.changes import Deployment
from console.queries.publishing import NewRecords, Publisher
from schemas.topics import OUTCOMES
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
    ids: set[str] = set()

    def records() -> Iterator[Record]:
        for state in wrong:
            delivery = correction_delivery(state.provider, state.source, state.tenant, state.correction, now)
            ids.add(delivery.delivery_id)
            yield raw_record(delivery, state.partition)

    Publisher(deployment, "corrections", "replay again").publish(records(), lambda *_: None)
    return ids


class NewOutcomes:
    """The outcomes recorded after this reader was created."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._new = NewRecords(deployment, OUTCOMES)

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
        for message in self._new.read(reader):
            delivery_id = key_of(message).decode(errors="replace")
            if delivery_id in ids:
                outcome = self._deployment.registry.decode(value_of(message))
                found[delivery_id] = f"{outcome['outcome']} {outcome['reason']}"
        return found

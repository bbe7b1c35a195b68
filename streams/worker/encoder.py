"""Encodes a decision as the records of a transaction, checks their sizes, and creates missing topics."""

from collections.abc import Sequence

import structlog
from msgspec import Struct

from broker.schema_registry import Registry
from broker.topic_admin import Topics
from config.model import Replication
from schemas import codec
from schemas.records import RawDelivery
from schemas.topics import DEAD, MAX_RECORD_BYTES, OUTCOMES
from streams.pipeline import Result
from streams.steps.passthrough import copy_topics, noted
from streams.steps.routing import RoutedChange, Routes

SPARE_BYTES = 64 * 1024  # of a record's limit, for the key, headers and batch overhead

BY_DEFAULT = Replication()

log = structlog.get_logger()


class Record(Struct, frozen=True):
    """One record to produce."""

    topic: str
    key: bytes
    value: bytes | None
    headers: codec.Headers | None = None


class Encoder:
    """Encodes decisions as records; registers schemas and creates topics on first use."""

    def __init__(self, registry: Registry, topics: Topics, routes: Routes) -> None:
        self._registry = registry
        self._topics = topics
        self._routes = routes

    def records(self, delivery: RawDelivery, result: Result, now_us: int) -> list[Record]:
        """Return the records of a decision: changes, states, outcome, passthrough copies, and the dead letter if it is dead."""
        records: list[Record] = []
        for routed in result.routed_changes:
            self._add_change(records, delivery, routed, now_us)
        if result.outcome.outcome == "dead":
            letter = codec.encode_dead(self._prefix(DEAD, "dead"), result.outcome, delivery, now_us)
            records.append(Record(DEAD, delivery.key.encode(), letter))
        copies = copy_topics(delivery, self._routes.raw) if self._routes.raw else ()  # 1 us of some 50 per delivery
        records.extend(self._copy(topic, delivery) for topic in copies)
        outcome = codec.encode_outcome(
            self._prefix(OUTCOMES, "outcome"), noted(result.outcome, copies), delivery, now_us
        )
        records.append(Record(OUTCOMES, delivery.delivery_id.encode(), outcome))
        return records

    def _add_change(self, records: list[Record], delivery: RawDelivery, routed: RoutedChange, now_us: int) -> None:
        change, key = routed.change, routed.change.resource_key.encode()
        for topic in routed.topics:
            message = codec.encode_change(self._prefix(topic, "change"), change, delivery, now_us)
            records.append(Record(topic, key, message))
        for part in routed.projected:
            message = codec.encode_change(self._prefix(part.topic, "change"), part.change, delivery, now_us)
            records.append(Record(part.topic, key, message))
        topic = self._routes.state_topic(delivery.provider, delivery.source, change.resource_type)
        records.append(Record(topic, key, codec.encode_state(self._prefix(topic, "state"), change, delivery, now_us)))

    def _copy(self, topic: str, delivery: RawDelivery) -> Record:
        self._topics.ensure(topic)
        return Record(topic, delivery.key.encode(), delivery.body, codec.copied_headers(delivery))

    def _prefix(self, topic: str, name: codec.SchemaName) -> bytes:
        self._topics.ensure(topic)
        return self._registry.prefix(topic, name)


def too_large(records: Sequence[Record]) -> Record | None:
    """Return the first record that is too large for Kafka, None if all fit."""
    limit = MAX_RECORD_BYTES - SPARE_BYTES
    for record in records:  # a generator would take three times as long, for every delivery
        if record.value is not None and len(record.value) > limit:
            return record
    return None

"""From one decision to the records of one transaction: encodes, sizes, and makes sure that the topics exist."""

from collections.abc import Collection, Mapping, Sequence

import structlog
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public by its documentation
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)
from msgspec import Struct

from broker import clients
from schemas import codec
from schemas.configuration import Replication
from schemas.records import RawDelivery
from schemas.registry import Registry
from streams.faults import Transient
from streams.pipeline import Result
from streams.steps.copies import copy_topics, noted
from streams.steps.fanout import Emission, Routes
from streams.topics import DEAD, MAX_RECORD_BYTES, OUTCOMES, SEEN_DAYS, described

SPARE_BYTES = 64 * 1024  # of a record's limit, for the key, headers and batch overhead

BY_DEFAULT = Replication()

log = structlog.get_logger()


class Record(Struct, frozen=True):
    """One record to produce."""

    topic: str
    key: bytes
    value: bytes | None
    headers: codec.Headers | None = None


class Topics:
    """The topics known to exist; others are created with their policy before their first record."""

    def __init__(
        self,
        options: Mapping[str, str],
        partitions: int,
        seen_days: int = SEEN_DAYS,
        copies: Collection[str] = (),
        replication: Replication = BY_DEFAULT,
    ) -> None:
        self._admin = clients.admin(options)
        self._partitions = partitions
        self._seen_days = seen_days
        self._copies = frozenset(copies)  # the topics of raw routes
        self._replication = replication
        self._known: dict[str, int] = {}

    def ensure(self, name: str, partitions: int | None = None) -> None:
        """Create a topic unless it exists."""
        if name in self._known:
            return
        self._known = self._listed()
        if name not in self._known:
            self._create(name, partitions or self._partitions)
        if name not in self._known:
            raise Transient(f"{name} was created by somebody else just now and is not listed yet")

    def partitions(self, name: str) -> int:
        """Return how many partitions an existing topic has."""
        self.ensure(name)
        return self._known[name]

    def widen(self, name: str, partitions: int) -> None:
        """Create a topic with at least so many partitions; a changelog must have one for each of its input's."""
        self.ensure(name, partitions)
        if self._known[name] < partitions:
            self._admin.create_partitions([NewPartitions(name, partitions)])[name].result()
            self._known[name] = partitions

    def align(self, name: str) -> None:
        """Give an existing topic of our own the policy that it would be created with now."""
        wanted = described(name, self._seen_days).settings
        place = ConfigResource(ResourceType.TOPIC, name)
        try:
            found = self._admin.describe_configs([place])[place].result()
            changed = {key: value for key, value in wanted.items() if found[key].value != value}
            for key, value in changed.items():
                place.add_incremental_config(ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET))
            if changed:
                self._admin.incremental_alter_configs([place])[place].result()
                log.info("topic_policy_changed", topic=name, **changed)
        except KafkaException as error:
            if (
                error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART
            ):  # made a moment ago; this broker has not heard of it
                raise Transient(f"the policy of {name}: {error.args[0].str()}") from error
            # no right to alter: the worker can go on, the topic keeps its policy
            log.warning("topic_policy_unchanged", topic=name, wanted=dict(wanted), error=error.args[0].str())

    def _listed(self) -> dict[str, int]:
        try:
            listed = self._admin.list_topics(timeout=10).topics
        except KafkaException as error:
            raise Transient(f"listing topics: {error.args[0].str()}") from error
        return {name: len(topic.partitions) for name, topic in listed.items()}

    def _create(self, name: str, partitions: int) -> None:
        policy = described(name, self._seen_days, holds_copies=name in self._copies).settings
        replication = self._replication
        topic = NewTopic(name, partitions, replication.factor, config={**policy, **replication.settings})
        try:
            self._admin.create_topics([topic])[name].result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise Transient(f"creating {name}: {error.args[0].str()}") from error
            self._known = self._listed()
            return
        self._known[name] = partitions
        log.info("topic_created", topic=name, partitions=partitions)


class Encoder:
    """Makes the records that carry a decision; schemas and topics are registered and created on first use."""

    def __init__(self, registry: Registry, topics: Topics, routes: Routes) -> None:
        self._registry = registry
        self._topics = topics
        self._routes = routes

    def records(self, delivery: RawDelivery, result: Result, now_us: int) -> list[Record]:
        """Return the change, state and outcome records of a decision, for a dead one its letter, and the raw routes' copies."""
        records: list[Record] = []
        for emission in result.emissions:
            self._add_change(records, delivery, emission, now_us)
        if result.outcome.outcome == "dead":
            letter = codec.encode_dead(self._prefix(DEAD, "dead"), result.outcome, delivery, now_us)
            records.append(Record(DEAD, delivery.key.encode(), letter))
        copies = copy_topics(delivery, self._routes.raw) if self._routes.raw else ()  # 1 us of some 50 a delivery
        records.extend(self._copy(topic, delivery) for topic in copies)
        outcome = codec.encode_outcome(
            self._prefix(OUTCOMES, "outcome"), noted(result.outcome, copies), delivery, now_us
        )
        records.append(Record(OUTCOMES, delivery.delivery_id.encode(), outcome))
        return records

    def _add_change(self, records: list[Record], delivery: RawDelivery, emission: Emission, now_us: int) -> None:
        change, key = emission.change, emission.change.resource_key.encode()
        for topic in emission.topics:
            message = codec.encode_change(self._prefix(topic, "change"), change, delivery, now_us)
            records.append(Record(topic, key, message))
        for part in emission.narrowed:
            message = codec.encode_change(self._prefix(part.topic, "change"), part.change, delivery, now_us)
            records.append(Record(part.topic, key, message))
        topic = self._routes.state_topic(delivery.provider, delivery.source, change.resource_type)
        records.append(Record(topic, key, codec.encode_state(self._prefix(topic, "state"), change, now_us)))

    def _copy(self, topic: str, delivery: RawDelivery) -> Record:
        self._topics.ensure(topic)
        return Record(topic, delivery.key.encode(), delivery.body, codec.copied_headers(delivery))

    def _prefix(self, topic: str, name: codec.SchemaName) -> bytes:
        self._topics.ensure(topic)
        return self._registry.prefix(topic, name)


def too_large(records: Sequence[Record]) -> Record | None:
    """Return the first record that Kafka would refuse, None when all fit."""
    limit = MAX_RECORD_BYTES - SPARE_BYTES
    for record in records:  # a generator would cost three times as much, for every delivery
        if record.value is not None and len(record.value) > limit:
            return record
    return None

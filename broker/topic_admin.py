"""Creates the topics that Penstock writes to, with the policy of `schemas.topics`, and keeps that policy up to date."""

from collections.abc import Collection, Mapping

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

from broker import clients
from broker.errors import Transient
from config.model import Replication
from schemas.topics import RAW, SEEN_DAYS, described

RAW_TIMEOUT_S = 3.0  # Short, because a stop of the ingress waits for it.
LIST_TIMEOUT_S = 10.0
BY_DEFAULT = Replication()

log = structlog.get_logger()


def raw_topic(record_bytes: int, partitions: int, replication: Replication = BY_DEFAULT, name: str = RAW) -> NewTopic:
    """Return the raw topic to create; `record_bytes` is the size of its largest record."""
    policy = {**described(RAW).settings, "cleanup.policy": "delete", "max.message.bytes": str(record_bytes)}
    return _new_topic(name, partitions, policy, replication)


def ensure_topic(options: Mapping[str, str], topic: NewTopic) -> bool:
    """Create a topic and say whether it was missing; an existing one keeps its partitions and policy.

    Blocks for up to 7 s. Raises `KafkaException` when Kafka does not answer. Without permission to create topics it
    returns False; the topic's metadata shows whether it exists.
    """
    admin = clients.admin(options)
    # Listed first: without permission to create, even an existing topic is denied, and the denial enters Kafka's audit log.
    if topic.topic in admin.list_topics(timeout=RAW_TIMEOUT_S).topics:
        return False
    try:
        admin.create_topics([topic], request_timeout=RAW_TIMEOUT_S)[topic.topic].result(RAW_TIMEOUT_S + 1.0)
    except KafkaException as error:
        if error.args[0].code() in {KafkaError.TOPIC_ALREADY_EXISTS, KafkaError.TOPIC_AUTHORIZATION_FAILED}:
            return False
        raise
    return True


class Topics:
    """The topics known to exist; a missing one is created with its policy before its first record."""

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
        """Create a topic with at least this many partitions; a changelog needs one per input partition."""
        self.ensure(name, partitions)
        if self._known[name] < partitions:
            self._admin.create_partitions([NewPartitions(name, partitions)])[name].result()
            self._known[name] = partitions

    def align(self, name: str) -> None:
        """Set an existing Penstock topic to the policy with which it would be created now."""
        wanted = described(name, self._seen_days).settings
        resource = ConfigResource(ResourceType.TOPIC, name)
        try:
            found = self._admin.describe_configs([resource])[resource].result()
            changed = {key: value for key, value in wanted.items() if found[key].value != value}
            for key, value in changed.items():
                resource.add_incremental_config(ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET))
            if changed:
                self._admin.incremental_alter_configs([resource])[resource].result()
                log.info("topic_policy_changed", topic=name, **changed)
        except KafkaException as error:
            if (
                error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART
            ):  # just created; this broker does not know it yet
                raise Transient(f"the policy of {name}: {error.args[0].str()}") from error
            # No permission to alter: the worker continues, the topic keeps its policy.
            log.warning("topic_policy_unchanged", topic=name, wanted=dict(wanted), error=error.args[0].str())

    def _listed(self) -> dict[str, int]:
        try:
            listed = self._admin.list_topics(timeout=LIST_TIMEOUT_S).topics
        except KafkaException as error:
            raise Transient(f"listing topics: {error.args[0].str()}") from error
        return {name: len(topic.partitions) for name, topic in listed.items()}

    def _create(self, name: str, partitions: int) -> None:
        policy = described(name, self._seen_days, holds_copies=name in self._copies).settings
        topic = _new_topic(name, partitions, policy, self._replication)
        try:
            self._admin.create_topics([topic])[name].result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise Transient(f"creating {name}: {error.args[0].str()}") from error
            self._known = self._listed()
            return
        self._known[name] = partitions
        log.info("topic_created", topic=name, partitions=partitions)


def _new_topic(name: str, partitions: int, policy: Mapping[str, str], replication: Replication) -> NewTopic:
    return NewTopic(name, partitions, replication.factor, config={**policy, **replication.settings})

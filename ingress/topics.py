"""The one topic that the door writes to, created when it is missing."""

from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]  # exported, but not in __all__

from broker import clients
from ingress.settings import Settings

RETENTION_MS = (
    14 * 24 * 3600 * 1000
)  # Longer than any provider retries, so `penstock replay` reaches further back than they do.
RECORD_LIMIT_BYTES = (
    26 * 1024 * 1024
)  # The 25 MB of the largest body (GitHub) and room for key, headers and the batch's frame.
ADMIN_TIMEOUT_S = 3.0  # Short, because a stop waits for it.


def record_limit_bytes(settings: Settings) -> int:
    """Return the size of the largest record that the raw topic has to take."""
    return max(RECORD_LIMIT_BYTES, settings.body_limit_bytes + 1024 * 1024)


def raw_topic(settings: Settings) -> NewTopic:
    """Return the raw topic as it is created."""
    config: Mapping[str, str] = {
        "cleanup.policy": "delete",
        "retention.ms": str(RETENTION_MS),
        "max.message.bytes": str(record_limit_bytes(settings)),
        **settings.replication.settings,
    }
    return NewTopic(settings.raw_topic, settings.partitions, settings.replication.factor, config=dict(config))


def ensure_topic(settings: Settings) -> bool:
    """Create the raw topic and say whether it was missing; an existing one keeps its partitions and policy.

    Blocks for up to 7 s. Raises `KafkaException` when Kafka does not answer. Without the right to create topics it
    returns False: whether somebody else has created the topic shows when its metadata are asked for.
    """
    admin = clients.admin(settings.kafka)
    # Looked for first: who may not create topics is denied even an existing one, and that is an entry in Kafka's audit log.
    if settings.raw_topic in admin.list_topics(timeout=ADMIN_TIMEOUT_S).topics:
        return False
    created = admin.create_topics([raw_topic(settings)], request_timeout=ADMIN_TIMEOUT_S)[settings.raw_topic]
    try:
        created.result(ADMIN_TIMEOUT_S + 1.0)
    except KafkaException as error:
        if error.args[0].code() in {KafkaError.TOPIC_ALREADY_EXISTS, KafkaError.TOPIC_AUTHORIZATION_FAILED}:
            return False
        raise
    return True

"""The broker and the registry that every other test here relies on."""

import uuid

import httpx
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from local.registry import COMPATIBILITY

pytestmark = pytest.mark.kafka

BODY_BYTES = 25 * 1024 * 1024


@pytest.fixture
def topic(kafka: str) -> str:
    """Give a new topic with one partition."""
    name = f"test.{uuid.uuid4().hex}"
    client = AdminClient({"bootstrap.servers": kafka})
    client.create_topics([NewTopic(name, 1, 1)])[name].result(10)
    return name


def test_records_of_the_largest_body_pass_in_a_transaction(kafka: str, topic: str) -> None:
    """One transaction takes three 25 MB bodies with a header each: the small heap and all limits allow it."""
    producer = Producer({
        "bootstrap.servers": kafka, "transactional.id": topic, "message.max.bytes": BODY_BYTES + 100_000,
    })  # fmt: skip
    consumer = Consumer({
        "bootstrap.servers": kafka, "group.id": topic, "auto.offset.reset": "earliest",
        "fetch.message.max.bytes": BODY_BYTES + 100_000, "isolation.level": "read_committed",
    })  # fmt: skip
    producer.init_transactions(30)
    producer.begin_transaction()

    for number in range(3):
        producer.produce(topic, key=str(number), value=bytes([number]) * BODY_BYTES, headers={"ce_id": "x" * 1000})
    producer.commit_transaction(60)

    consumer.subscribe([topic])
    sizes = [len(_next_value(consumer)) for _ in range(3)]
    consumer.close()
    assert sizes == [BODY_BYTES] * 3


def test_unknown_topic_is_not_made_by_accident(kafka: str) -> None:
    """Looking up an undeclared topic does not create it."""
    name = f"test.{uuid.uuid4().hex}"
    client = AdminClient({"bootstrap.servers": kafka, "allow.auto.create.topics": True})

    client.list_topics(name, timeout=10)

    assert name not in client.list_topics(timeout=10).topics


def test_registry_holds_schemas_to_the_rule(registry: str) -> None:
    """The registry refuses a schema that cannot read records of the previous one."""
    subject = f"test-{uuid.uuid4().hex}"
    first = '{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}'
    second = '{"type":"record","name":"R","fields":[{"name":"a","type":"string"},{"name":"b","type":"string"}]}'

    answers = [
        httpx.post(f"{registry}/subjects/{subject}/versions", json={"schema": schema}, trust_env=False).status_code
        for schema in (first, second)
    ]

    assert answers == [200, 409]
    assert httpx.get(f"{registry}/config", trust_env=False).json()["compatibilityLevel"] == COMPATIBILITY


def _next_value(consumer: Consumer) -> bytes:
    message = consumer.poll(60)
    assert message is not None
    assert message.error() is None, message.error()
    value = message.value()
    assert value is not None
    return value

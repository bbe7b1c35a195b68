"""The basis of the books of all broker tests: committed records, to the true end of each partition."""

import threading
import uuid

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # public by its documentation

from tests.support.oracle.ledger import committed

pytestmark = pytest.mark.kafka


def begun(kafka: str, topic: str, value: bytes) -> Producer:
    """Return a producer whose transaction has one record on a topic."""
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": uuid.uuid4().hex})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, value)
    producer.flush(30)
    return producer


def test_records_behind_an_open_transaction_are_waited_for(kafka: str) -> None:
    """Records of an open transaction stay invisible until it ends; a worker that has just died leaves one open."""
    topic = f"ledger-{uuid.uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.create_topics([NewTopic(topic, 1)])[topic].result()
    left_open = begun(kafka, topic, b"open")
    begun(kafka, topic, b"committed").commit_transaction(30)
    ending = threading.Timer(2.0, left_open.abort_transaction, [30])
    ending.start()

    values = [message.value() for message in committed(kafka, topic)]

    ending.join()
    assert values == [b"committed"]

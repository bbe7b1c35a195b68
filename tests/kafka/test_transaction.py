"""Records produced while the previous transaction is being committed: held, in bounded memory, and then all committed."""

import threading
import uuid
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, Producer

from broker.topic_admin import Topics
from streams.worker.transaction import HELD_BYTES, Transaction
from tests.support.kafka.end_offsets import end_of
from tests.support.waiting import until

pytestmark = pytest.mark.kafka
RECORD_BYTES = 1024 * 1024
RECORDS = HELD_BYTES // RECORD_BYTES * 3 // 2


@pytest.fixture
def consumer(kafka: str) -> Iterator[Consumer]:
    """Give a member of a group of its own."""
    options = {"bootstrap.servers": kafka, "group.id": uuid.uuid4().hex, "isolation.level": "read_committed"}
    made = Consumer({**options, "auto.offset.reset": "earliest"})
    yield made
    made.close()


def test_what_is_held_is_bounded(kafka: str, consumer: Consumer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow commit blocks the producing thread, as a full queue does; nothing is lost or out of order."""
    topic = f"changes.test.thing_{uuid.uuid4().hex[:8]}"
    Topics({"bootstrap.servers": kafka}, 1).ensure(topic)
    transaction = Transaction({"bootstrap.servers": kafka}, uuid.uuid4().hex, "one")
    transaction.initialise()
    may_end, end, most = threading.Event(), transaction._end, 0

    def ending(client: Producer) -> None:
        may_end.wait()
        end(client)

    def produce() -> None:
        nonlocal most
        for number in range(RECORDS):
            transaction.produce(topic, b"%d" % number, bytes(RECORD_BYTES))
            most = max(most, transaction.buffered_bytes)

    monkeypatch.setattr(transaction, "_end", ending)
    transaction.produce(topic, b"before", b"")
    transaction.commit([], consumer)
    producing = threading.Thread(target=produce)
    producing.start()
    try:
        until(lambda: transaction.buffered_bytes > HELD_BYTES, 60, "as much as may be held")
        producing.join(1)  # time for one that does not wait to go on
        assert producing.is_alive()
    finally:
        may_end.set()
        producing.join()
    transaction.commit([], consumer)
    transaction.finish()

    assert most <= HELD_BYTES
    assert keys(consumer, topic) == [b"before", *(b"%d" % number for number in range(RECORDS))]


def keys(consumer: Consumer, topic: str) -> list[bytes | None]:
    """Return the keys of the committed records on a topic of one partition."""
    consumer.subscribe([topic])
    found: list[bytes | None] = []
    until(lambda: take(consumer, found) and len(found) > RECORDS, 60, "all records")
    assert end_of(consumer, topic, 0) == len(found) + 2  # each transaction ends with a marker
    return found


def take(consumer: Consumer, found: list[bytes | None]) -> bool:
    """Add the keys of the records that have arrived."""
    found.extend(message.key() for message in consumer.consume(100, 0.5) if message.error() is None)
    return True

"""Partitions that are reassigned while their tables wait for another client's transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from schemas.topics import RAW
from streams.steps.routing import Routes
from tests.support.builders.noisy_products import feed, noisy_products
from tests.support.kafka.end_offsets import end_of
from tests.support.oracle.ledger import Ledger, assert_adds_up, recompute
from tests.support.processes.shop import opened
from tests.support.processes.workers import wait_until

pytestmark = pytest.mark.kafka
DELIVERIES, RESOURCES = 500, 50
PENDING_MS = 120_000  # longer than the test: it ends the transaction itself


@contextmanager
def pending_offsets(kafka: str, group: str) -> Iterator[None]:
    """Keep offsets of every partition of `webhooks.raw` in a transaction that is open until the block ends."""
    producer = Producer(
        {"bootstrap.servers": kafka, "transactional.id": f"{group}.past", "transaction.timeout.ms": PENDING_MS}
    )
    producer.init_transactions(20)
    producer.begin_transaction()
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": group})
    partitions = consumer.list_topics(RAW, timeout=10).topics[RAW].partitions
    offsets = [TopicPartition(RAW, number, end_of(consumer, RAW, number)) for number in partitions]
    producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), 20)
    consumer.close()
    try:
        yield
    finally:
        producer.commit_transaction(20)


def test_partitions_move_on_although_their_restore_waits(kafka: str, registry: str, tmp_path: Path) -> None:
    """A worker waits for a transaction when a second joins: it revokes half at once, and both work once it has ended."""
    with opened(kafka, registry, tmp_path) as (source, app, outcomes, workers):
        with pending_offsets(kafka, f"penstock.{app}"):
            workers.start(0)
            wait_until(lambda: "restore_waits" in workers.log(0).read_text(), "the first worker to wait")
            workers.start(1)
            wait_until(lambda: "restore_waits" in workers.log(1).read_text(), "the second worker to have its share")
            assert not workers.is_ready(0)
        feed(kafka, noisy_products(source, DELIVERIES, RESOURCES))
        wait_until(lambda: outcomes() >= DELIVERIES, f"{DELIVERIES} outcomes")
        assert all(workers.is_ready(slot) for slot in (0, 1))
    ledger = Ledger.read(kafka, registry, source)
    assert_adds_up(ledger, recompute(ledger.raw, Routes({})))

"""A worker that is told to stop finishes its open transaction, so that no reader waits for it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # public by its documentation

from schemas.topics import OUTCOMES
from tests.support.builders.noisy_products import feed, noisy_products
from tests.support.processes.shop import opened
from tests.support.processes.workers import wait_until

pytestmark = pytest.mark.kafka
DELIVERIES = 20_000
STOPPED_S = 20.0


def test_stop_under_load_leaves_no_transaction_open(kafka: str, registry: str, tmp_path: Path) -> None:
    """SIGTERM in the middle of 20,000 deliveries: exit code 0, and no open transaction holds a read_committed reader back."""
    with opened(kafka, registry, tmp_path) as (source, _, outcomes, workers), ThreadPoolExecutor(1) as feeder:
        worker = workers.start(0)
        wait_until(lambda: workers.is_ready(0), "the worker")
        fed = feeder.submit(feed, kafka, noisy_products(source, DELIVERIES, 500))  # a fast worker keeps pace with it
        wait_until(lambda: outcomes() > 0, "the first outcomes")

        worker.terminate()
        fed.result()

        assert worker.wait(STOPPED_S) == 0, workers.log(0).read_text()[-3000:]
        assert ends(kafka, IsolationLevel.READ_COMMITTED) == ends(kafka, IsolationLevel.READ_UNCOMMITTED)
        assert outcomes() < DELIVERIES, "it was stopped in the middle"


def ends(kafka: str, level: IsolationLevel) -> dict[int, int]:
    """Return the end of each partition of the outcomes for a reader of this isolation level."""
    admin = AdminClient({"bootstrap.servers": kafka})
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # confluent-kafka leaves it bare
    places = {
        TopicPartition(OUTCOMES, number): latest for number in admin.list_topics(OUTCOMES).topics[OUTCOMES].partitions
    }
    asked = admin.list_offsets(places, isolation_level=level, request_timeout=10)
    return {place.partition: int(found.result().offset) for place, found in asked.items()}

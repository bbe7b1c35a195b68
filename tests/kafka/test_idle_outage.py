"""Kafka is killed beside an idle worker, and comes back: the worker goes on by itself."""

from pathlib import Path

import pytest

from local.kafka import start_kafka
from streams.transaction import STUCK_S
from tests.support.shop import opened
from tests.support.workers import wait_until

pytestmark = pytest.mark.kafka


def test_idle_worker_outlives_an_outage(registry: str, tmp_path: Path) -> None:
    """It asks Kafka whether its id is still its own, in a way that returns: handing in offsets after an outage may not."""
    kafka = start_kafka(tmp_path / "kafka")
    port = int(kafka.bootstrap_servers.rpartition(":")[2])
    try:
        with opened(kafka.bootstrap_servers, registry, tmp_path) as (_, _, _, workers):
            worker = workers.start(0)
            wait_until(lambda: workers.is_ready(0), "the worker")
            kafka.child.kill()
            wait_until(lambda: "SESSTMOUT" in workers.log(0).read_text(), "the end of its session")
            kafka = start_kafka(kafka.data_dir, port)
            wait_until(lambda: workers.log(0).read_text().count("worker_ready") > 1, "its partitions, again")

            assert worker.wait(STUCK_S + 5) is None, workers.log(0).read_text()[-3000:]
    finally:
        kafka.stop()

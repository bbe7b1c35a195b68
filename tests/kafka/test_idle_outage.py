"""Kafka goes away beside an idle worker and comes back: the worker continues by itself."""

import os
import signal
import uuid
from pathlib import Path

import pytest

from broker.topic_admin import Topics
from local.kafka import start_kafka
from streams.worker.background import in_background
from streams.worker.transaction import LONGEST_QUIET_S, Transaction
from tests.support.processes.shop import opened
from tests.support.processes.workers import wait_until
from tests.support.waiting import until

pytestmark = pytest.mark.kafka
RENEWED_S = 30.0


def test_idle_worker_outlives_an_outage(registry: str, tmp_path: Path) -> None:
    """Kafka is killed and restarted: the worker gets its partitions back, checks that its id is still its own, and stays."""
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

            assert worker.wait(LONGEST_QUIET_S) is None, workers.log(0).read_text()[-3000:]
    finally:
        kafka.stop()


def test_check_of_the_id_outlasts_an_outage(tmp_path: Path) -> None:
    """Kafka freezes during the check of the worker's id: the answer waits until Kafka is back."""
    kafka = start_kafka(tmp_path / "kafka")
    options, topic = {"bootstrap.servers": kafka.bootstrap_servers}, f"changes.test.thing_{uuid.uuid4().hex[:8]}"
    try:
        Topics(options, 1).ensure(topic)
        transaction = Transaction(options, "penstock.idle", "one")
        transaction.initialise()
        transaction.check(topic)

        os.kill(kafka.pid, signal.SIGSTOP)
        checking = in_background(transaction.check, topic)
        until(lambda: transaction._producer.is_lost or checking.done(), RENEWED_S, "a client that is given up")
        os.kill(kafka.pid, signal.SIGCONT)

        checking.result(RENEWED_S)
        transaction.check(topic)
    finally:
        os.kill(kafka.pid, signal.SIGCONT)
        kafka.stop()

"""A worker's operations port beside a real Kafka that is stopped, killed and started again."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from local.kafka import RunningKafka, start_kafka
from streams.worker.consumer import TERMINAL_EXIT
from streams.worker.health import SILENT_S
from tests.support.builders.noisy_products import feed, noisy_products
from tests.support.processes.shop import opened
from tests.support.processes.workers import Workers
from tests.support.waiting import until

pytestmark = pytest.mark.kafka
ENDS_S = 30.0
DELIVERIES = 50
START_S = 60.0
MINUTE_S = 60.0  # no longer ready once Kafka has been away for that long


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[RunningKafka]:
    """Give a Kafka that a test may stop."""
    running = start_kafka(tmp_path / "kafka")
    yield running
    with suppress(ProcessLookupError):
        os.kill(running.pid, signal.SIGCONT)
    running.stop()


def status(workers: Workers, slot: int = 0) -> str:
    """Return the text of /readyz; "" while nothing listens yet. 200 and `ready` go together."""
    try:
        answer = workers.get(slot, "/readyz")
    except (IndexError, httpx.ConnectError):
        return ""
    said = str(answer.json()["status"])
    assert (answer.status_code == 200) == (said == "ready")
    return said


def test_worker_is_ready_while_kafka_answers_and_alive_all_the_time(
    own_kafka: RunningKafka, registry: str, tmp_path: Path
) -> None:
    """Not before its tables are restored, nor when Kafka has been silent for 15 s, but soon after Kafka is back."""
    with opened(own_kafka.bootstrap_servers, registry, tmp_path) as (_, _, _, workers):
        worker = workers.start(0)
        until(lambda: status(workers) == "ready", START_S, "the worker is ready")
        assert workers.is_ready(0), "the file is there, too"

        os.kill(own_kafka.pid, signal.SIGSTOP)
        until(lambda: status(workers) == "kafka_silent", MINUTE_S, "it is not ready without Kafka")
        answer = workers.get(0, "/readyz")
        assert answer.status_code == 503
        assert f"expected every {5} s" in answer.json()["detail"]
        assert workers.get(0, "/healthz").json() == {"status": "alive"}

        os.kill(own_kafka.pid, signal.SIGCONT)
        until(lambda: status(workers) == "ready", START_S, "it is ready again")
        assert worker.exit_code() is None
        worker.terminate()
        assert worker.wait(ENDS_S) == 0, workers.log(0).read_text()[-3000:]
    said = workers.log(0).read_text()
    assert (said.count('"kafka_silent"'), said.count('"kafka_answers"')) == (1, 1), "once each, not every 5 s"


def test_killed_kafka_makes_a_worker_unready(own_kafka: RunningKafka, registry: str, tmp_path: Path) -> None:
    """A broker that refuses connections counts like a silent one."""
    with opened(own_kafka.bootstrap_servers, registry, tmp_path) as (_, _, _, workers):
        workers.start(0)
        until(lambda: status(workers) == "ready", START_S, "the worker is ready")

        own_kafka.child.kill()

        until(lambda: status(workers) == "kafka_silent", MINUTE_S, f"{SILENT_S:.0f} s without an answer")
        assert workers.get(0, "/healthz").status_code == 200


def test_worker_that_decides_nothing_is_not_ready(kafka: str, registry: str, tmp_path: Path) -> None:
    """It has its partitions and connections but is stuck: deliveries wait for longer than the limit, here 1 s."""
    with opened(kafka, registry, tmp_path) as (source, _, _, workers):
        text = workers.configuration.read_text()
        workers.configuration.write_text(text.replace("[worker]", "[worker]\nundecided_limit_s = 1"))
        workers.start(0, app="tests.support.processes.stuck_app")
        until(lambda: status(workers) == "ready", START_S, "nothing waits yet")

        feed(kafka, noisy_products(source, DELIVERIES, 5))

        until(lambda: status(workers) == "deliveries_wait", START_S, "they wait")
        assert "undecided for more than 1 s" in workers.get(0, "/readyz").json()["detail"]
        assert workers.get(0, "/healthz").status_code == 200


def test_decided_deliveries_do_not_wait(kafka: str, registry: str, tmp_path: Path) -> None:
    """A worker that finds old deliveries becomes ready once it has decided them, and stays ready."""
    with opened(kafka, registry, tmp_path) as (source, _, outcomes, workers):
        text = workers.configuration.read_text()
        workers.configuration.write_text(text.replace("[worker]", "[worker]\nundecided_limit_s = 1"))
        feed(kafka, noisy_products(source, DELIVERIES, 5))

        workers.start(0)

        until(lambda: outcomes() == DELIVERIES, START_S, "all are decided")
        until(lambda: status(workers) == "ready", START_S, "and do not wait")


def test_taken_port_ends_the_second_worker(kafka: str, registry: str, tmp_path: Path) -> None:
    """It names the port and the option that changes it, before it takes anything from the first."""
    with opened(kafka, registry, tmp_path) as (_, _, _, workers):
        workers.start(0)
        until(lambda: status(workers) == "ready", START_S, "the first worker is ready")
        port = workers.get(0, "/readyz").url.port
        text = workers.configuration.read_text()
        workers.configuration.write_text(text.replace("[worker]", f"[worker]\noperations_port = {port}"))

        second = workers.start(1, operations_port="")

        assert second.wait(ENDS_S) == TERMINAL_EXIT
        said = workers.log(1).read_text()
        assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in said
        assert "--operations-port, 0 for any that is free" in said
        assert status(workers) == "ready"

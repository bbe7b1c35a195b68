"""`penstock up` as a process: real Kafka, real registry, and tiny programs in place of ingress, worker and loader."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from local import kafka, ports
from tests.support.waiting import is_running, until, until_gone

pytestmark = pytest.mark.kafka

SCHEMA = {"schema": '{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}'}


@dataclass
class Stack:
    """A running `penstock up`."""

    process: subprocess.Popen[str]
    data_dir: Path
    port: int
    kafka_port: int
    registry_port: int
    operations_port: int
    worker_operations_port: int
    loader_operations_port: int
    errors: Path

    @property
    def said(self) -> str:
        """Return the messages for people so far."""
        return self.errors.read_text()

    def get(self, path: str) -> dict[str, str]:
        """Return the ingress's answer."""
        answer: dict[str, str] = httpx.get(f"http://127.0.0.1:{self.port}{path}", trust_env=False).json()
        return answer

    def descendants(self) -> list[int]:
        """Return every process that it has started."""
        return [child.pid for child in psutil.Process(self.process.pid).children(recursive=True)]

    def java(self, program: str) -> psutil.Process:
        """Return the Java process that runs this program."""
        running = (child for child in psutil.Process(self.process.pid).children() if is_running(child.pid))
        return next(child for child in running if any(program in part for part in child.cmdline()))

    def read_ready_line(self) -> str:
        """Return the first line on stdout; without one, the failure contains the messages for people."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.said
        return line


Starter = Callable[..., Stack]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    """Start `penstock up` on free ports, repeatedly on the same data on request; all end with the test."""
    with contextlib.ExitStack() as started:
        numbers = [ports.free_port() for _ in range(6)]

        def begin() -> Stack:
            errors = tmp_path / "stderr"
            with errors.open("w") as stderr:
                process = subprocess.Popen(
                    [sys.executable, "-m", "tests.e2e.tiny_stack", str(tmp_path / "data"), *map(str, numbers)],
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                    text=True,
                )
            started.callback(_end, process)
            data = tmp_path / "data"
            port, kafka_port, registry_port, operations_port, worker_port, loader_port = numbers
            return Stack(
                process, data, port, kafka_port, registry_port, operations_port, worker_port, loader_port, errors
            )

        yield begin


def test_starts_says_where_and_ends_on_ctrl_c(start: Starter) -> None:
    """One line on stdout when all is ready; children have all addresses; Ctrl-C ends all, in order, with 0."""
    stack = start()

    line = stack.read_ready_line()

    kafka_at = f"127.0.0.1:{stack.kafka_port}"
    registry_at = f"http://127.0.0.1:{stack.registry_port}/apis/ccompat/v7"
    assert line == (
        f"penstock is ready: ingress=http://127.0.0.1:{stack.port} kafka={kafka_at} registry={registry_at} "
        f"operations=http://127.0.0.1:{stack.operations_port} worker=http://127.0.0.1:{stack.worker_operations_port} "
        f"loader=http://127.0.0.1:{stack.loader_operations_port}\n"
    )
    environment = stack.get("/environment")
    assert environment["PENSTOCK_KAFKA_BOOTSTRAP_SERVERS"] == kafka_at
    assert environment["PENSTOCK_REGISTRY_URL"] == registry_at
    assert environment["PENSTOCK_DATA_DIR"] == str(stack.data_dir)
    assert environment["PENSTOCK_CONFIG"] == str(stack.data_dir / "demo.toml")
    until((stack.data_dir / "sampled").exists, 10, "the sample was called")
    _listens_on_loopback_only(stack.descendants())

    left = stack.descendants()
    asked = time.monotonic()
    stack.process.send_signal(signal.SIGINT)
    rest, _ = stack.process.communicate(timeout=20)

    assert time.monotonic() - asked < 10
    assert stack.process.returncode == 0
    assert rest == ""
    until_gone(left, 5)
    ended = [row.removesuffix(" has ended") for row in stack.said.splitlines() if row.endswith("has ended")]
    assert ended == ["ingress", "worker", "loader", "registry", "Kafka"]
    assert "Traceback" not in stack.said


def test_killed_it_leaves_no_process_and_loses_no_record(start: Starter) -> None:
    """SIGKILL for `penstock up`: everything ends by itself; the next start has the records and the schemas."""
    stack = start()
    stack.read_ready_line()
    _produce(stack, "before the kill")
    registered = httpx.post(_versions_url(stack), json=SCHEMA, trust_env=False).json()["id"]
    left = stack.descendants()

    stack.process.kill()
    stack.process.wait()

    until_gone(left, 5)
    again = start()
    again.read_ready_line()
    assert _first_record(again) == "before the kill"
    assert httpx.post(_versions_url(again), json=SCHEMA, trust_env=False).json()["id"] == registered


def test_whatever_dies_is_started_again(start: Starter) -> None:
    """A killed Kafka, registry or child of ours comes back on its port, and people see what happened."""
    stack = start()
    stack.read_ready_line()
    _produce(stack, "before the crash")

    with pytest.raises(httpx.HTTPError):
        stack.get("/die")
    stack.java("kafka.Kafka").kill()
    stack.java("quarkus-run.jar").kill()

    until(lambda: all(f"{name} is ready again" in stack.said for name in ("ingress", "Kafka", "registry")), 60, "back")
    assert "ingress ended with exit code 3" in stack.said
    assert "    the ingress was asked to die" in stack.said
    assert "Kafka was ended by SIGKILL" in stack.said
    assert _first_record(stack) == "before the crash"
    assert httpx.get(f"http://127.0.0.1:{stack.registry_port}/apis/ccompat/v7/config", trust_env=False).is_success
    assert stack.process.poll() is None


def test_goes_on_without_a_warehouse_that_cannot_be_opened(start: Starter, tmp_path: Path) -> None:
    """The loader's own words are shown; everything else runs, and the ready line names no loader."""
    (tmp_path / "unusable").touch()

    stack = start()

    assert "loader=" not in stack.read_ready_line()
    assert "    penstock: the warehouse cannot be opened" in stack.said
    assert "going on without the loader" in stack.said


def test_stopped_while_starting_leaves_nothing(start: Starter) -> None:
    """SIGTERM before it was ready ends the started processes, prints no ready line and is no failure."""
    stack = start()
    until(lambda: "starting Kafka" in stack.said and bool(stack.descendants()), 20, "something was started")
    left = stack.descendants()

    stack.process.terminate()
    rest, _ = stack.process.communicate(timeout=20)

    assert (stack.process.returncode, rest) == (0, "")
    until_gone(left, 5)


def test_kafka_restarts_with_its_identity(tmp_path: Path) -> None:
    """The cluster id is made once; ports may differ between starts, and a stop is clean."""
    first = kafka.start_kafka(tmp_path, options=kafka.KafkaOptions(properties={"num.io.threads": "2"}))
    cluster_id = (tmp_path / "cluster.id").read_text()
    first.stop()
    second = kafka.start_kafka(tmp_path)
    try:
        client = AdminClient({"bootstrap.servers": second.bootstrap_servers})
        described = client.describe_cluster().result(10)

        assert described.cluster_id == cluster_id
        assert first.bootstrap_servers != second.bootstrap_servers
    finally:
        second.stop()


def _versions_url(stack: Stack) -> str:
    return f"http://127.0.0.1:{stack.registry_port}/apis/ccompat/v7/subjects/test-value/versions"


def _produce(stack: Stack, text: str) -> None:
    client = AdminClient({"bootstrap.servers": f"127.0.0.1:{stack.kafka_port}"})
    client.create_topics([NewTopic("test", 1, 1)])["test"].result(10)
    producer = Producer({"bootstrap.servers": f"127.0.0.1:{stack.kafka_port}", "acks": "all"})
    producer.produce("test", text)
    assert producer.flush(10) == 0


def _first_record(stack: Stack) -> str:
    consumer = Consumer({
        "bootstrap.servers": f"127.0.0.1:{stack.kafka_port}", "group.id": "test", "auto.offset.reset": "earliest",
    })  # fmt: skip
    consumer.subscribe(["test"])
    message = consumer.poll(30)
    consumer.close()
    assert message is not None
    value = message.value()
    assert value is not None
    return value.decode()


def _listens_on_loopback_only(pids: list[int]) -> None:
    hosts = [
        str(connection.laddr[0])
        for pid in pids
        for connection in psutil.Process(pid).net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN and connection.laddr
    ]
    assert len(hosts) >= 5
    assert {host.removeprefix("::ffff:") for host in hosts} == {"127.0.0.1"}


def _end(process: subprocess.Popen[str]) -> None:
    """End a stack that a failed test has left; no process that it started outlives it."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()

"""The benchmark's own Kafka and registry, in a temporary directory, on free ports; all of it ends with the benchmark."""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from confluent_kafka import Consumer, ConsumerGroupState, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec  # type: ignore[attr-defined]  # public by its documentation

from local import guard, logs, ports
from local.guard import Child, spawn
from local.kafka import KafkaOptions, RunningKafka, start_kafka
from local.registry import start_registry

KAFKA_OPTIONS = KafkaOptions(heap_mb=1024, starts_fast=False)
READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
POLL_S = 0.05
SPOOLED = "penstock_spool_spooled_total"
REPOSITORY = Path(__file__).parents[1]

Offsets = dict[int, int]


class Failed(Exception):
    """A process of the benchmark failed at its task; its last lines are in the message."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The services that a benchmark runs on."""

    broker: RunningKafka
    registry: str
    directory: Path
    admin: AdminClient

    @property
    def kafka(self) -> str:
        """Return the address of the broker."""
        return self.broker.bootstrap_servers

    def configuration(self, app: str, has_children: bool = False) -> Path:
        """Return a `penstock.toml` with one Shopify source."""
        path = self.directory / f"{app}.toml"
        children = str(has_children).lower()
        path.write_text(_CONFIGURATION.format(kafka=self.kafka, registry=self.registry, app=app, children=children))
        return path

    def create(self, topic: str, partitions: int, settings: Mapping[str, str]) -> None:
        """Create a topic."""
        new = NewTopic(topic, partitions, 1, config=dict(settings))
        self.admin.create_topics([new])[topic].result()
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self._is_led(topic):
            if time.monotonic() > deadline:
                raise Failed(f"{topic} has no leader after {READY_TIMEOUT_S:.0f} s")
            time.sleep(POLL_S)

    def delete(self, topic: str) -> None:
        """Delete a topic and wait until it is gone."""
        self.admin.delete_topics([topic])[topic].result()
        deadline = time.monotonic() + READY_TIMEOUT_S
        while self.ends(topic):
            if time.monotonic() > deadline:
                raise Failed(f"{topic} is still there {READY_TIMEOUT_S:.0f} s after it was deleted")
            time.sleep(POLL_S)

    def shares(self, group: str) -> list[int]:
        """Return the number of partitions of each group member; empty while the group is rebalancing."""
        try:
            described = self.admin.describe_consumer_groups([group])[group].result()
        except KafkaException:
            return []  # a new broker's coordinator is still loading
        if described.state != ConsumerGroupState.STABLE:
            return []
        return [len(member.assignment.topic_partitions) for member in described.members]

    def ends(self, topic: str) -> Offsets:
        """Return the offset after the last record of each partition, control records included; empty if the topic is missing."""
        listed = self.admin.list_topics(timeout=10).topics.get(topic)
        if listed is None:
            return {}
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # confluent-kafka leaves it bare
        asked = {TopicPartition(topic, partition): latest for partition in listed.partitions}
        return {position.partition: found.result().offset for position, found in self.admin.list_offsets(asked).items()}

    def _is_led(self, topic: str) -> bool:
        """Say whether a new topic's partitions answer already."""
        try:
            return bool(self.ends(topic))
        except KafkaException:
            return False

    def wait_committed(
        self, group: str, topic: str, timeout_s: float, child: "Process", ends: Offsets | None = None
    ) -> None:
        """Wait until a group has committed everything that a topic holds now, or all below the given `ends`."""
        ends = self.ends(topic) if ends is None else ends
        reader = Consumer(
            {"bootstrap.servers": self.kafka, "group.id": group, "log_level": 0}
        )  # reads only: it never joins the group
        positions = [TopicPartition(topic, partition) for partition in ends]
        deadline = time.monotonic() + timeout_s
        while not _has_reached(_committed(reader, positions), ends):
            child.fail_if(time.monotonic() > deadline, f"{group} did not read all of {topic} in {timeout_s:.0f} s")
            time.sleep(POLL_S * 4)
        reader.close()


_CONFIGURATION = """
[kafka]
bootstrap_servers = "{kafka}"
[registry]
url = "{registry}"
[worker]
app = "{app}"
children = {children}
[[sources]]
name = "bench"
provider = "shopify"
secrets = ["text:made-up-for-the-benchmark"]
"""


@contextmanager
def running_stack() -> Iterator[Stack]:
    """Give a Kafka with a heap of 1 GB and a registry; they and their files are removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as kept:
        directory = Path(kept)
        try:
            kafka = start_kafka(directory / "kafka", options=KAFKA_OPTIONS)
            registry = start_registry(directory / "registry")
            admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers, "log_level": 0})
            yield Stack(kafka, registry.url, directory, admin)
        finally:
            _end_children()


def _end_children() -> None:
    """Kill all child processes that still run, whatever they were doing at the interruption: nothing of them is kept."""
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
            child.wait(STOP_TIMEOUT_S)


@dataclass(slots=True)
class Process:
    """A child process: its name, its log, and its CPU time; an ingress has an operations port."""

    name: str
    child: Child
    log: Path
    operations_port: int = 0

    def cpu_s(self) -> float:
        """Return the CPU time used so far, user and system, threads and worker processes included."""
        return float(sum(times.user + times.system for times in (one.cpu_times() for one in self.family())))

    def memory_mb(self) -> float:
        """Return the memory held now (RSS), worker processes included: pages that they share count once for each."""
        return memory_mb(self.family())

    def family(self) -> list[psutil.Process]:
        """Return the process and its workers, without the watcher process that `local.guard` adds to each command."""
        itself = psutil.Process(self.child.pid)
        return [itself, *(one for one in itself.children(recursive=True) if guard.__file__ not in one.cmdline())]

    def wait_until(self, is_true: Callable[[], bool], what: str, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait for a condition of the process; `Failed` when it ends or takes too long."""
        deadline = time.monotonic() + timeout_s
        while not is_true():
            self.fail_if(time.monotonic() > deadline, f"waited {timeout_s:.0f} s for: {what}")
            time.sleep(POLL_S)

    def fail_if(self, is_wrong: bool, what: str) -> None:
        """Raise `Failed` when the condition holds or the process has ended."""
        code = self.child.exit_code()
        if is_wrong or code is not None:
            reason = what if code is None else f"ended with {code}"
            raise Failed(f"{self.name}: {reason}\n{logs.last_lines(self.log)}")


def memory_mb(family: list[psutil.Process]) -> float:
    """Return the memory that processes hold now (RSS)."""
    return float(sum(one.memory_info().rss for one in family) / 1e6)


@contextmanager
def running(name: str, command: list[str], directory: Path, environment: Mapping[str, str] = {}) -> Iterator[Process]:
    """Run a command until the block ends; its output goes to its own log."""
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / f"{name}.log"
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith("PENSTOCK_") or key == "PENSTOCK_CACHE"
    }
    child = spawn(command, log=log, environment={**kept, "PYTHONPATH": str(REPOSITORY), **environment})
    try:
        yield Process(name, child, log)
    finally:
        child.stop(STOP_TIMEOUT_S)


@contextmanager
def running_ingress(stack: Stack, name: str, shared_port: int = 0) -> Iterator[tuple[Process, int]]:
    """Run the ingress like a user does, on a port it may share with other instances; give it and its port once it is ready."""
    port, operations_port = shared_port or ports.free_port(), ports.free_port()
    arguments = ["--port", str(port), "--operations-port", str(operations_port)]
    arguments += ["--config", str(stack.configuration("bench"))]
    arguments += ["--data-dir", str(stack.directory / name)]
    arguments += ["--reuse-port"] if shared_port else []
    with running(name, _penstock("ingress", *arguments), stack.directory) as process:
        process.operations_port = operations_port
        process.wait_until(lambda: answers_ready(f"http://{ports.HOST}:{operations_port}/readyz"), "ready")
        yield process, port


def spooled(ingress: Process) -> int:
    """Return the number of deliveries that an ingress has spooled so far, from its metrics."""
    text = httpx.get(f"http://{ports.HOST}:{ingress.operations_port}/metrics", timeout=10.0, trust_env=False).text
    return sum(int(float(line.split()[-1])) for line in text.splitlines() if line.startswith(SPOOLED))


@contextmanager
def running_worker(
    stack: Stack, app: str, worker_id: str | None = None, has_children: bool = False
) -> Iterator[Process]:
    """Run one worker process like a user, on an empty disk, by default alone in its application; it may still be starting."""
    worker_id = worker_id or app
    name, file = f"worker-{worker_id}", stack.configuration(app, has_children)
    arguments = ["--worker-id", worker_id, "--config", str(file), "--data-dir", str(stack.directory / name)]
    operations = {"PENSTOCK_WORKER_OPERATIONS_PORT": "0"}  # a variable, which an earlier version ignores
    with running(name, _penstock("worker", *arguments), stack.directory, operations) as process:
        yield process


def answers_ready(url: str) -> bool:
    """Say whether a server answers with success."""
    try:
        return httpx.get(url, timeout=1.0, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _has_reached(committed: Offsets, ends: Offsets) -> bool:
    return all(committed.get(partition, -1) >= end for partition, end in ends.items())


def _committed(reader: Consumer, positions: list[TopicPartition]) -> Offsets:
    try:
        return {position.partition: max(0, position.offset) for position in reader.committed(positions, timeout=20)}
    except KafkaException as error:
        if error.args[0].retriable() or error.args[0].code() == KafkaError.NOT_COORDINATOR:
            return {}  # a new broker's coordinator is still loading
        raise


def _penstock(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "console.cli", *arguments]

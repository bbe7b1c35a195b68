"""A real Apache Kafka on this machine, without Docker and without an installed Java.

One KRaft node that is broker and controller, on 127.0.0.1 only. `launch` starts it and returns at once, `is_ready` checks
it, `start_kafka` does both and waits. All its files are under its data directory, so a killed broker continues from where it
stopped; the controller's port differs at each start, so it cannot collide with another process.
"""

import base64
import json
import subprocess
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import KafkaException

from broker import clients
from local import artifacts, logs, ports
from local.errors import DidNotStart
from local.guard import Child, spawn
from local.java import find_java, temporary_folder
from local.pins import KAFKA

HEAP_MB = 128
START_TIMEOUT_S = 120.0  # 2 s when idle; recovering a log on a busy disk takes longer.
STOP_TIMEOUT_S = 10.0
LARGEST_RECORD_BYTES = 28 * 1024 * 1024  # A body of 25 MB (the ingress limit) with key and headers.

NODE_ID = 1
_LARGEST_REQUEST_BYTES = 64 * 1024 * 1024
_FORMAT_TIMEOUT_S = 60
_POLL_S = 0.05
_FASTER_START = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
_SERVER = ("-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35")
"""The options of Kafka's own start script: slower start, then faster, with shorter pauses."""
_LOG_LEVEL = ("-Dlog4j2.level=WARN",)


@dataclass(frozen=True, slots=True)
class KafkaOptions:
    """The settings of a broker. `properties` win over all others; benchmarks use a heap of 1 GB and Java as on servers.

    `java` holds further Java options.
    """

    heap_mb: int = HEAP_MB
    starts_fast: bool = True
    properties: Mapping[str, str] = field(default_factory=dict)
    java: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunningKafka:
    """A broker that accepts clients. `pid` is that of the Java process."""

    bootstrap_servers: str
    data_dir: Path
    child: Child

    @property
    def pid(self) -> int:
        """Return the process id of the broker."""
        return self.child.pid

    def stop(self) -> None:
        """Stop the broker cleanly; kill it if it has not ended within ten seconds."""
        self.child.stop(STOP_TIMEOUT_S)


def start_kafka(
    data_dir: Path, port: int = 0, options: KafkaOptions | None = None, timeout_s: float = START_TIMEOUT_S
) -> RunningKafka:
    """Return a broker that is ready on 127.0.0.1; port 0 picks a free one.

    `DidNotStart` carries the broker's last lines; `Refused` gives the reason when nothing could be started.
    """
    chosen_port = port or ports.free_port()
    child = launch(data_dir, chosen_port, options or KafkaOptions())
    deadline = time.monotonic() + timeout_s
    while not is_ready(chosen_port):
        if child.exit_code() is not None or time.monotonic() > deadline:
            child.kill()
            raise DidNotStart(f"Kafka did not start on port {chosen_port}:\n{logs.last_lines(log_file(data_dir))}")
        time.sleep(_POLL_S)
    return RunningKafka(f"{ports.HOST}:{chosen_port}", data_dir, child)


def launch(data_dir: Path, port: int, options: KafkaOptions, log: Path | None = None) -> Child:
    """Start a broker process and return it, ready or not. Formats the data directory the first time (1 s)."""
    home = artifacts.fetch(KAFKA)
    data_dir.mkdir(parents=True, exist_ok=True)
    java = (str(find_java()), temporary_folder(data_dir))
    properties = data_dir / "server.properties"
    properties.write_text(_text({**_properties(data_dir, port), **options.properties}))
    output = log or log_file(data_dir)
    logs.rotate(output)
    class_path = ("-cp", f"{home}/*")
    if not (data_dir / "log" / "meta.properties").exists():  # Kafka writes it last, so it means formatted
        _format((*java, *_FASTER_START, "-Xmx96m", *_LOG_LEVEL, *class_path), data_dir, properties)
    tuning = _FASTER_START if options.starts_fast else _SERVER
    tuning = (*tuning, f"-Xmx{options.heap_mb}m", *_LOG_LEVEL, *options.java)
    return spawn((*java, *tuning, *class_path, "kafka.Kafka", str(properties)), log=output)


def is_ready(port: int) -> bool:
    """Say whether the broker answers: its port opens about half a second before it accepts requests."""
    if not ports.accepts(port):
        return False
    client = clients.admin({"bootstrap.servers": f"{ports.HOST}:{port}", "socket.timeout.ms": 2000})
    try:
        return bool(client.list_topics(timeout=2).brokers)
    except KafkaException:
        return False


def log_file(data_dir: Path) -> Path:
    """Return the log of a broker started by `start_kafka`: warnings and errors."""
    return data_dir / "kafka.log"


def _format(java: tuple[str, ...], data_dir: Path, properties: Path) -> None:
    """Format an empty data directory with a cluster id. The id is stored first, so a retry uses the same one."""
    kept = data_dir / "cluster.id"
    if not kept.exists():
        draft = kept.with_suffix(".new")
        draft.write_text(_new_cluster_id())
        draft.rename(kept)  # if killed in between, the next start finds a complete id or none
    command = [*java, "kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", kept.read_text().strip()]
    try:
        result = subprocess.run(
            [*command, "-c", str(properties)], capture_output=True, text=True, timeout=_FORMAT_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DidNotStart(f"Kafka's data directory {data_dir} was not formatted in {_FORMAT_TIMEOUT_S} s.") from error
    if result.returncode != 0:
        raise DidNotStart(f"Kafka's data directory {data_dir} could not be formatted:\n{result.stdout}{result.stderr}")


def _new_cluster_id() -> str:
    """Return a UUID in Kafka's notation, 22 characters. A leading minus would be parsed as an option."""
    while True:
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not cluster_id.startswith("-"):
            return cluster_id


def _properties(data_dir: Path, port: int) -> dict[str, str]:
    controller_port = ports.free_port()
    return {
        "process.roles": "broker,controller",
        "node.id": str(NODE_ID),
        "listeners": f"PLAINTEXT://{ports.HOST}:{port},CONTROLLER://{ports.HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{ports.HOST}:{port}",
        "controller.listener.names": "CONTROLLER",
        # Voters as a list, not with `--standalone`, which stores the controller's port in the log permanently.
        "controller.quorum.voters": f"{NODE_ID}@{ports.HOST}:{controller_port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(data_dir.absolute() / "log"),
        **SETTINGS,
    }


_SINGLE_NODE = {
    "auto.create.topics.enable": "false",  # Topics are declared in schemas/topics.py; a typo must not create one.
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "message.max.bytes": str(LARGEST_RECORD_BYTES),
    "replica.fetch.max.bytes": str(LARGEST_RECORD_BYTES),
    # A killed broker may register again when its former session expires: 9 s by default, so a restart took 12 s.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
}

_SMALL = {
    # Without this the log cleaner allocates 128 MB and a heap under 256 MB dies at start.
    "log.cleaner.dedupe.buffer.size": "4194304",
    # The default is 50 each; the groups of one machine need a handful, and every partition costs files and start time.
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.num.partitions": "4",
    # Requests in the heap at one time: beyond this clients wait, instead of the broker running out of memory.
    "socket.request.max.bytes": str(_LARGEST_REQUEST_BYTES),
    "queued.max.request.bytes": str(_LARGEST_REQUEST_BYTES),
    "num.io.threads": "4",
    "num.network.threads": "2",
    "background.threads": "2",
}

SETTINGS: Mapping[str, str] = {**_SINGLE_NODE, **_SMALL}
"""The settings of a broker on one machine; docker-compose.yml has the same."""


def _text(properties: Mapping[str, str]) -> str:
    """Return properties in Java's format, whose escapes (a backslash, non-ASCII) equal those of JSON."""
    return "".join(f"{name}={json.dumps(value)[1:-1]}\n" for name, value in properties.items())

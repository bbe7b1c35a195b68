"""Three real brokers on this machine, each reached by workers through a link that can fail, each killed and paused on demand.

Every topic, internal ones included, has three replicas and takes a write once two of them have it: one broker at a time may
be away. Tests read and write through a listener of their own, so that the ledger sees no network fault.
"""

import contextlib
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from local import kafka, ports
from local.guard import Child
from tests.support.faults.network_proxy import Link, links
from tests.support.waiting import until

BROKERS = 3
HEAP_MB = 256
START_TIMEOUT_S = 90.0
_CLUSTER_ID = "PenstockTestClusterAAA"  # 16 bytes in base64, as Kafka writes UUIDs
# A restarted broker must find its ports free: they are below those that the system gives to outgoing connections.
_PORTS = range(12_000, 32_000)

_SETTINGS = {
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,WORKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": "2",
    # A dead broker's partitions have another leader after 2 to 4 s instead of 9.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    "controller.quorum.fetch.timeout.ms": "1000",
    "controller.quorum.election.timeout.ms": "500",
    "replica.lag.time.max.ms": "4000",
    # An abandoned transaction is ended at its timeout, not up to 10 s later.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
}


class Cluster:
    """Brokers by number, from 0. `bootstrap_servers` is for the tests, `worker_servers` leads through the links."""

    def __init__(self, directory: Path, made: list[Link]) -> None:
        self.links = made
        self._directory = directory
        self._ports = _free_ports()
        self._children: dict[int, Child] = {}
        for link, (_, worker_port, _) in zip(made, self._ports, strict=True):
            link.target_port = worker_port

    @property
    def bootstrap_servers(self) -> str:
        """Return the brokers' addresses for tests."""
        return ",".join(f"{ports.HOST}:{own}" for own, _, _ in self._ports)

    @property
    def worker_servers(self) -> str:
        """Return the brokers' addresses for workers, through the links."""
        return ",".join(f"{ports.HOST}:{link.port}" for link in self.links)

    def start(self, broker: int) -> None:
        """Start a broker, also after a kill; it may take seconds until it has joined."""
        directory = self._directory / f"broker-{broker}"
        directory.mkdir(exist_ok=True)
        (directory / "cluster.id").write_text(_CLUSTER_ID)
        options = kafka.KafkaOptions(heap_mb=HEAP_MB, properties={**_SETTINGS, **self._places(broker)})
        self._children[broker] = kafka.launch(directory, self._ports[broker][0], options)

    def kill(self, broker: int) -> None:
        """End a broker with SIGKILL, paused or not."""
        self._children[broker].kill()

    def pause(self, broker: int) -> None:
        """Stop a broker with SIGSTOP: its connections stay open and nothing is answered."""
        os.kill(self._children[broker].pid, signal.SIGSTOP)

    def resume(self, broker: int) -> None:
        """Resume a paused broker."""
        os.kill(self._children[broker].pid, signal.SIGCONT)

    def wait(self) -> None:
        """Return once every broker has joined and every partition has all its replicas."""
        until(self._is_whole, START_TIMEOUT_S, f"three brokers with all replicas; their logs are in {self._directory}")

    def stop(self) -> None:
        """End every broker at once; one after the other, the last would wait for the others."""
        for child in self._children.values():
            child.kill()

    def _is_whole(self) -> bool:
        dead = [number for number, child in self._children.items() if child.exit_code() is not None]
        assert not dead, f"brokers {dead} ended by themselves; their logs are in {self._directory}"
        if not all(kafka.is_ready(own) for own, _, _ in self._ports):  # the others list a killed one for 2 s more
            return False
        admin = AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0, "socket.timeout.ms": 2000})
        try:
            listed = admin.list_topics(timeout=2)
        except KafkaException:
            return False
        partitions = [partition for topic in listed.topics.values() for partition in topic.partitions.values()]
        return len(listed.brokers) == BROKERS and all(len(p.isrs) == len(p.replicas) for p in partitions)

    def _places(self, broker: int) -> dict[str, str]:
        own, worker, controller = (f"{ports.HOST}:{port}" for port in self._ports[broker])
        voters = (f"{number}@{ports.HOST}:{self._ports[number][2]}" for number in range(BROKERS))
        link = f"{ports.HOST}:{self.links[broker].port}"
        return {
            "node.id": str(broker),
            "listeners": f"PLAINTEXT://{own},WORKER://{worker},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{own},WORKER://{link}",
            "controller.quorum.voters": ",".join(voters),
        }


@contextlib.contextmanager
def cluster(directory: Path) -> Iterator[Cluster]:
    """Give a whole cluster that ends with the block."""
    with links(BROKERS) as made:
        brokers = Cluster(directory, made)
        try:
            for broker in range(BROKERS):
                brokers.start(broker)
            brokers.wait()
            yield brokers
        finally:
            brokers.stop()


def _free_ports() -> list[tuple[int, int, int]]:
    """Return each broker's ports for tests, workers and controllers; all differ."""
    free = filter(ports.is_free, random.sample(_PORTS, len(_PORTS)))
    return [(next(free), next(free), next(free)) for _ in range(BROKERS)]

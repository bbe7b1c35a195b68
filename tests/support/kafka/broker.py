"""A real Kafka and a real schema registry for tests, on any machine.

Kafka, in this order: KAFKA_BOOTSTRAP from the environment; a container, where an engine answers and has or can pull the
image; else Penstock's own local Kafka in a temporary directory. The registry: REGISTRY_URL, else Penstock's own. No test
is skipped, and processes started here end with the tests, also when they fail or are killed (`local/guard.py`).
"""

import contextlib
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.kafka import LARGEST_RECORD_BYTES, start_kafka
from local.registry import start_registry

CONTAINER_START_TIMEOUT_S = 120
_ENGINE_TIMEOUT_S = 5
_CONTAINER_SETTINGS = {
    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "KAFKA_MESSAGE_MAX_BYTES": str(LARGEST_RECORD_BYTES),
    "KAFKA_REPLICA_FETCH_MAX_BYTES": str(LARGEST_RECORD_BYTES),
}


@contextlib.contextmanager
def broker() -> Iterator[str]:
    """Give the bootstrap servers of a Kafka that is ready."""
    given = os.environ.get("KAFKA_BOOTSTRAP")
    if given:
        yield given
        return
    container = _container()
    if container is None:
        with _local_kafka() as bootstrap_servers:
            yield bootstrap_servers
        return
    try:
        container.start(timeout=CONTAINER_START_TIMEOUT_S)
        yield container.get_bootstrap_server()
    finally:
        container.stop()


@contextlib.contextmanager
def schema_registry() -> Iterator[str]:
    """Give the URL of a ready registry, with Penstock's compatibility rule if it is one of our own."""
    given = os.environ.get("REGISTRY_URL")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="penstock-registry-") as folder:
        registry = start_registry(Path(folder))
        try:
            yield registry.url
        finally:
            registry.stop()


@contextlib.contextmanager
def _local_kafka() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="penstock-kafka-") as folder:
        kafka = start_kafka(Path(folder))
        try:
            yield kafka.bootstrap_servers
        finally:
            kafka.stop()


def _container() -> Any | None:
    """Return a startable Kafka container, None where there is no engine or no way to get the image."""
    if not _engine_answers():
        return None
    # No helper container (its image is one more to get), and ports of this host also when the tests run in a container.
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    os.environ.setdefault("TESTCONTAINERS_CONNECTION_MODE", "docker_host")
    from testcontainers.community.kafka import KafkaContainer

    image = os.environ.get("PENSTOCK_TEST_KAFKA_IMAGE")
    container = KafkaContainer(image=image) if image else KafkaContainer()
    if not _can_get(container.image):
        return None
    container.with_kraft()
    for name, value in _CONTAINER_SETTINGS.items():
        container.with_env(name, value)
    return container


def _engine_answers() -> bool:
    """Say whether a container engine answers. Without docker's and httpx's clients, which leak a socket if there is none."""
    kind, _, place = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").partition("://")
    host, _, port = place.partition(":")
    family, address = (socket.AF_UNIX, place) if kind == "unix" else (socket.AF_INET, (host, int(port or 2375)))
    with socket.socket(family, socket.SOCK_STREAM) as engine:
        engine.settimeout(_ENGINE_TIMEOUT_S)
        try:
            engine.connect(address)
            engine.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in engine.recv(64)
        except OSError:
            return False


def _can_get(image: str) -> bool:
    """Say whether the engine has the image, pulling it if it can."""
    import docker  # type: ignore[import-untyped]  # no annotations, and its stubs are one more dependency
    from docker.errors import DockerException, ImageNotFound  # type: ignore[import-untyped]  # as above

    with contextlib.closing(docker.from_env(timeout=CONTAINER_START_TIMEOUT_S)) as engine:
        try:
            engine.images.get(image)
        except ImageNotFound:
            try:
                engine.images.pull(image)
            except DockerException:
                return False
        return True

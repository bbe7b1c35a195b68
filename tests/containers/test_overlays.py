"""The overlays: HTTPS by the ingress itself, and an external Kafka."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.ports import free_port
from tests.containers.books import assert_all_decided, traffic
from tests.containers.commands import run
from tests.containers.composed import SETTLED_S, Composed, composed, configured
from tests.containers.images import KAFKA_IMAGE
from tests.support.kafka.certificates import Authority
from tests.support.waiting import until

TLS = "deploy/compose/docker-compose.tls.yml"
REPLICAS = "deploy/compose/docker-compose.replicas.yml"
EXTERNAL_KAFKA = "deploy/compose/docker-compose.external-kafka.yml"
BROKER = {
    "KAFKA_HEAP_OPTS": "-Xmx256m",
    "KAFKA_NODE_ID": "1",
    "KAFKA_PROCESS_ROLES": "broker,controller",
    "KAFKA_LISTENERS": "INSIDE://:9092,OUTSIDE://:9094,CONTROLLER://:9093",
    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "KAFKA_INTER_BROKER_LISTENER_NAME": "INSIDE",
    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "KAFKA_MESSAGE_MAX_BYTES": "29360128",
    "KAFKA_REPLICA_FETCH_MAX_BYTES": "29360128",
    "KAFKA_LOG_DIRS": "/var/lib/kafka/data",
}


def test_ingress_speaks_https(stack: Composed, tmp_path: Path) -> None:
    """With the overlay the ingress answers HTTPS with the certificate of TLS_FOLDER, and its plain port is not published."""
    authority, folder = Authority(), tmp_path / "tls"
    folder.mkdir()
    for path in authority.issue(folder, "ingress"):
        path.chmod(0o644)
    for path in (folder, *folder.parents[:2]):
        path.chmod(0o755)
    port = free_port()
    secured = stack.using("docker-compose.yml", TLS).having(TLS_FOLDER=str(folder), INGRESS_TLS_PORT=str(port))

    secured.up("--no-deps", "ingress")
    try:
        answer = httpx.get(f"https://127.0.0.1:{port}/v1/tls", verify=authority.trusting(), trust_env=False)
        assert answer.status_code == 200
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{stack.url}/v1/tls", trust_env=False)
    finally:
        stack.up("--no-deps", "ingress")


def test_two_ingresses_share_the_port(stack: Composed) -> None:
    """Both get connections, and while one is away the other answers all of them."""
    ports = {"ingress": free_port(), "ingress-2": free_port()}
    variables = {"OPERATIONS_PORT": str(ports["ingress"]), "SECOND_OPERATIONS_PORT": str(ports["ingress-2"])}
    replicated = stack.using("docker-compose.yml", REPLICAS).having(**variables)

    replicated.up("--no-deps", "ingress", "ingress-2")
    try:
        until(lambda: all(_probed(stack, port) for port in ports.values()), SETTLED_S, "both get connections")
        replicated.compose("stop", "ingress-2")
        assert {httpx.get(f"{stack.url}/v1/tls", trust_env=False).status_code for _ in range(40)} == {200}
    finally:
        replicated.compose("rm", "--stop", "--force", "ingress-2")
        stack.up("--no-deps", "ingress")


def _probed(stack: Composed, operations_port: int) -> bool:
    """Probe the ingress once, and say whether the instance with this operations port has ever answered."""
    assert httpx.get(f"{stack.url}/v1/tls", trust_env=False).status_code == 200
    metrics = httpx.get(f"http://127.0.0.1:{operations_port}/metrics", trust_env=False).text
    probes = [
        line for line in metrics.splitlines() if line.startswith("penstock_ingress_answers_total{") and "probe" in line
    ]
    return any(float(line.rpartition(" ")[2]) > 0 for line in probes)


@pytest.fixture
def own_kafka() -> Iterator[tuple[str, int]]:
    """Give the network of a Kafka outside of compose, where it is `broker:9092`, and its port on this machine."""
    name, port = f"penstock-test-{uuid.uuid4().hex[:8]}", free_port()
    settings = {**BROKER, "KAFKA_ADVERTISED_LISTENERS": f"INSIDE://broker:9092,OUTSIDE://127.0.0.1:{port}"}
    variables = [part for variable in settings.items() for part in ("--env", "=".join(variable))]
    run(("docker", "network", "create", name))
    try:
        place = ("--network", name, "--network-alias", "broker", "--publish", f"127.0.0.1:{port}:9094")
        run(("docker", "run", "--detach", "--rm", "--name", name, *place, *variables, KAFKA_IMAGE))
        yield name, port
    finally:
        run(("docker", "rm", "--force", "--volumes", name))
        run(("docker", "network", "rm", name))


def test_own_kafka_is_used(own_kafka: tuple[str, int], tmp_path: Path) -> None:
    """With the overlay no Kafka is started, and deliveries are decided on the one that .env names."""
    network, port = own_kafka
    joined = tmp_path / "network.yml"
    joined.write_text(f"networks:\n  default:\n    name: {network}\n    external: true\n")
    folder = configured(tmp_path / "config", ["own-kafka"])
    project = Composed(f"{network}-own", tmp_path, CONFIG_FOLDER=str(folder), KAFKA_BOOTSTRAP_SERVERS="broker:9092")
    project = project.using("docker-compose.yml", EXTERNAL_KAFKA, str(joined))
    project.kafka_port = port

    with composed(project):
        project.up()
        shop = traffic(project, "own-kafka")
        with shop.flowing():
            until(lambda: shop.count > 50, SETTLED_S, "traffic")

        assert project.containers("kafka") == []
        assert assert_all_decided(project, "own-kafka", shop.ledger.accepted).changes

"""Three brokers, three workers and every kind of failure; afterwards the books balance."""

import uuid
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]  # documented

from broker.topic_admin import Topics
from config.model import Replication
from tests.support.faults.chaos import seed_of_run
from tests.support.faults.outage import assert_outlasted
from tests.support.faults.storm import weather
from tests.support.faults.twin_workers import assert_one_exits
from tests.support.kafka.cluster import Cluster

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]
SECONDS, PER_S = 60.0, 300


def test_faults_lose_nothing_double_nothing_keep_order(cluster: Cluster, registry: str, tmp_path: Path) -> None:
    """60 s of killed and paused workers and brokers and broken links: every 200 has one outcome, every change exists once."""
    chaos = weather(cluster, registry, tmp_path, seed_of_run(), seconds=SECONDS, per_s=PER_S)

    assert {"kill", "pause", "join", "broker_kill", "broker_pause", "cut", "stall", "mute"} <= set(chaos.done)


def test_fenced_worker_exits_and_says_why(cluster: Cluster, registry: str, tmp_path: Path) -> None:
    """Two workers with one id on three brokers: the first ends with code 3 and names the cause; the books balance."""
    assert_one_exits(cluster.bootstrap_servers, cluster.worker_servers, registry, tmp_path)


def test_worker_outlasts_an_outage(cluster: Cluster, registry: str, tmp_path: Path) -> None:
    """All brokers unreachable for 22 s in the middle of a transaction: the worker continues, in the same process."""
    assert_outlasted(cluster, registry, tmp_path, away_s=22, fed_s=30)


@pytest.mark.parametrize(("replication", "replicas", "insync"), [(Replication(), 3, "2"), (Replication(2, 1), 2, "1")])
def test_topics_are_replicated_as_configured(
    cluster: Cluster, replication: Replication, replicas: int, insync: str
) -> None:
    """Topics that Penstock creates have the replicas set in [kafka], by default the brokers' own default."""
    name = f"changes.test.{uuid.uuid4().hex}"

    Topics({"bootstrap.servers": cluster.bootstrap_servers}, 1, replication=replication).ensure(name)

    cluster.wait()
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers})
    resource = ConfigResource(ResourceType.TOPIC, name)
    (partition,) = admin.list_topics(name, timeout=10).topics[name].partitions.values()
    assert len(partition.replicas) == replicas
    assert admin.describe_configs([resource])[resource].result()["min.insync.replicas"].value == insync

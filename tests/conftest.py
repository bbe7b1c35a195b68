"""Fixtures shared by all tests. A broker and a registry are started once a run, and only if a test needs them."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support.builders.properties import examples
from tests.support.kafka import broker as brokers
from tests.support.kafka.cluster import Cluster
from tests.support.kafka.cluster import cluster as started
from tests.support.kafka.secure_kafka import SecureKafka, secure_kafka

DEFAULT_EXAMPLES = 100  # hypothesis's own
# No deadline: a busy machine is no failure, and pytest's timeout ends a hang.
settings.register_profile("penstock", deadline=None, max_examples=examples(DEFAULT_EXAMPLES))
settings.load_profile("penstock")


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Give the bootstrap servers of a real Kafka."""
    with brokers.broker() as bootstrap_servers:
        yield bootstrap_servers


@pytest.fixture(scope="session")
def registry() -> Iterator[str]:
    """Give the URL of a real schema registry."""
    with brokers.schema_registry() as url:
        yield url


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give three brokers that all work; they end with the module that uses them, because they take 1 GB."""
    with started(tmp_path_factory.mktemp("cluster")) as whole:
        yield whole


@pytest.fixture(scope="session")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    """Give a broker with every authentication method, which denies everything that was not granted."""
    with secure_kafka(tmp_path_factory.mktemp("secure")) as running:
        yield running

"""Fixtures shared by all tests. A broker and a registry are started once a run, and only if a test asks for them."""

from collections.abc import Iterator

import pytest

from tests.support import broker as brokers


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

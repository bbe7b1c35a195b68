"""A PostgreSQL server for all tests of this folder, and a database for each."""

from collections.abc import Iterator

import pytest

from tests.support.processes.postgres import PostgresServer, postgres_server


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """Give a running PostgreSQL."""
    with postgres_server() as running:
        yield running


@pytest.fixture
def dsn(server: PostgresServer) -> str:
    """Give a new database."""
    return server.database()

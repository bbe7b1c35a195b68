"""Fixtures of the tests of providers' clients."""

from collections.abc import Iterator

import pytest

from tests.support.processes.fake_api import FakeApi, fake_api


@pytest.fixture(scope="module")
def served() -> Iterator[FakeApi]:
    """Give the address of every test's fake."""
    with fake_api() as shown:
        yield shown

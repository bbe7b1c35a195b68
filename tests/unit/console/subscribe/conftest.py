"""Fixtures of the tests of `penstock subscribe`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes.fake_api import FakeApi, fake_api
from tests.support.processes.subscribe import Subscribe


@pytest.fixture(scope="module")
def served() -> Iterator[FakeApi]:
    """Give the address of every test's fake."""
    with fake_api() as shown:
        yield shown


@pytest.fixture
def subscribe(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Subscribe:
    """Give the command, in a folder of its own."""
    return Subscribe(monkeypatch, capfd, tmp_path)

"""Fixtures of the tests of `penstock subscribe`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.providers.clock import Clock
from simulator.providers.stripe import StripeFake
from tests.support.processes.fake_api import FakeApi, fake_api
from tests.support.processes.subscribe import Subscribe
from tests.unit.console.subscribe.at_stripe import KEY, configuration


@pytest.fixture(scope="module")
def served() -> Iterator[FakeApi]:
    """Give the address of every test's fake."""
    with fake_api() as shown:
        yield shown


@pytest.fixture
def subscribe(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Subscribe:
    """Give the command, in a folder of its own."""
    return Subscribe(monkeypatch, capfd, tmp_path)


@pytest.fixture
def stripe(served: FakeApi, subscribe: Subscribe) -> StripeFake:
    """Serve one Stripe account, and configure it."""
    made = StripeFake(Clock(speed=1000), KEY)
    served.show(made)
    subscribe.configure(configuration(served))
    return made

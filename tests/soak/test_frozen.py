"""A single Kafka that freezes and resumes: minutes, and the hardest case for a transaction (decision 0018)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kafka.test_outage import Broker, assert_goes_on

pytestmark = [pytest.mark.soak, pytest.mark.kafka, pytest.mark.timeout(900)]


@pytest.fixture
def frozen(tmp_path: Path) -> Iterator[Broker]:
    """Give a Kafka that ends with the test."""
    made = Broker(tmp_path / "kafka")
    yield made
    made.kill()


@pytest.mark.parametrize("away_s", [13.0, 40.0], ids=["frozen", "frozen for longer than a transaction may be open"])
def test_worker_goes_on_after_a_standstill(frozen: Broker, registry: str, tmp_path: Path, away_s: float) -> None:
    """Connections stay open and nothing answers; afterwards each delivery is decided once, by the same process."""
    assert_goes_on(frozen, registry, tmp_path, frozen.freeze, frozen.thaw, away_s)

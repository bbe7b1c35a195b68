"""Ten minutes of deliveries that have to be read against a small quota, with failures and killed workers."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kafka.test_hydration_storm import Stores
from tests.kafka.test_hydration_storms import Customers, Shop
from tests.support.faults.reading_storm import Scene, Storm, weather

pytestmark = [pytest.mark.soak, pytest.mark.kafka, pytest.mark.timeout(3600)]
LONG = {
    "stores": Storm(100_000, 500, 600.0, 12),
    "shop": Storm(4_000, 20, 300.0, 8),
    "customers": Storm(40_000, 500, 300.0, 8),
}


@pytest.mark.parametrize(("scene", "storm"), [(Stores, "stores"), (Shop, "shop"), (Customers, "customers")])
def test_long_storm(scene: Callable[[], Scene], storm: str, kafka: str, registry: str, tmp_path: Path) -> None:
    """It ends as the provider is, with every delivery answered once."""
    weather(LONG[storm], scene(), kafka, registry, tmp_path)

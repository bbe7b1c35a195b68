"""Ten minutes of callbacks against a small quota, with failures and killed workers."""

from pathlib import Path

import pytest

from tests.kafka.test_hydration_storm import Storm, weather

pytestmark = [pytest.mark.soak, pytest.mark.kafka, pytest.mark.timeout(3600)]
LONG = Storm(100_000, 500, 600.0, 12)


def test_storm_of_ten_minutes(kafka: str, registry: str, tmp_path: Path) -> None:
    """It ends as the provider is, with every callback answered once."""
    weather(LONG, kafka, registry, tmp_path)

"""The configuration of the spool."""

from pathlib import Path

import pytest

from config.model import SPOOL_BYTES, Configuration
from ingress.settings import ACK_TIMEOUT_S, SPOOL_AFTER_S, ingress_settings


@pytest.mark.parametrize(("table", "spool_bytes"), [
    ({}, SPOOL_BYTES),
    ({"spool": True}, SPOOL_BYTES),
    ({"spool": "on", "spool_bytes": 5000}, 5000),
    ({"spool": False}, 0),
    ({"spool": "off"}, 0),
])  # fmt: skip
def test_spool_is_on_unless_it_is_switched_off(table: dict[str, object], spool_bytes: int) -> None:
    """With a spool Kafka has two seconds, without one as long as a sender can wait."""
    configuration = Configuration.model_validate({"ingress": table})

    settings = ingress_settings(configuration, {}, Path("data"))

    assert settings.spool_bytes == spool_bytes
    assert settings.ack_timeout_s == (SPOOL_AFTER_S if spool_bytes else ACK_TIMEOUT_S)
    assert (settings.spool_directory is None) == (spool_bytes == 0)


def test_no_directory_no_spool() -> None:
    """Without a configured directory nothing is written."""
    assert ingress_settings(Configuration(), {}).spool_bytes == 0

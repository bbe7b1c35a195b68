"""Step 1: a delivery becomes snapshots, or a reason why not."""

from providers.base import Parsed, Unparsed
from streams.pipeline import parse
from tests.support.builders.deliveries import Scripted, delivery, real_delivery, snapshot


def test_known_provider_reads_its_delivery() -> None:
    """The pipeline sees the provider's snapshots."""
    shown = snapshot({"id": 7}, version=1)

    assert parse(delivery(shown), Scripted()) == Parsed((shown,))


def test_unknown_provider_is_named() -> None:
    """A foreign record on `webhooks.raw` is reported with its own provider name, shortened."""
    unparsed = parse(real_delivery("x" * 1000, b"{}"), None)

    assert isinstance(unparsed, Unparsed)
    assert unparsed.reason == "unknown_shape"
    assert "'" + "x" * 80 + "'" in unparsed.detail

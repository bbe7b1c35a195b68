"""Step 1 of 5: turns a delivery into snapshots of resources, or says why that is not possible."""

from providers.base import Handshake, Parsed, Provider, Unparsed
from schemas.records import RawDelivery


def parse(delivery: RawDelivery, provider: Provider | None) -> Parsed | Unparsed | Handshake:
    """Return what the delivery shows, as its provider reads it; a record from no known provider is `unknown_shape`."""
    if provider is None:
        return Unparsed("unknown_shape", f"expected a delivery of a known provider, got {delivery.provider[:80]!r}")
    return provider.parse(delivery)

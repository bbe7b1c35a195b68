"""Turns a sample delivery into a signed request, and that into the bytes of a POST or the record on `webhooks.raw`.

Headers and signature come from the provider (`Provider.sign`), which also verifies them; time comes with the sample.
"""

from datetime import datetime
from typing import Final

from providers import received
from providers.base import Provider, Sample, SignedRequest
from schemas.records import RawDelivery

FORGER: Final = b"somebody else's secret"
"""A secret that no source is configured with: what it signs is refused."""


def signed(provider: Provider, sample: Sample, secret: bytes) -> SignedRequest:
    """Return the request that the provider sends for a sample."""
    return SignedRequest(provider.sign(sample, secret), sample.body)


def http_request(path: str, request: SignedRequest) -> bytes:
    """Return the bytes of one HTTP/1.1 POST on a persistent connection."""
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(request.body)}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + request.body


def raw_delivery(provider: Provider, source: str, request: SignedRequest, received_at: datetime) -> RawDelivery:
    """Return the record that the ingress makes of a request once it is verified."""
    return received.raw_delivery(provider, source, request, provider.identify(source, request), received_at)

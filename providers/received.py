"""The record that a verified request becomes on `webhooks.raw`, without the headers that hold secrets. Pure."""

from collections.abc import Mapping
from datetime import datetime

from providers.base import Envelope, Provider, SignedRequest
from schemas.records import RawDelivery

NEVER_KEPT = frozenset({"authorization", "cookie", "proxy-authorization", "x-shopery-secret", "content-type"})
"""Headers that carry credentials whatever the provider, and the content type, which the record stores separately."""

OUR_OWN = ("penstock_", "ce_")
"""Prefixes of the record's own headers: downstream, a sender's header of such a name would be taken for one of them."""


def raw_delivery(
    provider: Provider, source: str, request: SignedRequest, envelope: Envelope, received_at: datetime
) -> RawDelivery:
    """Return the record of a verified request to a source; `envelope` is what its provider identified."""
    return RawDelivery(
        delivery_id=envelope.delivery_id,
        provider=provider.name,
        source=source,
        event_type=envelope.event_type,
        received_at=received_at,
        key=envelope.key,
        body=request.body,
        content_type=request.headers.get("content-type", "application/json"),
        event_time=envelope.event_time,
        api_version=envelope.api_version,
        headers=kept_headers(provider, request.headers),
        tenant=envelope.tenant,
    )


def kept_headers(provider: Provider, headers: Mapping[str, str]) -> dict[str, str]:
    """Return the provider's own headers without those that hold secrets."""
    prefixes, secret_headers = provider.own_headers, provider.secret_headers
    return {
        name: value
        for name, value in headers.items()
        if name.startswith(prefixes)
        and name not in secret_headers
        and name not in NEVER_KEPT
        and not name.startswith(OUR_OWN)
    }

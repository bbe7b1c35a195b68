"""Deliveries of any provider, as the ingress writes them to `webhooks.raw`."""

from datetime import UTC, datetime

from providers.base import SignedRequest
from providers.registry import provider
from schemas import codec
from schemas.records import Document, RawDelivery


def delivery(source: str, name: str, body: Document, headers: dict[str, str]) -> RawDelivery:
    """Return a delivery as the ingress writes it."""
    rules, raw = provider(name), codec.document_json(body)
    envelope = rules.identify(source, SignedRequest({"content-type": "application/json", **headers}, raw))
    return RawDelivery(
        envelope.delivery_id,
        name,
        source,
        envelope.event_type,
        datetime.now(UTC),
        envelope.key,
        raw,
        event_time=envelope.event_time,
        api_version=envelope.api_version,
        headers=headers,
        tenant=envelope.tenant,
    )

"""Deliveries of Shopify, as Next Gen Events and as classic webhooks."""

import msgspec

from providers.base import SignedRequest
from providers.shopify.provider import Shopify
from schemas import codec
from schemas.records import Document, RawDelivery
from tests.support.builders.provider_requests import NOW, raw_delivery


def request(body: Document, action: str | None = "update", **headers: str) -> SignedRequest:
    """Return an event as it is posted since September 2026: no header names the resource."""
    sent = {"shopify-topic": "Product", "shopify-webhook-id": "event-1", "shopify-triggered-at": f"{NOW:%FT%T.%fZ}"}
    sent |= {} if action is None else {"shopify-action": action}
    return SignedRequest(
        sent | {name.replace("_", "-"): value for name, value in headers.items()}, codec.document_json(body)
    )


def classic(document: Document, topic: str = "products/update") -> SignedRequest:
    """Return a classic webhook that was triggered at once."""
    headers = {"x-shopify-topic": topic, "x-shopify-triggered-at": "2026-01-31T12:00:00.500000Z"}
    return SignedRequest(headers, codec.document_json(document))


def delivery(posted: SignedRequest, delivery_id: str) -> RawDelivery:
    """Return a posted request as it lies on `webhooks.raw`, under an id of its own."""
    found = Shopify().identify("acme", posted)
    return msgspec.structs.replace(raw_delivery("shopify", found, posted), delivery_id=delivery_id)

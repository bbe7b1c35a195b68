"""Shopify: classic webhooks (`x-shopify-*` headers) and the new Events (`shopify-*`), which take precedence if both are sent.

The signature covers only the body: topic, shop, ids and times in the headers are unsigned, and there is no timestamp, so a
captured body can be sent again under another topic. The only defences are deduplication and checking the headers against the
body (`providers/shopify/evidence.py`). Deliveries configured in a store's own notification settings are signed with another key
and always refused.
Source: Shopify's delivery structure and webhook reference 2026-07; Shopify's own libraries.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import ClassVar

from msgspec import Struct

from providers.base import Envelope, Parsed, Sample, SignedRequest, Unparsed, Verdict
from providers.outline import DecodeOutline, at, outline_decoder, read_outline
from providers.reading import body_digest, instant, read_noted, text_id, topic_name
from providers.scheme import SignatureScheme, first_header
from providers.secret_forms import explained
from providers.shopify.children import CHILDREN, SHARED
from providers.shopify.evidence import believed_time, contradiction
from providers.shopify.topics import TopicRule, events_rule, topic_rule
from providers.shopify.types import RESOURCE_TYPES
from providers.signature import (
    match_hmac,
    read_digest,
    refuse_malformed,
    refuse_missing,
    signing_headers,
)
from schemas.records import Document, RawDelivery, Snapshot, resource_key

# The new Events' header takes precedence if both are sent; `sign` creates a classic webhook.
SCHEME = SignatureScheme(
    "shopify", ("shopify-hmac-sha256", "x-shopify-hmac-sha256"), "base64", usual_header="x-shopify-hmac-sha256"
)
_API_VERSION = "2026-07"
_VERSION_FIELDS = ("updated_at", "occurredAt", "lastEditDate")
_TIME_FIELDS = ("occurredAt", "happened_at", "deleted_at")
_VOLATILE = frozenset(_VERSION_FIELDS)


class Shopify(Struct, frozen=True):
    """Shopify's webhooks, sent to one address by any number of shops."""

    name: str = "shopify"
    resource_types: frozenset[str] = RESOURCE_TYPES
    secret_headers: frozenset[str] = frozenset()
    own_headers: tuple[str, ...] = ("x-shopify-", "shopify-")
    scheme: ClassVar[SignatureScheme] = SCHEME

    def verify(self, request: SignedRequest, secrets: Sequence[bytes], now: datetime) -> Verdict:  # noqa: ARG002 - unsigned
        """Check the base64 HMAC-SHA256 of the exact body bytes; the scheme signs no time, so `now` is not used."""
        scheme = self.scheme
        signature = first_header(request.headers, scheme.headers)
        if signature is None:
            return refuse_missing(scheme.header)
        given = read_digest(scheme, signature)
        if given is None:
            return refuse_malformed(scheme.header, scheme.form)
        return explained(match_hmac(request.body, [given], secrets, scheme.algorithm), scheme, secrets)

    def identify(self, source: str, request: SignedRequest) -> Envelope:
        """Return the delivery id, topic and time from the headers, and the root resource from the body.

        The delivery id is the webhook id, never the event id, which all deliveries of one merchant action share.
        """
        headers = request.headers
        delivery_id = text_id(_header(headers, "webhook-id")) or body_digest(request.body)
        event_type = _event_type(headers)
        rule = _rule(headers, event_type)
        outline = read_outline(_outline_decoder(rule.id_paths + rule.parent_paths), request.body, request.content_type)
        key = delivery_id
        if not isinstance(outline, Unparsed):
            root = _parent(rule, outline) or (rule.resource_type, _resource_id(rule, outline, headers) or delivery_id)
            key = resource_key(self.name, source, *root)
        event_time = instant(_header(headers, "triggered-at"))
        return Envelope(delivery_id, event_type, key, event_time, text_id(_header(headers, "api-version")))

    def parse(self, delivery: RawDelivery) -> Parsed | Unparsed:
        """Return the topic's resource; a notice, or a resource without an id, takes the delivery's id."""
        body, notes = read_noted(delivery.body, delivery.content_type)
        if isinstance(body, Unparsed):
            return body
        rule = _rule(delivery.headers, delivery.event_type)
        contradicted = contradiction(rule, body, delivery)
        if contradicted is not None:
            return contradicted
        resource_id = _resource_id(rule, body, delivery.headers)
        if rule.is_deletion and resource_id is None:
            return Unparsed("unknown_shape", f"expected the id of the deleted {rule.resource_type}")
        return Parsed((_snapshot(rule, resource_id or delivery.delivery_id, body, delivery),), notes)

    def sign(self, sample: Sample, secret: bytes) -> dict[str, str]:
        """Return the headers of Shopify's documented example for this topic, shop and body."""
        return {
            "content-type": "application/json",
            "user-agent": "Shopify-Captain-Hook",
            **signing_headers(self.scheme, secret, sample.body, sample.delivery_id, sample.now),
            "x-shopify-api-version": _API_VERSION,
            "x-shopify-event-id": str(uuid.uuid5(uuid.NAMESPACE_URL, sample.delivery_id)),
            "x-shopify-shop-domain": f"{sample.tenant}.myshopify.com",
            "x-shopify-topic": sample.topic,
            "x-shopify-triggered-at": f"{sample.now:%Y-%m-%dT%H:%M:%S.%fZ}",
            "x-shopify-webhook-id": sample.delivery_id,
        }


def _header(headers: Mapping[str, str], name: str) -> str | None:
    value = headers.get("shopify-" + name)
    return headers.get("x-shopify-" + name) if value is None else value


def _event_type(headers: Mapping[str, str]) -> str:
    resource = headers.get("shopify-topic")
    if resource is None:
        return text_id(headers.get("x-shopify-topic")) or "unknown"
    action = headers.get("shopify-action")
    return f"{topic_name(resource)}/{topic_name(action)}" if action else topic_name(resource)


def _rule(headers: Mapping[str, str], event_type: str) -> TopicRule:
    return events_rule(event_type) if "shopify-topic" in headers else topic_rule(event_type)


@lru_cache(maxsize=1024)
def _outline_decoder(paths: tuple[str, ...]) -> DecodeOutline:
    return outline_decoder(paths)


def _resource_id(rule: TopicRule, body: Document, headers: Mapping[str, str]) -> str | None:
    named = headers.get("shopify-resource-id")
    if named is not None and "shopify-topic" in headers:
        return _plain_id(named)
    if rule.is_of_shop:
        return text_id(_header(headers, "shop-domain"))
    if rule.is_composite:
        parts = [_plain_id(at(body, path)) for path in rule.id_paths]
        return text_id(":".join(part for part in parts if part)) if all(parts) else None
    return _first_id(body, rule.id_paths)


def _parent(rule: TopicRule, body: Document) -> tuple[str, str] | None:
    parent_id = _first_id(body, rule.parent_paths)
    return (rule.parent_type, parent_id) if rule.parent_type and parent_id else None


def _first_id(body: Document, paths: tuple[str, ...]) -> str | None:
    for path in paths:
        found = _plain_id(at(body, path))
        if found is not None:
            return found
    return None


def _plain_id(value: object) -> str | None:
    """Return a number, a token, or the end of a gid, as text: `7` for `gid://shopify/Product/7`.

    So a product has the same id whether a topic sends its number, its gid or both. The gid of an inventory level contains
    two ids, its location and, as a parameter, its item; it becomes `item:location`, as from the two fields.
    """
    text = text_id(value)
    if text is None or not text.startswith("gid://"):
        return text
    tail, _, item = text.rpartition("/")[2].partition("?inventory_item_id=")
    tail = tail.partition("?")[0]
    return (f"{item}:{tail}" if item else tail) or None


def _snapshot(rule: TopicRule, resource_id: str, body: Document, delivery: RawDelivery) -> Snapshot:
    shown = body.get(rule.wrapper) if rule.wrapper and len(body) == 1 else None
    document = shown if isinstance(shown, dict) else body
    parent = _parent(rule, body)
    event_time = believed_time(delivery) or _first_instant(document, _TIME_FIELDS)
    if rule.is_deletion:
        return Snapshot(rule.resource_type, resource_id, None, event_time=event_time, is_deleted=True, parent=parent)
    # A notice is not a version of a resource: its time may be that of the resource it is about.
    version = None if rule.is_notice else _first_instant(document, _VERSION_FIELDS)
    # The subscriber's own query shapes the new Events: their lists may be truncated anywhere.
    is_classic = "shopify-topic" not in delivery.headers
    return Snapshot(
        rule.resource_type,
        resource_id,
        document,
        version,
        event_time,
        volatile=_VOLATILE,
        parent=parent,
        children=CHILDREN.get(rule.resource_type, ()) if is_classic else (),
        is_shared=rule.resource_type in SHARED,
    )


def _first_instant(document: Document, names: tuple[str, ...]) -> datetime | None:
    for name in names:
        value = document.get(name)
        time = None if value is None else instant(value)
        if time is not None:
            return time
    return None

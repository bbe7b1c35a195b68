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

from providers.base import Envelope, Parsed, Sample, SignedRequest, TestDelivery, Unparsed, Verdict
from providers.outline import DecodeOutline, outline_decoder, read_outline
from providers.reading import body_digest, instant, read_noted, tenant_name, text_id
from providers.scheme import SignatureScheme, first_header
from providers.secret_forms import explained
from providers.shopify.children import CHILDREN, SHARED, VOLATILE_OF_PARENTS
from providers.shopify.events import event_root, event_snapshots, is_event
from providers.shopify.evidence import contradiction
from providers.shopify.ids import parent_of, resource_id
from providers.shopify.times import VERSION_FIELDS, VOLATILE, believed_time, first_instant
from providers.shopify.topics import TopicRule, events_rule, topic_rule
from providers.shopify.types import RESOURCE_TYPES
from providers.signature import (
    match_hmac,
    read_digest,
    refuse_malformed,
    refuse_missing,
    signing_headers,
)
from schemas.records import CREATION, Document, RawDelivery, Snapshot, resource_key

# The new Events' header takes precedence if both are sent; `sign` creates a classic webhook.
SCHEME = SignatureScheme(
    "shopify", ("shopify-hmac-sha256", "x-shopify-hmac-sha256"), "base64", usual_header="x-shopify-hmac-sha256"
)
_API_VERSION = "2026-07"
_TIME_FIELDS = ("occurredAt", "happened_at", "deleted_at")


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
        event_type, root = (event_root if is_event(headers) else _webhook_root)(request)
        tenant = tenant_name((_header(headers, "shop-domain") or "").lower())
        key = delivery_id if root is None else resource_key(self.name, source, tenant, root[0], root[1] or delivery_id)
        event_time = instant(_header(headers, "triggered-at"))
        return Envelope(delivery_id, event_type, key, event_time, text_id(_header(headers, "api-version")), tenant)

    def parse(self, delivery: RawDelivery) -> Parsed | Unparsed | TestDelivery:
        """Return the topic's resource; a notice, or a resource without an id, takes the delivery's id."""
        if (_header(delivery.headers, "test") or "").lower() == "true":
            return TestDelivery("X-Shopify-Test: a notification with made-up content, sent from the shop's admin")
        body, notes = read_noted(delivery.body, delivery.content_type)
        if isinstance(body, Unparsed):
            return body
        is_next_gen = is_event(delivery.headers)
        rule = events_rule(delivery.event_type) if is_next_gen else topic_rule(delivery.event_type)
        contradicted = contradiction(rule, body, delivery)
        if contradicted is not None:
            return contradicted
        snapshots = event_snapshots(rule, body, delivery) if is_next_gen else _snapshots(rule, body, delivery)
        if snapshots is None:
            return Unparsed("unknown_shape", f"expected the id of the deleted {rule.resource_type}")
        return Parsed(snapshots, notes)

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


def _webhook_root(request: SignedRequest) -> tuple[str, tuple[str, str | None] | None]:
    headers = request.headers
    event_type = text_id(headers.get("x-shopify-topic")) or "unknown"
    rule, decode = _reader(event_type)
    outline = read_outline(decode, request.body, request.content_type)
    if isinstance(outline, Unparsed):
        return event_type, None
    shop = _header(headers, "shop-domain")
    return event_type, parent_of(rule, outline) or (rule.resource_type, resource_id(rule, outline, shop))


@lru_cache(maxsize=1024)
def _reader(event_type: str) -> tuple[TopicRule, DecodeOutline]:
    rule = topic_rule(event_type)
    return rule, _outline_decoder(rule.paths)


@lru_cache(maxsize=1024)
def _outline_decoder(paths: tuple[str, ...]) -> DecodeOutline:
    return outline_decoder(paths)


def _snapshots(rule: TopicRule, body: Document, delivery: RawDelivery) -> tuple[Snapshot, ...] | None:
    """Return what a classic webhook shows, None for a deletion of nothing."""
    named = resource_id(rule, body, _header(delivery.headers, "shop-domain"))
    if rule.is_deletion and named is None:
        return None
    shown = body.get(rule.wrapper) if rule.wrapper and len(body) == 1 else None
    document = shown if isinstance(shown, dict) else body
    parent = parent_of(rule, body)
    event_time = believed_time(delivery) or first_instant(document, _TIME_FIELDS)
    named = named or delivery.delivery_id
    if rule.is_deletion:
        return (Snapshot(rule.resource_type, named, None, event_time=event_time, is_deleted=True, parent=parent),)
    # A notice is not a version of a resource: its time may be that of the resource it is about.
    version = None if rule.is_notice else first_instant(document, VERSION_FIELDS)
    shown_now = Snapshot(
        rule.resource_type,
        named,
        document,
        version,
        event_time,
        volatile=VOLATILE_OF_PARENTS.get(rule.resource_type, VOLATILE),
        parent=parent,
        children=CHILDREN.get(rule.resource_type, ()),
        is_shared=rule.resource_type in SHARED,
        state_rank=CREATION if delivery.event_type.endswith("/create") else 0,
        may_be_partial=True,  # subscriptions with include_fields
    )
    return (shown_now,)

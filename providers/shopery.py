"""Shopery: no signature; the endpoint's secret itself is sent in `X-Shopery-Secret`.

Anyone who reads one delivery can forge the next: TLS is essential, and the header is removed before anything is stored.
Shopery documents no headers for delivery id, event, tenant or time; they are read from the body if it has them.
Source: Shopery's developer page on webhooks (its only document).
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from providers.base import Envelope, Handshake, Parsed, Refused, Sample, SignedRequest, Unparsed, Verdict
from providers.outline import at, outline_decoder, read_outline
from providers.reading import (
    body_digest,
    is_deletion,
    read_noted,
    resource_of_event,
    text_id,
    tie_rank,
)
from providers.scheme import SecretScheme
from providers.secret_forms import explained
from providers.signature import header_bytes, match_secret, refuse_malformed, refuse_missing
from providers.times import first_instant, unread_time
from schemas.records import Document, RawDelivery, Snapshot, resource_key

SCHEME = SecretScheme("shopery", "x-shopery-secret")
_EVENT_PATHS = ("event", "type", "eventType")
_ID_PATHS = ("id", "order.id", "data.id")
_WRAPPERS = ("order", "data")
_UPDATE_TIMES = ("updated_at", "updatedAt")
_VOLATILE = frozenset(_UPDATE_TIMES)
_TESTS = frozenset({"test", "ping"})
_DEFAULT_EVENT = "order"  # the page promises only "order as payload"
_SINGULAR = {"orders": "order", "products": "product", "customers": "customer"}
RESOURCE_TYPES = frozenset({_DEFAULT_EVENT, *_SINGULAR.values()})
_decode_outline = outline_decoder((*_EVENT_PATHS, *_ID_PATHS))


class Shopery(Struct, frozen=True):
    """The Shopery marketplace platform."""

    name: str = "shopery"
    resource_types: frozenset[str] = RESOURCE_TYPES
    secret_headers: frozenset[str] = frozenset({SCHEME.header})
    own_headers: tuple[str, ...] = ("x-shopery-",)
    scheme: ClassVar[SecretScheme] = SCHEME

    def verify(self, request: SignedRequest, secrets: Sequence[bytes], now: datetime) -> Verdict:  # noqa: ARG002 - unsigned
        """Compare the secret in the header with every current secret, in constant time; the body is not protected."""
        secret_header = self.scheme.header
        header = request.headers.get(secret_header)
        if header is None and not request.body:
            return Refused("missing_signature", "an empty post without the secret tests the address", is_probe=True)
        if header is None:
            return refuse_missing(secret_header)
        if not header:
            return refuse_malformed(secret_header, "the endpoint's secret")
        # Digests are compared, because comparing texts of different length would reveal the length.
        verdict = match_secret(_digest, [_digest(header_bytes(header))], secrets)
        return explained(verdict, self.scheme, secrets)

    def identify(self, source: str, request: SignedRequest) -> Envelope:
        """Return the envelope; Shopery sends no delivery id, so it is a digest of the body, and duplicates are equal bytes."""
        delivery_id = body_digest(request.body)
        outline = read_outline(_decode_outline, request.body, request.content_type)
        event_type = _event_type(outline)
        key = delivery_id
        if not isinstance(outline, Unparsed):
            resource_id = _resource_id(outline) or delivery_id
            key = resource_key(self.name, source, "", _resource_type(event_type), resource_id)
        return Envelope(delivery_id, event_type, key)

    def parse(self, delivery: RawDelivery) -> Parsed | Unparsed | Handshake:
        """Return the order (or other resource) in the body; without an id there, its id is the delivery's.

        What the button "Test URL" posts is not documented: an empty body, `{}` and an event called test count as tests.
        """
        if not delivery.body.strip():
            return Handshake("an empty post: Shopery's Test URL, most likely")
        body, notes = read_noted(delivery.body, delivery.content_type)
        if isinstance(body, Unparsed):
            return body
        event_type = _event_type(body)
        if not body or event_type in _TESTS:
            return Handshake("no resource, or an event called test: Shopery's Test URL, most likely")
        resource_id = _resource_id(body)
        document = _document(body)
        resource_type = _resource_type(event_type)
        is_deleted = resource_id is not None and is_deletion(event_type, resource_type)
        version, unread = first_instant(document, _UPDATE_TIMES)
        snapshot = Snapshot(
            resource_type=resource_type,
            resource_id=resource_id or delivery.delivery_id,
            document=None if is_deleted else document,
            version=None if is_deleted else version,
            event_time=delivery.event_time,
            is_deleted=is_deleted,
            state_rank=0 if is_deleted or version is None else tie_rank(event_type, resource_type),
            volatile=_VOLATILE,
        )
        return Parsed((snapshot,), (*notes, unread_time(unread)) if unread else notes)

    def sign(self, sample: Sample, secret: bytes) -> dict[str, str]:  # noqa: ARG002 - nothing of the sample is signed
        """Return the one header that Shopery documents."""
        return {
            "content-type": "application/json",
            "user-agent": "Shopery",
            self.scheme.header: secret.decode("latin-1"),
        }


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()


def _event_type(body: object) -> str:
    names = (text_id(at(body, path)) for path in _EVENT_PATHS)
    return next((name for name in names if name), _DEFAULT_EVENT)


def _resource_type(event_type: str) -> str:
    # The page uses both `orders-created` and `order-created`.
    named = resource_of_event(event_type)
    return _SINGULAR.get(named, named)


def _resource_id(body: Document) -> str | None:
    ids = (text_id(at(body, path)) for path in _ID_PATHS)
    return next((found for found in ids if found is not None), None)


def _document(body: Document) -> Document:
    if text_id(body.get("id")) is not None:
        return body
    wrapped = (body.get(name) for name in _WRAPPERS)
    return next((shown for shown in wrapped if isinstance(shown, dict) and text_id(shown.get("id"))), body)

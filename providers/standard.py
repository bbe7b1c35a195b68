"""Standard Webhooks 1.0, and Svix, which sends the same under other names.

A delivery is signed over `id.timestamp.body` with the base64-decoded secret. Only `v1` (HMAC-SHA256) counts; `v1a`
(ed25519) and unknown versions are skipped, as the specification asks.
Source: Standard Webhooks specification 1.0.0, "Webhook Headers" and "Signature scheme".
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from providers.base import Envelope, Parsed, Refused, Sample, SignedRequest, Unparsed, Verdict
from providers.outline import at, outline_decoder, read_outline
from providers.reading import (
    body_digest,
    instant,
    is_deletion,
    read_object,
    resource_of_event,
    text_id,
)
from providers.signature import (
    decode_base64,
    header_bytes,
    judge_timestamp,
    match_hmac,
    refuse_malformed,
    refuse_missing,
)
from schemas.records import Document, RawDelivery, Snapshot, resource_key

_FAMILIES = ("webhook-", "svix-")
_ID_PATHS = ("data.id", "data.object.id")
_decode_outline = outline_decoder(("type", "timestamp", *_ID_PATHS))
_VOLATILE = frozenset({"updated_at", "updatedAt"})


class Standard(Struct, frozen=True):
    """Any sender that follows Standard Webhooks."""

    resource_types: frozenset[str] = frozenset()
    name: str = "standard"
    secret_headers: frozenset[str] = frozenset()
    own_headers: tuple[str, ...] = _FAMILIES

    def verify(self, request: SignedRequest, secrets: Sequence[bytes], now: datetime) -> Verdict:
        """Check every `v1` signature against every current secret, and the timestamp within five minutes both ways."""
        signed_parts = []
        for part in ("id", "timestamp", "signature"):
            value = _header(request, part)
            if value is None:
                return refuse_missing(f"webhook-{part}")
            signed_parts.append(value)
        message_id, timestamp, signature = signed_parts
        if not message_id or "." in message_id:
            # With a dot, one signed text could be read as two different pairs of id and timestamp.
            return Refused("malformed_signature", "expected webhook-id to be a text without a dot")
        refusal = judge_timestamp(timestamp, now)
        if refusal is not None:
            return refusal
        given = _v1_digests(signature)
        if not given:
            return refuse_malformed("webhook-signature", "a list with at least one v1,<base64 of 32 bytes>")
        signed = _signed(header_bytes(message_id), timestamp, request.body)
        return match_hmac(signed, given, [signing_key(secret) for secret in secrets])

    def identify(self, source: str, request: SignedRequest) -> Envelope:
        """Return the delivery id of the header, the event type and the resource of the body."""
        delivery_id = text_id(_header(request, "id")) or body_digest(request.body)
        outline = read_outline(_decode_outline, request.body)
        event_type = text_id(at(outline, "type")) or "unknown"
        key = delivery_id
        if not isinstance(outline, Unparsed):
            resource_id = _resource_id(outline) or delivery_id
            key = resource_key(self.name, source, resource_of_event(event_type), resource_id)
        event_time = instant(at(outline, "timestamp")) or _header_time(request)
        return Envelope(delivery_id, event_type, key, event_time)

    def parse(self, delivery: RawDelivery) -> Parsed | Unparsed:
        """Return the one resource under `data`; without an id there, the delivery is a resource of its own."""
        body = read_object(delivery.body)
        if isinstance(body, Unparsed):
            return body
        event_type = text_id(body.get("type")) or "unknown"
        resource_id = _resource_id(body)
        is_deleted = resource_id is not None and is_deletion(event_type)
        document = _document(body)
        return Parsed(
            (
                Snapshot(
                    resource_type=resource_of_event(event_type),
                    resource_id=resource_id or delivery.delivery_id,
                    document=None if is_deleted else document,
                    version=None if is_deleted else instant(document.get("updated_at") or document.get("updatedAt")),
                    event_time=instant(body.get("timestamp")) or delivery.event_time,
                    is_deleted=is_deleted,
                    volatile=_VOLATILE,
                ),
            )
        )

    def sign(self, sample: Sample, secret: bytes) -> dict[str, str]:
        """Return the headers of the specification; the event type is the body's, so `sample.topic` is not used."""
        timestamp = str(int(sample.now.timestamp()))
        signed = _signed(header_bytes(sample.delivery_id), timestamp, sample.body)
        digest = hmac.digest(signing_key(secret), signed, "sha256")
        return {
            "content-type": "application/json",
            "user-agent": "standard-webhooks/1.0",
            "webhook-id": sample.delivery_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        }


def signing_key(secret: bytes) -> bytes:
    """Return the key that a secret spells, `whsec_` and padding optional; empty, which never matches, if not base64."""
    text = secret.removeprefix(b"whsec_").rstrip(b"=")
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return b""


def _header(request: SignedRequest, part: str) -> str | None:
    for family in _FAMILIES:
        value = request.headers.get(family + part)
        if value is not None:
            return value
    return None


def _header_time(request: SignedRequest) -> datetime | None:
    text = _header(request, "timestamp") or ""
    return instant(int(text)) if text.isascii() and text.isdigit() and len(text) <= 12 else None


def _v1_digests(header: str) -> list[bytes]:
    decoded = [decode_base64(entry[3:], "sha256") for entry in header.split(" ") if entry.startswith("v1,")]
    return [digest for digest in decoded if digest is not None]


def _signed(message_id: bytes, timestamp: str, body: bytes) -> bytes:
    return b"%b.%b.%b" % (message_id, timestamp.encode(), body)


def _resource_id(body: Document) -> str | None:
    ids = (text_id(at(body, path)) for path in _ID_PATHS)
    return next((found for found in ids if found is not None), None)


def _document(body: Document) -> Document:
    shown: Any = body.get("data")
    if not isinstance(shown, dict):
        return body
    inner = shown.get("object")
    return inner if isinstance(inner, dict) and text_id(shown.get("id")) is None and text_id(inner.get("id")) else shown

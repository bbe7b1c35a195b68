"""Standard Webhooks 1.0, and Svix, which sends the same headers under other names.

A delivery is signed over `id.timestamp.body` with the base64-decoded secret. Only `v1` (HMAC-SHA256) counts; `v1a`
(ed25519) and unknown versions are skipped, as the specification requires.
Source: Standard Webhooks specification 1.0.0, "Webhook Headers" and "Signature scheme".
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from providers.base import Envelope, Parsed, Sample, SignedRequest, Unparsed, Verdict
from providers.outline import at, outline_decoder, read_outline
from providers.reading import (
    body_digest,
    is_deletion,
    read_noted,
    resource_of_event,
    text_id,
    tie_rank,
)
from providers.scheme import SignatureScheme, first_header
from providers.secret_forms import explained
from providers.signature import (
    match_hmac,
    read_digests,
    refuse_malformed,
    refuse_missing,
    signed_text,
    signing_headers,
    signing_key,
    timestamp_refusal,
)
from providers.times import first_instant, unread_time
from schemas.records import Document, RawDelivery, Snapshot, resource_key

SCHEME = SignatureScheme(
    "standard",
    ("webhook-signature", "svix-signature"),
    "base64",
    prefix="v1,",
    signed="id.timestamp.body",
    key="decoded",
    separator=" ",
    id_headers=("webhook-id", "svix-id"),
    timestamp_headers=("webhook-timestamp", "svix-timestamp"),
)
TEXT_KEYS = replace(SCHEME, key="text")  # senders that sign with the secret's text, as Polar did until September 2026
_ID_PATHS = ("data.id", "data.object.id")
# The specification puts the event's time under `timestamp` (Clerk in milliseconds, Polar, Render); Resend and OpenAI put it under
# `created_at`. The time in the header is that of the attempt, which a retry renews: it orders nothing.
_EVENT_TIMES = (
    "timestamp", "created_at", "createdAt", "occurred_at", "occurredAt", "event_time", "eventTime", "created",
)  # fmt: skip
# The resource's own update time, under `data`: Clerk and Polar (`modified_at`) send one, Resend none.
_UPDATE_TIMES = (
    "updated_at", "updatedAt", "modified_at", "modifiedAt", "last_modified_at", "lastModifiedAt",
    "last_updated_at", "lastUpdatedAt", "last_modified", "lastModified", "last_updated", "lastUpdated",
)  # fmt: skip
_DELETION_TIMES = ("deleted_at", "deletedAt", *_UPDATE_TIMES)
_decode_outline = outline_decoder(
    ("type", *_EVENT_TIMES, *_ID_PATHS, *(f"data.{p}{name}" for p in ("", "object.") for name in _UPDATE_TIMES))
)
_VOLATILE = frozenset(_UPDATE_TIMES)


class _Times(Struct, frozen=True):
    """The times in a body, and the path of a value that should be one but cannot be read, "" if there is none."""

    event_time: datetime | None
    version: datetime | None
    unread: str


class Standard(Struct, frozen=True):
    """Any sender that follows Standard Webhooks; with `TEXT_KEYS` one that signs with the secret's text.

    `volatile` are fields of the document besides its update time.
    """

    resource_types: frozenset[str] = frozenset()
    name: str = "standard"
    secret_headers: frozenset[str] = frozenset()
    own_headers: tuple[str, ...] = ("webhook-", "svix-")
    volatile: frozenset[str] = frozenset()
    scheme: SignatureScheme = SCHEME

    def verify(self, request: SignedRequest, secrets: Sequence[bytes], now: datetime) -> Verdict:
        """Check every `v1` signature against every current secret, and the timestamp within five minutes in both directions."""
        scheme = self.scheme
        values = []
        for names in (scheme.id_headers, scheme.timestamp_headers, scheme.headers):
            value = first_header(request.headers, names)
            if value is None:
                return refuse_missing(names[0])
            values.append(value)
        message_id, timestamp, signature = values
        if not message_id or "." in message_id:
            # If an id had a dot, one signed text could be read as two different pairs of id and timestamp.
            return refuse_malformed(scheme.id_headers[0], "a text without a dot")
        refusal = timestamp_refusal(timestamp, now, scheme.tolerance_s)
        if refusal is not None:
            return refusal
        given = read_digests(scheme, signature.split(scheme.separator))
        if not given:
            return refuse_malformed(scheme.header, f"a list with at least one {scheme.form}")
        signed = signed_text(scheme.signed, message_id, timestamp, request.body)
        keys = [signing_key(scheme, secret) for secret in secrets]
        return explained(match_hmac(signed, given, keys, scheme.algorithm), scheme, secrets)

    def identify(self, source: str, request: SignedRequest) -> Envelope:
        """Return the delivery id from the header, and the event type and resource from the body."""
        delivery_id = text_id(first_header(request.headers, self.scheme.id_headers)) or body_digest(request.body)
        outline = read_outline(_decode_outline, request.body, request.content_type)
        event_type = text_id(at(outline, "type")) or "unknown"
        key = delivery_id
        if not isinstance(outline, Unparsed):
            resource_id = _resource_id(outline) or delivery_id
            key = resource_key(self.name, source, "", resource_of_event(event_type), resource_id)
        times = _times({} if isinstance(outline, Unparsed) else outline)
        return Envelope(delivery_id, event_type, key, times.event_time, has_unread_time=bool(times.unread))

    def parse(self, delivery: RawDelivery) -> Parsed | Unparsed:
        """Return the only resource, under `data`; without an id there, its id is the delivery's.

        Its update time is the version, else the event's time orders; without both, deliveries count in order of arrival.
        """
        body, notes = read_noted(delivery.body, delivery.content_type)
        if isinstance(body, Unparsed):
            return body
        event_type = text_id(body.get("type")) or "unknown"
        resource_id = _resource_id(body)
        is_deleted = resource_id is not None and is_deletion(event_type)
        document, times = _document(body), _times(body)
        snapshot = Snapshot(
            resource_type=resource_of_event(event_type),
            resource_id=resource_id or delivery.delivery_id,
            document=None if is_deleted else document,
            version=None if is_deleted else times.version,
            event_time=times.event_time or (first_instant(document, _DELETION_TIMES)[0] if is_deleted else None),
            is_deleted=is_deleted,
            state_rank=0 if is_deleted or not (times.version or times.event_time) else tie_rank(event_type),
            volatile=_VOLATILE | self.volatile if self.volatile else _VOLATILE,
        )
        return Parsed((snapshot,), (*notes, unread_time(times.unread)) if times.unread else notes)

    def sign(self, sample: Sample, secret: bytes) -> dict[str, str]:
        """Return the headers of the specification; the event type is in the body, so `sample.topic` is not used."""
        return {
            "content-type": "application/json",
            "user-agent": "standard-webhooks/1.0",
            **signing_headers(self.scheme, secret, sample.body, sample.delivery_id, sample.now),
        }


def _times(body: Document) -> _Times:
    event_time, unread_event_time = first_instant(body, _EVENT_TIMES)
    document = _document(body)
    version, unread = first_instant(document, _UPDATE_TIMES)
    if (
        not unread or document is body
    ):  # without `data` the delivery is a resource of its own, and nothing has to order it
        return _Times(event_time, version, unread_event_time)
    return _Times(event_time, version, f"data.{unread}" if document is body["data"] else f"data.object.{unread}")


def _resource_id(body: Document) -> str | None:
    ids = (text_id(at(body, path)) for path in _ID_PATHS)
    return next((found for found in ids if found is not None), None)


def _document(body: Document) -> Document:
    shown: Any = body.get("data")
    if not isinstance(shown, dict):
        return body
    inner = shown.get("object")
    return inner if isinstance(inner, dict) and text_id(shown.get("id")) is None and text_id(inner.get("id")) else shown

"""Any sender that signs the body with an HMAC in one header, as configured.

The defaults are those of most home-made senders: `X-Webhook-Signature: sha256=<hex>`, `X-Webhook-Event`,
`X-Webhook-Delivery`. Many of them create a new delivery id for every attempt; the pipeline then detects duplicates by
content.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import force_setattr

from providers.base import Envelope, Parsed, Sample, SignedRequest, Unparsed, Verdict
from providers.outline import DecodeOutline, at, outline_decoder, read_outline
from providers.reading import (
    body_digest,
    instant,
    is_deletion,
    read_noted,
    resource_of_event,
    text_id,
    topic_name,
)
from providers.scheme import SignatureScheme, first_header
from providers.secret_forms import explained
from providers.signature import match_hmac, read_digest, refuse_malformed, refuse_missing, signing_headers
from schemas.records import Document, RawDelivery, Snapshot, resource_key


class GenericOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """The options of one sender: its signature, headers and paths.

    `prefix` must precede the signature, "" if the sender writes none. Paths are names in the JSON body, joined by dots;
    `type_path` "" takes the resource type from the event name. Header names may be in any case.
    """

    signature_header: str = "x-webhook-signature"
    prefix: str = "sha256="
    encoding: Literal["hex", "base64"] = "hex"
    algorithm: Literal["sha256", "sha512"] = "sha256"
    id_header: str = "x-webhook-delivery"
    event_header: str = "x-webhook-event"
    id_path: str = "id"
    type_path: str = ""
    time_path: str = "updated_at"

    @property
    def scheme(self) -> SignatureScheme:
        """Return the sender's signature scheme."""
        header = self.signature_header.lower()
        return SignatureScheme("generic", (header,), self.encoding, prefix=self.prefix, algorithm=self.algorithm)


class Generic(Struct, frozen=True):
    """One configured sender. `scheme` is derived from the options once, not for each request."""

    options: GenericOptions = GenericOptions()
    resource_types: frozenset[str] = frozenset()
    name: str = "generic"
    secret_headers: frozenset[str] = frozenset()
    scheme: SignatureScheme = field(default_factory=lambda: GenericOptions().scheme)

    def __post_init__(self) -> None:
        force_setattr(self, "scheme", self.options.scheme)

    @property
    def own_headers(self) -> tuple[str, ...]:
        """Return the configured header names and the usual prefixes."""
        options = self.options
        return ("x-webhook-", options.signature_header.lower(), options.id_header.lower(), options.event_header.lower())

    def verify(self, request: SignedRequest, secrets: Sequence[bytes], now: datetime) -> Verdict:  # noqa: ARG002 - unsigned
        """Check the configured HMAC of the exact body bytes; the scheme signs no time, so `now` is not used."""
        scheme = self.scheme
        header = first_header(request.headers, scheme.headers)
        if header is None:
            return refuse_missing(self.options.signature_header)
        given = read_digest(scheme, header)
        if given is None:
            expected = scheme.form if scheme.prefix else f"without prefix, {scheme.form}"
            return refuse_malformed(self.options.signature_header, expected)
        return explained(match_hmac(request.body, [given], secrets, scheme.algorithm), scheme, secrets)

    def identify(self, source: str, request: SignedRequest) -> Envelope:
        """Return the delivery id and event type from the headers, and the resource at the configured paths."""
        options = self.options
        delivery_id = text_id(request.headers.get(options.id_header.lower())) or body_digest(request.body)
        event_type = text_id(request.headers.get(options.event_header.lower())) or "unknown"
        outline = read_outline(_outline_decoder(options), request.body, request.content_type)
        key = delivery_id
        if not isinstance(outline, Unparsed):
            resource_id = _resource_id(options, outline) or delivery_id
            key = resource_key(self.name, source, _resource_type(options, outline, event_type), resource_id)
        return Envelope(delivery_id, event_type, key)

    def parse(self, delivery: RawDelivery) -> Parsed | Unparsed:
        """Return the body as the only resource; without an id at the path, its id is the delivery's."""
        body, notes = read_noted(delivery.body, delivery.content_type)
        if isinstance(body, Unparsed):
            return body
        options = self.options
        resource_id = _resource_id(options, body)
        is_deleted = resource_id is not None and is_deletion(delivery.event_type)
        snapshot = Snapshot(
            resource_type=_resource_type(options, body, delivery.event_type),
            resource_id=resource_id or delivery.delivery_id,
            document=None if is_deleted else body,
            version=None if is_deleted else instant(at(body, options.time_path)),
            event_time=delivery.event_time,
            is_deleted=is_deleted,
            volatile=frozenset({options.time_path}),
        )
        return Parsed((snapshot,), notes)

    def sign(self, sample: Sample, secret: bytes) -> dict[str, str]:
        """Return the headers that the configured sender would send."""
        options = self.options
        return {
            "content-type": "application/json",
            "user-agent": "webhook-sender/1.0",
            "x-webhook-attempt": "1",
            options.id_header.lower(): sample.delivery_id,
            options.event_header.lower(): sample.topic,
            **signing_headers(self.scheme, secret, sample.body, sample.delivery_id, sample.now),
        }


@lru_cache(maxsize=256)
def _outline_decoder(options: GenericOptions) -> DecodeOutline:
    return outline_decoder(path for path in (options.id_path, options.type_path) if path)


def _resource_id(options: GenericOptions, body: Document) -> str | None:
    return text_id(at(body, options.id_path)) if options.id_path else None


def _resource_type(options: GenericOptions, body: Document, event_type: str) -> str:
    named = text_id(at(body, options.type_path)) if options.type_path else None
    return topic_name(named) if named else resource_of_event(event_type)

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
    is_deletion,
    read_noted,
    resource_of_event,
    tenant_name,
    text_id,
    tie_rank,
    topic_name,
)
from providers.scheme import SignatureScheme, first_header
from providers.secret_forms import explained
from providers.signature import match_hmac, read_digest, refuse_malformed, refuse_missing, signing_headers
from providers.times import instant, newest_at, unread_time
from schemas.records import Document, RawDelivery, Snapshot, resource_key


class GenericOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """The options of one sender: its signature, headers and paths.

    `prefix` must precede the signature, "" if the sender writes none. Paths are names in the JSON body, joined by dots;
    `type_path` "" takes the resource type from the event name. `tenant_header` or else `tenant_path` names the account at the
    sender that ids belong to; "" if ids are unique without it. Of several `time_path`s the first with a time is used; a path
    through an array means the newest time there. `volatile` are fields besides these times whose change alone is no change.
    Header names may be in any case.
    """

    signature_header: str = "x-webhook-signature"
    prefix: str = "sha256="
    encoding: Literal["hex", "base64"] = "hex"
    algorithm: Literal["sha256", "sha512"] = "sha256"
    id_header: str = "x-webhook-delivery"
    event_header: str = "x-webhook-event"
    id_path: str = "id"
    type_path: str = ""
    tenant_header: str = ""
    tenant_path: str = ""
    time_path: str | tuple[str, ...] = "updated_at"
    volatile: tuple[str, ...] = ()

    @property
    def scheme(self) -> SignatureScheme:
        """Return the sender's signature scheme."""
        header = self.signature_header.lower()
        return SignatureScheme("generic", (header,), self.encoding, prefix=self.prefix, algorithm=self.algorithm)

    @property
    def time_paths(self) -> tuple[str, ...]:
        """Return the paths of update times in the order in which they are tried."""
        paths = (self.time_path,) if isinstance(self.time_path, str) else self.time_path
        return tuple(path for path in paths if path)


class Generic(Struct, frozen=True):
    """One configured sender. `scheme`, `time_paths` and `volatile` are derived from the options once, not for each request."""

    options: GenericOptions = GenericOptions()
    resource_types: frozenset[str] = frozenset()
    name: str = "generic"
    secret_headers: frozenset[str] = frozenset()
    scheme: SignatureScheme = field(default_factory=lambda: GenericOptions().scheme)
    time_paths: tuple[str, ...] = ()
    volatile: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        force_setattr(self, "scheme", self.options.scheme)
        force_setattr(self, "time_paths", self.options.time_paths)
        force_setattr(self, "volatile", frozenset((*self.options.time_paths, *self.options.volatile)))

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
        key, tenant, unread = delivery_id, _tenant(options, request, outline), ""
        if not isinstance(outline, Unparsed):
            resource_id = _resource_id(options, outline) or delivery_id
            key = resource_key(self.name, source, tenant, _resource_type(options, outline, event_type), resource_id)
            unread = _update_time(self.time_paths, outline)[1]
        return Envelope(delivery_id, event_type, key, has_unread_time=bool(unread), tenant=tenant)

    def parse(self, delivery: RawDelivery) -> Parsed | Unparsed:
        """Return the body as the only resource; without an id at the path, its id is the delivery's.

        The update time is the version; in a deletion, which does not always renew it, it counts as the event's time.
        """
        body, notes = read_noted(delivery.body, delivery.content_type)
        if isinstance(body, Unparsed):
            return body
        options = self.options
        resource_id = _resource_id(options, body)
        resource_type = _resource_type(options, body, delivery.event_type)
        is_deleted = resource_id is not None and is_deletion(delivery.event_type, resource_type)
        update_time, unread = _update_time(self.time_paths, body)
        snapshot = Snapshot(
            resource_type=resource_type,
            resource_id=resource_id or delivery.delivery_id,
            document=None if is_deleted else body,
            version=None if is_deleted else update_time,
            event_time=update_time if is_deleted else delivery.event_time,
            is_deleted=is_deleted,
            volatile=self.volatile,
            # Without a time an id may be that of an earlier resource, which its creation follows.
            state_rank=0 if is_deleted or update_time is None else tie_rank(delivery.event_type, resource_type),
        )
        return Parsed((snapshot,), (*notes, unread_time(unread)) if unread else notes)

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
    paths = (options.id_path, options.type_path, options.tenant_path, *options.time_paths)
    return outline_decoder(path for path in paths if path)


def _tenant(options: GenericOptions, request: SignedRequest, outline: Document | Unparsed) -> str:
    if options.tenant_header:
        return tenant_name(request.headers.get(options.tenant_header.lower()))
    if options.tenant_path and not isinstance(outline, Unparsed):
        return tenant_name(at(outline, options.tenant_path))
    return ""


def _resource_id(options: GenericOptions, body: Document) -> str | None:
    return text_id(at(body, options.id_path)) if options.id_path else None


def _resource_type(options: GenericOptions, body: Document, event_type: str) -> str:
    named = text_id(at(body, options.type_path)) if options.type_path else None
    return topic_name(named) if named else resource_of_event(event_type)


def _update_time(paths: tuple[str, ...], body: Document) -> tuple[datetime | None, str]:
    """Return the first update time at these paths, and the first path before it whose value is not a time, "" if none is."""
    unread = ""
    for path in paths:
        shown = at(body, path)
        time, is_unread = instant(shown), False
        if time is None and (shown is not None or "." in path):  # a value that is not a time, or an array on the way
            time, is_unread = newest_at(body, path)
        if is_unread:
            unread = unread or path
        if time is not None:
            return time, unread
    return None, unread

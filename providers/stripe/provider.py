"""Stripe: signature `t=…,v1=…` over timestamp and body; snapshot events with the whole object, thin events with a reference.

The signing key is the endpoint's whole secret, `whsec_` included, as UTF-8: unlike Standard Webhooks' it is not base64.
Source: Stripe's webhook documentation, stripe-python and stripe-dotnet.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from providers.base import Envelope, Parsed, Refused, Sample, SignedRequest, TestDelivery, Unparsed, Verdict
from providers.outline import at, outline_decoder, read_outline
from providers.reading import body_digest, instant, read_noted, tenant_name, text_id, topic_name
from providers.scheme import SignatureScheme, first_header
from providers.secret_forms import explained
from providers.signature import (
    match_hmac,
    read_digests,
    refuse_malformed,
    refuse_missing,
    signed_text,
    signing_headers,
    timestamp_refusal,
)
from providers.stripe.children import CHILDREN, VOLATILE
from providers.stripe.names import (
    PATHS,
    PREVIEWS,
    SINGLETON,
    SINGLETONS,
    object_id,
    related_object_id,
    resource_type_of,
)
from providers.stripe.ranks import state_rank
from providers.stripe.types import OBJECT_TYPES
from schemas.records import Document, RawDelivery, Snapshot, resource_key

SCHEME = SignatureScheme(
    "stripe",
    ("stripe-signature",),
    "hex",
    prefix="v1=",
    signed="timestamp.body",
    separator=",",
    timestamp_prefix="t=",
)
MAX_TYPE_CHARS = 200
TEST_MODE = "test"
# The ids of the dashboard's "send test webhook": `evt_00000000000000`, later also `charge.expired_00000000000000`. What the CLI
# triggers happens in test mode and has ids like any other. Source: dj-stripe issue 779 and pull request 859.
TEST_EVENT = "_00000000000000"
PING = (
    "v2.core.event_destination.ping"  # sent on demand, from the dashboard or the API: no event destination has changed
)

# Thin events, and the versions of the API whose objects they are about: `v1.customer.updated` is the thin `customer.updated`.
NOTIFICATION = "v2.core.event"
API_VERSIONS = ("v1_", "v2_")
_FIRST_API = "v1."
# Sent on request, to try an event destination. Source: Stripe's API reference, "Ping an Event Destination".
PING = "v2.core.event_destination.ping"

# A subscription "deleted" is one that was cancelled: the object is complete, `status: canceled`, and stays readable.
# For every other *.deleted event (customer, product, invoice draft, external account, …) the object is gone.
CANCELLATIONS = frozenset({"customer.subscription.deleted"})
# The application still exists, but the access that the account granted to it is gone.
ENDINGS = frozenset({"account.application.deauthorized"})
RESOURCE_TYPES = OBJECT_TYPES.union(
    PREVIEWS.values(), (rule.resource_type for rules in CHILDREN.values() for rule in rules)
)

_EVENT_PATHS = (
    "id",
    "object",
    "type",
    "created",
    "api_version",
    "account",
    "context",
    "livemode",
    "related_object.id",
    "related_object.type",
    "related_object.url",
)
_OBJECT_PATHS = ("id", "object", *PATHS)
_decode_outline = outline_decoder((*_EVENT_PATHS, *(f"data.object.{path}" for path in _OBJECT_PATHS)))


class Found(Struct, frozen=True):
    """The names of one resource, and its document: the object, or the notification about it.

    `is_occurrence`: nothing names the object, so this event is a resource of its own, named by its id. It is never deleted.
    """

    resource_type: str
    resource_id: str
    document: Document
    is_occurrence: bool = False


class Stripe(Struct, frozen=True):
    """Stripe's rules, for an account's own endpoints and for Connect."""

    name: ClassVar[str] = "stripe"
    resource_types: ClassVar[frozenset[str]] = RESOURCE_TYPES
    secret_headers: ClassVar[frozenset[str]] = frozenset()
    own_headers: ClassVar[tuple[str, ...]] = ("stripe-",)
    scheme: ClassVar[SignatureScheme] = SCHEME

    def verify(self, request: SignedRequest, secrets: Sequence[bytes], now: datetime) -> Verdict:
        """Check every `v1` signature and the time; `v0` and unknown schemes are skipped.

        A retry has a new time, and during a secret rotation there is one `v1` for each secret.
        """
        scheme = self.scheme
        header = first_header(request.headers, scheme.headers)
        if header is None:
            return refuse_missing(scheme.header)
        entries = [entry.strip() for entry in header.split(scheme.separator)]
        mark = scheme.timestamp_prefix
        times = [entry[len(mark) :] for entry in entries if entry.startswith(mark)]
        given = read_digests(scheme, entries)
        if len(times) != 1 or not given:
            return refuse_malformed(scheme.header, scheme.form)
        late = timestamp_refusal(times[0], now, scheme.tolerance_s)
        if late and late.reason == "malformed_signature":
            return late
        signed = signed_text(scheme.signed, "", times[0], request.body)
        verdict = explained(match_hmac(signed, given, secrets, scheme.algorithm), scheme, secrets)
        # A forged signature is reported as wrong whatever its time, so that "too_old" always means a wrong clock or a replay.
        return verdict if isinstance(verdict, Refused) else late or verdict

    def identify(self, source: str, request: SignedRequest) -> Envelope:
        """Return the envelope of a delivery; reads only the fields that name the object."""
        event = read_outline(_decode_outline, request.body, request.content_type)
        if isinstance(event, Unparsed):
            digest = body_digest(request.body)
            return Envelope(digest, "unknown", digest)
        delivery_id = text_id(event.get("id")) or body_digest(request.body)
        found, tenant = found_in(event, delivery_id), _tenant(event)
        api_version = event.get("api_version")
        return Envelope(
            delivery_id=delivery_id,
            event_type=_event_type(event) or "unknown",
            key=delivery_id
            if isinstance(found, Unparsed)
            else resource_key(Stripe.name, source, tenant, found.resource_type, found.resource_id),
            event_time=instant(event.get("created")),
            api_version=api_version if isinstance(api_version, str) else None,
            tenant=tenant,
        )

    def parse(self, delivery: RawDelivery) -> Parsed | Unparsed | TestDelivery:
        """Return the object of a snapshot event, the notification itself of a thin one.

        There is no version: almost no object has an update time. So events are ordered by their own time, in whole seconds,
        and within one second by the rank of the object's state.
        """
        event, notes = read_noted(delivery.body, delivery.content_type)
        if isinstance(event, Unparsed):
            return event
        if (text_id(event.get("id")) or "").endswith(TEST_EVENT):
            return TestDelivery("an event id of zeros: sent by hand from Stripe's dashboard, with made-up content")
        if event.get("type") == PING:
            return TestDelivery(f"{PING}: sent on request, to try the event destination")
        found = found_in(event, delivery.delivery_id)
        if isinstance(found, Unparsed):
            return found
        is_deleted = not found.is_occurrence and is_deletion(event, found.document)
        snapshot = Snapshot(
            resource_type=found.resource_type,
            resource_id=found.resource_id,
            document=None if is_deleted else found.document,
            event_time=instant(event.get("created")),
            is_deleted=is_deleted,
            volatile=VOLATILE,
            children=CHILDREN.get(found.resource_type, ()),
            state_rank=0 if is_deleted else _state_rank(event, found.document),
        )
        return Parsed((snapshot,), notes)

    def sign(self, sample: Sample, secret: bytes) -> dict[str, str]:
        """Return the headers of one endpoint; topic, delivery id and tenant are in the body."""
        return {
            "accept": "*/*; q=0.5, application/xml",
            "cache-control": "no-cache",
            "content-type": "application/json; charset=utf-8",
            "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            **signing_headers(self.scheme, secret, sample.body, sample.delivery_id, sample.now),
        }


def _event_type(event: Document) -> str:
    event_type = event.get("type")
    return event_type if isinstance(event_type, str) and len(event_type) <= MAX_TYPE_CHARS else ""


def _tenant(event: Document) -> str:
    """Return the account and mode: `acct_1`, `acct_1:test`; for the endpoint's own account "" and `test`.

    Test and live mode use the same ids for objects that the merchant names. Events of an organisation, and thin events, name the
    account in `context`, there at the end of a path from the organisation: `org_1/acct_1`.
    """
    account = tenant_name(event.get("account")) or tenant_name(event.get("context")).rpartition("/")[2]
    if event.get("livemode") is not False:
        return account
    return f"{account}:{TEST_MODE}" if account else TEST_MODE


def found_in(event: Document, delivery_id: str) -> Found | Unparsed:
    """Return what an event is about; `identify` and `parse` both name resources by this function alone."""
    occurrence_id = text_id(event.get("id")) or delivery_id
    stripe_object = at(event, "data.object")
    if isinstance(stripe_object, dict):
        return _found_in_snapshot(event, stripe_object, occurrence_id)
    if "related_object" in event or event.get("object") == NOTIFICATION:
        return _found_in_notification(event, occurrence_id)
    return Unparsed("unknown_shape", "expected an event with an object in data.object, or a thin event")


def _found_in_snapshot(event: Document, stripe_object: Document, occurrence_id: str) -> Found | Unparsed:
    object_type = stripe_object.get("object")
    if not isinstance(object_type, str):
        return Unparsed("unknown_shape", "expected the name of its type in data.object.object")
    object_type = PREVIEWS.get(_event_type(event), object_type)
    resource_type, resource_id = resource_type_of(object_type), object_id(object_type, stripe_object)
    if resource_id is None:
        return Found(resource_type, occurrence_id, stripe_object, is_occurrence=True)
    return Found(resource_type, resource_id, stripe_object)


def _found_in_notification(event: Document, occurrence_id: str) -> Found | Unparsed:
    """Return the names of the related object; none of its content is in the event.

    The type keeps the API's version (`v1_billing_meter`, `v2_core_account`), so that a notification never replaces the object
    of a snapshot event.
    """
    related_type = at(event, "related_object.type")
    if not isinstance(related_type, str):
        return Found(topic_name(NOTIFICATION), occurrence_id, event, is_occurrence=True)
    object_type = related_type.removeprefix(_FIRST_API)
    related_id = related_object_id(object_type, at(event, "related_object.id"), at(event, "related_object.url"))
    if related_id is None and object_type in SINGLETONS:
        related_id = SINGLETON
    if related_id is None:
        return Found(topic_name(NOTIFICATION), occurrence_id, event, is_occurrence=True)
    resource_type = topic_name(related_type)
    prefix = "" if resource_type.startswith(API_VERSIONS) else "v1_"
    return Found(topic_name(f"{prefix}{resource_type}"), related_id, event)


def _state_rank(event: Document, document: Document) -> int:
    """Return the rank of the event's object; a notification, which is its own document, has only that of its type."""
    data = event.get("data")
    previous = data.get("previous_attributes") if isinstance(data, dict) else None
    return state_rank(_event_type(event).removeprefix(_FIRST_API), document, previous)


def is_deletion(event: Document, document: Document) -> bool:
    """Say whether an event ends its object; a cancelled subscription stays."""
    event_type = _event_type(event).removeprefix(_FIRST_API)
    if event_type in CANCELLATIONS:
        return False
    return event_type.endswith(".deleted") or event_type in ENDINGS or document.get("deleted") is True

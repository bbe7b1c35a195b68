"""Stripe: signature `t=…,v1=…` over timestamp and body; snapshot events with the whole object, thin events with a reference.

The signing key is the endpoint's whole secret, `whsec_` included, as UTF-8: unlike Standard Webhooks' it is not base64.
Source: Stripe's webhook documentation, stripe-python and stripe-dotnet.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from providers.base import Envelope, Parsed, Refused, Sample, SignedRequest, Unparsed, Verdict
from providers.outline import at, outline_decoder, read_outline
from providers.reading import body_digest, instant, read_noted, text_id, topic_name
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
from providers.stripe.types import OBJECT_TYPES
from schemas.records import ChildRule, Document, RawDelivery, Snapshot, resource_key

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

# Where an object without an id refers to its owner; the first that exists is used. The preview in `invoice.upcoming` belongs
# to a subscription (in newer API versions below `parent`), a cash balance to a customer.
OWNERS = ("subscription", "parent.subscription_details.subscription", "customer")
# Only the pair identifies an alert that was triggered for a customer.
PAIRS = {"billing.alert_triggered": ("customer", "alert")}
# The id of objects that each account has once, such as `balance`, if the event names no connected account.
OWN_ACCOUNT = "self"

# The merchant chooses these ids, or they belong to another account's object: two accounts of a platform may use the same id.
IDS_WITHIN_ACCOUNT = frozenset({"application", "coupon", "plan", "price", "product", "promotion_code", "sku"})
# A preview is not the later invoice, and must not be among the invoices.
RENAMED = {"invoice.upcoming": "upcoming_invoice"}

# A subscription "deleted" is one that was cancelled: the object is complete, `status: canceled`, and stays readable.
# For every other *.deleted event (customer, product, invoice draft, external account, …) the object is gone.
CANCELLATIONS = frozenset({"customer.subscription.deleted"})
# The application still exists, but the access that the account granted to it is gone.
ENDINGS = frozenset({"account.application.deauthorized"})
# One action causes several events within one second, in any order: a payment sends `invoice.updated` and `invoice.paid`. These
# states only advance, so they tell which of two events is later. Source: Stripe's status transitions of these objects.
STATE_RANKS = {
    "invoice": {"open": 1, "uncollectible": 2, "paid": 3, "void": 3},
    "payment_intent": {"succeeded": 1, "canceled": 1},
    "setup_intent": {"succeeded": 1, "canceled": 1},
    "checkout.session": {"complete": 1, "expired": 1},
}
# Only a few objects have an update time; Stripe changes it whenever it changes the object.
VOLATILE = frozenset({"updated"})
# A list contains its first page, and `has_more` tells whether there are others. A line's id is assumed unique only within its
# invoice or credit note, so it is combined with the parent's id.
CHILDREN: Mapping[str, tuple[ChildRule, ...]] = {
    "invoice": (ChildRule("invoice_line_item", "lines", is_relation=True),),
    "credit_note": (ChildRule("credit_note_line_item", "lines", is_relation=True),),
    "subscription": (ChildRule("subscription_item", "items"),),
}

RESOURCE_TYPES = OBJECT_TYPES.union(
    RENAMED.values(), (rule.resource_type for rules in CHILDREN.values() for rule in rules)
)

_EVENT_PATHS = ("id", "type", "created", "api_version", "account", "related_object.id", "related_object.type")
_OBJECT_PATHS = ("id", "object", "alert", *OWNERS)
_decode_outline = outline_decoder((*_EVENT_PATHS, *(f"data.object.{path}" for path in _OBJECT_PATHS)))


class Found(Struct, frozen=True):
    """The names of one resource, and its document: the object, or the notification about it."""

    resource_type: str
    resource_id: str
    document: Document


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
        found = _found(event)
        api_version = event.get("api_version")
        return Envelope(
            delivery_id=delivery_id,
            event_type=_event_type(event) or "unknown",
            key=delivery_id if isinstance(found, Unparsed) else _key(source, found),
            event_time=instant(event.get("created")),
            api_version=api_version if isinstance(api_version, str) else None,
        )

    def parse(self, delivery: RawDelivery) -> Parsed | Unparsed:
        """Return the object of a snapshot event, the notification itself of a thin one.

        There is no version: almost no object has an update time. So events are ordered by their own time, in whole seconds,
        and within one second by the rank of the object's state.
        """
        event, notes = read_noted(delivery.body, delivery.content_type)
        if isinstance(event, Unparsed):
            return event
        found = _found(event)
        if isinstance(found, Unparsed):
            return found
        is_deleted = _is_deletion(event, found.document)
        snapshot = Snapshot(
            resource_type=found.resource_type,
            resource_id=found.resource_id,
            document=None if is_deleted else found.document,
            event_time=instant(event.get("created")),
            is_deleted=is_deleted,
            volatile=VOLATILE,
            children=CHILDREN.get(found.resource_type, ()),
            state_rank=0 if is_deleted else _state_rank(found.document),
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


def _key(source: str, found: Found) -> str:
    return resource_key(Stripe.name, source, found.resource_type, found.resource_id)


def _found(event: Document) -> Found | Unparsed:
    stripe_object = at(event, "data.object")
    if isinstance(stripe_object, dict):
        return _found_in_snapshot(event, stripe_object)
    if "related_object" in event or event.get("object") == "v2.core.event":
        return _found_in_notification(event)
    return Unparsed("unknown_shape", "expected an event with an object in data.object, or a thin event")


def _found_in_snapshot(event: Document, stripe_object: Document) -> Found | Unparsed:
    object_type = stripe_object.get("object")
    if not isinstance(object_type, str):
        return Unparsed("unknown_shape", "expected the name of its type in data.object.object")
    account = text_id(event.get("account"))
    own_id = text_id(stripe_object.get("id"))
    resource_id = own_id or _stand_in(object_type, stripe_object) or account or OWN_ACCOUNT
    if own_id and account and object_type in IDS_WITHIN_ACCOUNT:
        resource_id = f"{account}:{own_id}"
    resource_type = RENAMED.get(_event_type(event)) or topic_name(object_type)
    return Found(resource_type, resource_id, stripe_object)


def _stand_in(object_type: str, stripe_object: Document) -> str | None:
    """Return the owner's id for an object without an id."""
    pair = [_referred_id(stripe_object, path) for path in PAIRS.get(object_type, ())]
    known = [part for part in pair if part]
    if pair and len(known) == len(pair):
        return ":".join(known)
    owners = (_referred_id(stripe_object, path) for path in OWNERS)
    return next((owner for owner in owners if owner), None)


def _referred_id(stripe_object: Document, path: str) -> str | None:
    """Return the id in a field that refers to another object; an expanded field contains that object."""
    reference = at(stripe_object, path)
    return text_id(reference.get("id") if isinstance(reference, dict) else reference)


def _found_in_notification(event: Document) -> Found | Unparsed:
    """Return the related object's names; its type keeps the API's prefix, so notifications never mix with snapshots."""
    related_type = at(event, "related_object.type")
    related_id = text_id(at(event, "related_object.id"))
    if isinstance(related_type, str) and related_id:
        return Found(topic_name(related_type), related_id, event)
    event_id = text_id(event.get("id"))
    if event_id:
        return Found("v2_core_event", event_id, event)
    return Unparsed("unknown_shape", "expected a thin event to have an id")


def _state_rank(document: Document) -> int:
    """Return the rank of the object's state; 0 for a notification and for objects whose states may recur."""
    object_type, status = document.get("object"), document.get("status")
    if isinstance(object_type, str) and isinstance(status, str):
        return STATE_RANKS.get(object_type, {}).get(status, 0)
    return 0


def _is_deletion(event: Document, document: Document) -> bool:
    event_type = _event_type(event)
    if event_type in CANCELLATIONS:
        return False
    return event_type.endswith(".deleted") or event_type in ENDINGS or document.get("deleted") is True

"""BigCommerce: the headers of Standard Webhooks with a different key, and bodies that only name what changed.

The signing key is the app's client secret as UTF-8, not base64-decoded. The body's `hash` is not a delivery id: in
BigCommerce's own samples created, updated and deleted of one product share one, so dropping duplicates would drop changes.
Source: BigCommerce's webhook documentation.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from providers.base import Envelope, Parsed, Refused, Sample, SignedRequest, Unparsed, Verdict
from providers.bigcommerce.rules import ENDINGS, METAFIELD, RESOURCE_TYPES, RULES, STORE, VERB_RANKS, rule_of
from providers.outline import at
from providers.reading import (
    ResourceNames,
    body_digest,
    instant,
    read_noted,
    read_object,
    root_key,
    tenant_name,
    text_id,
    topic_name,
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
    timestamp_refusal,
)
from schemas.records import Document, RawDelivery, Snapshot

ID = "webhook-id"
SCHEME = SignatureScheme(
    "bigcommerce",
    ("webhook-signature",),
    "base64",
    prefix="v1,",
    signed="id.timestamp.body",
    separator=" ",
    id_headers=(ID,),
    timestamp_headers=("webhook-timestamp",),
)
MAX_SCOPE_CHARS = 200
# store/channel/7/order/updated and the stock scopes' literal store/channel/*/…; store/channel/updated is a channel's.
_CHANNEL = re.compile(r"channel/([0-9]+|\*)/")


class Notice(Struct, frozen=True):
    """One element of a delivery: the parts of the scope, and the `data` about one resource.

    `occurrence_id` is the delivery's id with the element's index, unless that is 0: it names what has no id.
    """

    family: str
    verb: str
    channel: str | None
    store: str | None
    data: Document
    occurrence_id: str


class Found(ResourceNames, frozen=True):
    """The names of one resource. An occurrence is named by its delivery, because it has no id; it is never deleted."""

    is_occurrence: bool = False


class BigCommerce(Struct, frozen=True):
    """BigCommerce's rules."""

    name: ClassVar[str] = "bigcommerce"
    resource_types: ClassVar[frozenset[str]] = RESOURCE_TYPES
    # A hook's own `headers` are sent with every delivery, and the documentation's example is a password.
    secret_headers: ClassVar[frozenset[str]] = frozenset({"authorization"})
    own_headers: ClassVar[tuple[str, ...]] = ("webhook-",)
    scheme: ClassVar[SignatureScheme] = SCHEME

    def verify(self, request: SignedRequest, secrets: Sequence[bytes], now: datetime) -> Verdict:
        """Check every `v1` signature over id, timestamp and body; a retry keeps the id and has a new time."""
        scheme = self.scheme
        headers = request.headers
        delivery_id = first_header(headers, scheme.id_headers)
        timestamp = first_header(headers, scheme.timestamp_headers)
        signature = first_header(headers, scheme.headers)
        if not delivery_id or not timestamp or not signature:
            names = (scheme.id_headers[0], scheme.timestamp_headers[0], scheme.header)
            return refuse_missing(next(name for name in names if not headers.get(name)))
        if not delivery_id.isascii():
            return refuse_malformed(scheme.id_headers[0], "ASCII text")
        given = read_digests(scheme, signature.split(scheme.separator))
        if not given:
            return refuse_malformed(scheme.header, f"{scheme.form}, several separated by spaces")
        late = timestamp_refusal(timestamp, now, scheme.tolerance_s)
        if late and late.reason == "malformed_signature":
            return late
        signed = signed_text(scheme.signed, delivery_id, timestamp, request.body)
        verdict = explained(match_hmac(signed, given, secrets, scheme.algorithm), scheme, secrets)
        return verdict if isinstance(verdict, Refused) else late or verdict

    def identify(self, source: str, request: SignedRequest) -> Envelope:
        """Return the envelope of a delivery; bodies are short, so the whole body is parsed."""
        delivery_id = text_id(request.headers.get(ID)) or body_digest(request.body)
        payload = read_object(request.body, request.content_type)
        if isinstance(payload, Unparsed):
            return Envelope(delivery_id, "unknown", delivery_id)
        notices, tenant = _notices(payload, delivery_id), tenant_name(_store(payload))
        found = notices if isinstance(notices, Unparsed) else _found(notices[0])
        return Envelope(
            delivery_id=delivery_id,
            event_type=_scope(payload) or "unknown",
            key=delivery_id if isinstance(found, Unparsed) else root_key(BigCommerce.name, source, tenant, found),
            event_time=instant(payload.get("created_at")),
            tenant=tenant,
        )

    def parse(self, delivery: RawDelivery) -> Parsed | Unparsed:
        """Return one snapshot per named resource, with the notification as its document until it is fetched.

        There is no version: the notification contains no update time of the resource.
        """
        payload, notes = read_noted(delivery.body, delivery.content_type)
        if isinstance(payload, Unparsed):
            return payload
        notices = _notices(payload, delivery.delivery_id)
        if isinstance(notices, Unparsed):
            return notices
        snapshots: dict[tuple[str, str], Snapshot] = {}
        for notice in notices:
            found = _found(notice)
            if isinstance(found, Unparsed):
                return found
            # A resource named twice in one batch gets one snapshot, from its last notice, and the first's parent: the
            # delivery lies on the partition of that one.
            snapshot, known = _snapshot(payload, notice, found), snapshots.get((found.resource_type, found.resource_id))
            snapshots[found.resource_type, found.resource_id] = (
                snapshot if known is None else replace(snapshot, parent=known.parent)
            )
        return Parsed(tuple(snapshots.values()), notes)

    def sign(self, sample: Sample, secret: bytes) -> dict[str, str]:
        """Return the headers of a hook without custom headers; topic and tenant are in the body."""
        return {
            "accept": "*/*",
            "content-type": "application/json",
            "user-agent": "BigCommerce/1.0",
            **signing_headers(self.scheme, secret, sample.body, sample.delivery_id, sample.now),
        }


def _scope(payload: Document) -> str:
    """Return the scope without the trailing slash that some documented ones have, "" if there is none."""
    scope = payload.get("scope")
    return scope.strip("/") if isinstance(scope, str) and len(scope) <= MAX_SCOPE_CHARS else ""


def _notices(payload: Document, delivery_id: str) -> list[Notice] | Unparsed:
    """Return one notice per resource in the delivery; never empty."""
    scope = _scope(payload)
    if not scope:
        return Unparsed("unknown_shape", "expected a scope such as store/product/updated")
    rest = scope.removeprefix("store/")
    channel = _CHANNEL.match(rest)
    family, _, verb = (rest[channel.end() :] if channel else rest).rpartition("/")
    elements = _elements(payload.get("data"), family)
    if not elements:
        return Unparsed("unknown_shape", "expected data to be an object or an array of objects")
    channel_id, store = channel[1] if channel else None, _store(payload)
    return [
        Notice(family or verb, verb, channel_id, store, element, f"{delivery_id}:{index}" if index else delivery_id)
        for index, element in enumerate(elements)
    ]


def _elements(data: object, family: str) -> list[Document]:
    if isinstance(data, list):
        documents = [element for element in data if isinstance(element, dict)]
        return documents if len(documents) == len(data) else []
    if not isinstance(data, dict):
        return []
    list_ids = data.get("price_list_ids")
    if family == "priceLists" and isinstance(list_ids, list):
        return [{"price_list_id": list_id} for list_id in list_ids]
    return [data]


def _store(payload: Document) -> str | None:
    producer = payload.get("producer")
    store_hash = producer.removeprefix("stores/") if isinstance(producer, str) else None
    return text_id(store_hash) or text_id(payload.get("store_id"))


def _found(notice: Notice) -> Found | Unparsed:
    if notice.family.rpartition("/")[2] == METAFIELD:
        return _found_metafield(notice)
    rule = rule_of(notice.family, notice.verb, notice.channel)
    parts = [_id_at(path, notice) for path in rule.ids]
    known = [part for part in parts if part]
    parent_id = _id_at(rule.parent[1], notice) if rule.parent else None
    parent = (rule.parent[0], parent_id) if rule.parent and parent_id else None
    if len(known) == len(parts):
        return Found(rule.resource_type, ":".join(known), parent)
    if rule.may_lack_id or (parent and rule.parent != STORE):
        return Found(rule.resource_type, notice.occurrence_id, parent, is_occurrence=True)
    return Unparsed("unknown_shape", f"expected data to name its {rule.resource_type} by {', '.join(rule.ids)}")


def _found_metafield(notice: Notice) -> Found | Unparsed:
    """Return a metafield's names: it is numbered within its owner, whose type is in `data` or else in the scope.

    The same metafield is sent as store/metafield/created and as store/product/metafield/created.
    """
    owner_family = notice.family.rpartition("/")[0]
    owner_rule = RULES.get(owner_family)
    owner_type = notice.data.get("resource_type") or owner_family.rpartition("/")[2]
    if owner_rule and "resource_type" not in notice.data:
        owner_type = owner_rule.resource_type
    owner_id, metafield_id = text_id(notice.data.get("resource_id")), text_id(notice.data.get("metafield_id"))
    if not (isinstance(owner_type, str) and owner_type and owner_id and metafield_id):
        return Unparsed(
            "unknown_shape", "expected data to name a metafield by resource_type, resource_id, metafield_id"
        )
    owner = (topic_name(owner_type), owner_id)
    return Found(METAFIELD, ":".join((*owner, metafield_id)), owner)


def _id_at(alternatives: str, notice: Notice) -> str | None:
    for path in alternatives.split("|"):
        found_id = _outside_data(path, notice) if path.startswith("@") else text_id(at(notice.data, path))
        if found_id:
            return found_id
    return None


def _outside_data(word: str, notice: Notice) -> str | None:
    return {"@channel": notice.channel, "@store": notice.store, "@any": "any"}[word]


def _snapshot(payload: Document, notice: Notice, found: Found) -> Snapshot:
    is_deleted = notice.verb in ENDINGS and not found.is_occurrence
    return Snapshot(
        resource_type=found.resource_type,
        resource_id=found.resource_id,
        document=None if is_deleted else payload | {"data": notice.data},
        event_time=instant(payload.get("created_at")),
        is_deleted=is_deleted,
        parent=found.parent,
        state_rank=0 if is_deleted else VERB_RANKS.get(notice.verb, 0),
        is_reference=not is_deleted and not found.is_occurrence,
    )

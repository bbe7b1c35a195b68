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

from providers.base import Envelope, Parsed, Refused, Sample, SignedRequest, Unparsed, Verdict
from providers.outline import at
from providers.reading import (
    ResourceNames,
    body_digest,
    instant,
    read_noted,
    read_object,
    root_key,
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
# Endings of scopes whose resource is gone. A cart `converted` or an order `archived` is not: only fetching it will tell.
ENDINGS = frozenset({"deleted", "unassigned"})
STORE_TYPE = "store"
# store/channel/7/order/updated and the stock scopes' literal store/channel/*/…; store/channel/updated is a channel's.
_CHANNEL = re.compile(r"channel/([0-9]+|\*)/")


class Rule(Struct, frozen=True):
    """The location of the resource's id in a family of scopes.

    `ids` are paths in `data`, joined with `:`; of alternatives, written `a|b`, the first that exists is used.
    `@channel` is the channel in the scope, `@store` the store's hash, `@any` the literal word. `data.type` is not used: for
    an address it is "customer", next to the address's id.
    """

    resource_type: str
    ids: tuple[str, ...]
    parent: tuple[str, str] | None = None


# One delivery may contain records of several price lists, or delete several lists: their common root is the store, so that
# they all share one partition. The cost: deleting a list does not cascade to its records.
_STORE = (STORE_TYPE, "@store")
_LINE_ITEM = Rule("cart_line_item", ("id|cart_item_id",), ("cart", "cartId|cart_id"))
_PRICE_LIST = Rule("price_list", ("price_list_id|id",), _STORE)
_PRICE_LIST_RECORD = Rule("price_list_record", ("price_list_id", "variant_id", "currency"), _STORE)
_PRODUCT_STOCK = Rule("product_inventory", ("inventory.product_id|id",), ("product", "inventory.product_id|id"))
_SKU_STOCK = Rule("sku_inventory", ("id",), ("product", "inventory.product_id"))

RULES: dict[str, Rule] = {
    "app": Rule("app", ("id|@store",)),
    "cart": Rule("cart", ("id|cart_id",)),
    "cart/lineItem": _LINE_ITEM,
    "cart/lineItems": _LINE_ITEM,
    "category": Rule("category", ("id|category_id",)),
    "categoryTree": Rule("category_tree", ("id|tree_id",)),
    "channel": Rule("channel", ("id|channel_id",)),
    "customer": Rule("customer", ("id|customer_id",)),
    "customer/address": Rule("customer_address", ("id",), ("customer", "address.customer_id")),
    "customer/channel/login/access": Rule("customer_login_access", ("customer_id|id",), ("customer", "customer_id|id")),
    "customer/payment/instrument/default": Rule("customer_payment_instrument", ("id",), ("customer", "id")),
    "email/templates": Rule("email_template", ("@channel", "template_kind|id")),
    "hook": Rule("webhook", ("id",)),
    "information": Rule(STORE_TYPE, ("@store",)),
    # Stock of a variant at one location; the scope's asterisk means that it counts for every channel.
    "inventory/product": Rule("inventory", ("product_id", "variant_id", "location_id"), ("product", "product_id")),
    "inventory/location": Rule("location", ("location_id|id",)),
    # Local and shared ones are numbered separately.
    "modifier": Rule("modifier", ("type", "id")),
    "option": Rule("option", ("type", "id")),
    "order": Rule("order", ("id|order_id",)),
    "order/message": Rule("order_message", ("message.order_message_id",), ("order", "id|order_id")),
    "order/refund": Rule("order_refund", ("refund.refund_id",), ("order", "id|order_id")),
    "order/transaction": Rule("order_transaction", ("transaction_id|id",), ("order", "order_id")),
    "priceList": _PRICE_LIST,
    "priceLists": _PRICE_LIST,
    "priceList/assignment": Rule(
        "price_list_assignment", ("price_list_id", "channel_id|@any", "customer_group_id|@any"), _STORE
    ),
    "priceList/record": _PRICE_LIST_RECORD,
    "priceList/records": _PRICE_LIST_RECORD,
    "product": Rule("product", ("id|product_id",)),
    "product/inventory": _PRODUCT_STOCK,
    "product/inventory/order": _PRODUCT_STOCK,
    "settings/emailStatus": Rule("settings_email_status", ("@channel", "template_kind")),
    "shipment": Rule("shipment", ("id",), ("order", "orderId|order_id")),
    "sku": Rule("sku", ("id",), ("product", "sku.product_id")),
    "sku/inventory": _SKU_STOCK,
    "sku/inventory/order": _SKU_STOCK,
    "subscriber": Rule("subscriber", ("id",)),
    "theme/configuration": Rule("theme_configuration", ("configuration_id|id",)),
}
# A product's assignment to a channel or category: when it is removed, the product remains.
ASSIGNMENTS: dict[str, Rule] = {
    "product": Rule("product_channel_assignment", ("@channel", "product_id"), ("product", "product_id")),
    "category/product": Rule("product_category_assignment", ("@channel", "product_id"), ("product", "product_id")),
}
METAFIELD = "metafield"
# Families of a channel's scopes without a rule above: identified by their own id, else one per channel.
PLAIN_FAMILIES = (
    "notifications/abandonedCart", "notifications/inventory", "page", "script", "settings/SEO", "settings/catalog",
    "settings/category", "settings/checkout", "settings/currency", "settings/customerPrivacy",
    "settings/defaultCustomerGroup", "settings/favicon/image", "settings/locale", "settings/logo",
    "settings/logo/image", "settings/product", "settings/profile", "settings/robots", "settings/route",
    "settings/searchContextFilters", "settings/security", "settings/site", "settings/site/checkoutUrl",
    "socialMediaLinks",
)  # fmt: skip
RESOURCE_TYPES = frozenset(
    {
        METAFIELD,
        *(rule.resource_type for rules in (RULES, ASSIGNMENTS) for rule in rules.values()),
        *map(topic_name, PLAIN_FAMILIES),
    }
)


class Notice(Struct, frozen=True):
    """One element of a delivery: the parts of the scope, and the `data` about one resource."""

    family: str
    verb: str
    channel: str | None
    store: str | None
    data: Document


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
        notices = _notices(payload)
        found = notices if isinstance(notices, Unparsed) else _found(notices[0])
        return Envelope(
            delivery_id=delivery_id,
            event_type=_scope(payload) or "unknown",
            key=delivery_id if isinstance(found, Unparsed) else root_key(BigCommerce.name, source, found),
            event_time=instant(payload.get("created_at")),
        )

    def parse(self, delivery: RawDelivery) -> Parsed | Unparsed:
        """Return one snapshot per named resource, with the notification as its document until it is fetched.

        There is no version: the notification contains no update time of the resource.
        """
        payload, notes = read_noted(delivery.body, delivery.content_type)
        if isinstance(payload, Unparsed):
            return payload
        notices = _notices(payload)
        if isinstance(notices, Unparsed):
            return notices
        snapshots: dict[tuple[str, str], Snapshot] = {}
        for notice in notices:
            found = _found(notice)
            if isinstance(found, Unparsed):
                return found
            # A resource named twice in one batch gets one snapshot, from its last notice.
            snapshots[found.resource_type, found.resource_id] = _snapshot(payload, notice, found)
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


def _notices(payload: Document) -> list[Notice] | Unparsed:
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
    store = _store(payload)
    return [Notice(family or verb, verb, channel[1] if channel else None, store, element) for element in elements]


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


def _rule(notice: Notice) -> Rule:
    if notice.verb in ("assigned", "unassigned") and notice.family in ASSIGNMENTS:
        return ASSIGNMENTS[notice.family]
    if notice.family in RULES:
        return RULES[notice.family]
    # Newer and rarer families, such as a channel's settings: identified by their own id, else one per channel or store.
    last = topic_name(notice.family.rpartition("/")[2])
    return Rule(topic_name(notice.family), (f"id|{last}_id|uuid|@channel|@store",))


def _found(notice: Notice) -> ResourceNames | Unparsed:
    if notice.family.rpartition("/")[2] == METAFIELD:
        return _found_metafield(notice)
    rule = _rule(notice)
    parts = [_id_at(path, notice) for path in rule.ids]
    known = [part for part in parts if part]
    parent_id = _id_at(rule.parent[1], notice) if rule.parent else None
    parent = (rule.parent[0], parent_id) if rule.parent and parent_id else None
    if len(known) == len(parts):
        return ResourceNames(rule.resource_type, ":".join(known), parent)
    if parent and rule.parent != _STORE:  # store/channel/7/order/message/created names the order, not the message
        return ResourceNames(rule.resource_type, ":".join(parent), parent)
    return Unparsed("unknown_shape", f"expected data to name its {rule.resource_type} by {', '.join(rule.ids)}")


def _found_metafield(notice: Notice) -> ResourceNames | Unparsed:
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
    return ResourceNames(METAFIELD, ":".join((*owner, metafield_id)), owner)


def _id_at(alternatives: str, notice: Notice) -> str | None:
    known = {"@channel": notice.channel, "@store": notice.store, "@any": "any"}
    ids = (known[path] if path in known else text_id(at(notice.data, path)) for path in alternatives.split("|"))
    return next((found_id for found_id in ids if found_id), None)


def _snapshot(payload: Document, notice: Notice, found: ResourceNames) -> Snapshot:
    is_deleted = notice.verb in ENDINGS
    return Snapshot(
        resource_type=found.resource_type,
        resource_id=found.resource_id,
        document=None if is_deleted else payload | {"data": notice.data},
        event_time=instant(payload.get("created_at")),
        is_deleted=is_deleted,
        parent=found.parent,
    )

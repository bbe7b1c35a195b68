"""What the signed body says about a Shopify delivery, whose topic, ids and times stand in headers that are not signed.

Whoever got hold of one delivery can post its body again under another topic: the update of a product as its deletion. What
the body itself contradicts is refused here; docs/guarantees.md says what remains. Every rule holds for each of Shopify's
sample payloads, and speaks only of resources whose payloads are known: a topic newer than these tables is believed.
Source: Shopify's webhook reference 2026-04, its sample payloads.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from providers.base import Unparsed
from providers.reading import text_id
from providers.shopify.topics import TopicRule
from schemas.records import Document, RawDelivery

MAX_AHEAD = timedelta(minutes=5)  # as far as clocks may differ; the tolerance of signed times
_GID = "gid://shopify/"
_OF_GID = {
    "Collection": "collection",
    "Company": "company",
    "CompanyContact": "company_contact",
    "CompanyLocation": "company_location",
    "Customer": "customer",
    "DraftOrder": "draft_order",
    "Fulfillment": "fulfillment",
    "InventoryItem": "inventory_item",
    "Location": "location",
    "Order": "order",
    "OrderTransaction": "order_transaction",
    "Product": "product",
    "ProductVariant": "variant",
    "Refund": "refund",
    "Return": "return",
    "SubscriptionContract": "subscription_contract",
}
_RESOURCES = frozenset(_OF_GID.values())
_BARE_WHEN_DELETED = frozenset({
    "channel", "collection", "collection_listing", "collection_publication", "customer", "customer_group", "draft_order",
    "inventory_item", "inventory_level", "location", "market", "order", "payment_terms", "product", "product_listing",
    "product_publication", "scheduled_product_listing", "segment", "selling_plan_group", "theme",
})  # fmt: skip
"""Resources whose deletion carries little more than an id; companies, say, are deleted with all their content."""
_TIMES = ("created_at", "updated_at")
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "app_uninstalled": ("myshopify_domain",),
    "customer_data_request": ("shop_id", "customer", "data_request"),
    "customer_redact_request": ("shop_id", "customer"),
    "shop_redact_request": ("shop_id", "shop_domain"),
}
_FOREIGN: Mapping[str, tuple[str, ...]] = {
    "customer_redact_request": ("data_request",),
    "shop_redact_request": ("customer",),
}
"""Notices that make people delete data: what they hold, and what only their neighbours hold."""


def contradiction(rule: TopicRule, body: Document, delivery: RawDelivery) -> Unparsed | None:
    """Return why a body cannot be what the topic says, None when nothing speaks against it."""
    detail = (
        _other_resource(rule, body)
        or _whole_document(rule, body)
        or _other_notice(rule, body)
        or _other_id(body, delivery)
    )
    return None if detail is None else Unparsed("misnamed", f"{detail}; the header with the topic is not signed")


def believed_time(delivery: RawDelivery) -> datetime | None:
    """Return the time of the event that the header tells, None where it lies in the future.

    It is not signed, and a time far ahead would make every later delivery without a version stale.
    """
    time = delivery.event_time
    return None if time is not None and time - delivery.received_at > MAX_AHEAD else time


def _other_resource(rule: TopicRule, body: Document) -> str | None:
    named = rule.parent_type if rule.is_notice else rule.resource_type
    shown = _kind(body.get("admin_graphql_api_id"))
    if shown is None or shown == named or named not in _RESOURCES:
        return None
    return f"expected a {named}, got the body of a {shown}"


def _kind(gid: object) -> str | None:
    """Return the resource type that a gid names, as far as it is known: of `gid://shopify/Product/7` `product`."""
    if not isinstance(gid, str) or not gid.startswith(_GID):
        return None
    kind, slash, _ = gid[len(_GID) :].partition("/")
    return _OF_GID.get(kind) if slash else None


def _whole_document(rule: TopicRule, body: Document) -> str | None:
    if not rule.is_deletion or rule.resource_type not in _BARE_WHEN_DELETED:
        return None
    wrapped = body.get(rule.wrapper) if rule.wrapper else None
    document = wrapped if isinstance(wrapped, dict) else body
    times = [name for name in _TIMES if name in document]
    return (
        f"expected only the id of the deleted {rule.resource_type}, got {times[0]} too, as in an update"
        if times
        else None
    )


def _other_notice(rule: TopicRule, body: Document) -> str | None:
    missing = [name for name in _NEEDED.get(rule.resource_type, ()) if name not in body]
    if missing:
        return f"expected a {rule.resource_type} with {missing[0]}"
    foreign = [name for name in _FOREIGN.get(rule.resource_type, ()) if name in body]
    return f"expected a {rule.resource_type} without {foreign[0]}" if foreign else None


def _other_id(body: Document, delivery: RawDelivery) -> str | None:
    """Shopify's new Events name the resource in a header too, which then must not be another one than the body's own."""
    if "shopify-topic" not in delivery.headers:
        return None
    named = _plain(delivery.headers.get("shopify-resource-id"))
    own = {_plain(body.get(name)) for name in ("id", "admin_graphql_api_id")} - {None}
    return (
        "expected the body of the resource in the header, got another's" if named and own and named not in own else None
    )


def _plain(value: object) -> str | None:
    return text_id(value.rpartition("/")[2].partition("?")[0] if isinstance(value, str) else value)

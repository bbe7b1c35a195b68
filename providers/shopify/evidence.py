"""Checks the topic, ids and times of a Shopify delivery, which are in unsigned headers, against the signed body.

An attacker with one delivery can post its body again under another topic: the update of a product as its deletion. Headers that
the body contradicts are refused here; docs/guarantees.md states the remaining risk. Every rule holds for all of Shopify's sample
payloads, and covers only resources whose payloads are known: topics newer than these tables are not checked.
Source: Shopify's webhook reference 2026-04, its sample payloads.
"""

from collections.abc import Mapping

from providers.base import Unparsed
from providers.reading import text_id
from providers.shopify.events import contradicts, event_names
from providers.shopify.topics import TopicRule
from schemas.records import Document, RawDelivery

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
"""Resources whose deletion contains little more than an id; companies, for example, are deleted with all their content."""
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
"""Notices that make people delete data: their own fields, and fields found only in similar notices."""


def contradiction(rule: TopicRule, body: Document, delivery: RawDelivery) -> Unparsed | None:
    """Return why a body cannot belong to the topic, None if there is no contradiction."""
    detail = (
        _other_resource(rule, body)
        or _whole_document(rule, body)
        or _other_notice(rule, body)
        or _other_id(body, delivery)
    )
    return None if detail is None else Unparsed("misnamed", f"{detail}; the header with the topic is not signed")


def _other_resource(rule: TopicRule, body: Document) -> str | None:
    named = rule.parent_type if rule.is_notice else rule.resource_type
    shown = _kind(body.get("admin_graphql_api_id")) or _kind(body.get("id"))
    if shown is None or shown == named or named not in _RESOURCES:
        return None
    return f"expected a {named}, got the body of a {shown}"


def _kind(gid: object) -> str | None:
    """Return the resource type of a gid, None if it is unknown: `product` for `gid://shopify/Product/7`."""
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
    """Return a problem if the headers of a Next Gen Event name another topic, action or resource than the body."""
    if "shopify-topic" not in delivery.headers:
        return None
    names = event_names(delivery.headers, body)
    if names.header and names.given and _plain(names.header) != _plain(names.given):
        return "expected the body of the resource in the header, got another's"
    return contradicts(delivery.headers, body)


def _plain(value: object) -> str | None:
    return text_id(value.rpartition("/")[2].partition("?")[0] if isinstance(value, str) else value)

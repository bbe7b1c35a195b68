"""The resource of each Shopify topic: its type, id and parent, as a table with a rule for topics that are not in it.

A topic sends a resource (`products/update`, the whole product), a deletion (`products/delete`), or a notice
(`orders/risk_assessment_changed`): a part, a difference or a request. A notice must not be compared with the whole
resource, or its missing fields would look removed. So each notice is a separate resource, one per delivery, with the type
`<resource>_<action>` and the resource that it is about as parent.

Two rows of one resource must agree on the parent, because it determines the partition, and a deletion with only an id
(`draft_orders/delete`, `product_publications/delete`) could not follow its resource there. Such resources have no parent.
Source: Shopify's webhook reference 2026-04, its sample payloads.
"""

import re
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from providers.reading import topic_name

_DELETING_ACTIONS = frozenset({"delete", "destroy", "remove", "revoke", "disconnect", "released"})
_SEPARATOR = re.compile(r"[/.]")


class TopicRule(Struct, frozen=True):
    """How to find the resource of one topic in its body.

    `id_paths` are tried in turn; with `is_composite`, all of them are joined by `:` to form the id, or all of `other_paths` if
    the body does not have the first; the first part is then the parent's id. Without any, the delivery is a notice, with the
    delivery's id. `is_of_shop`: one per shop, its id is the shop domain.
    """

    resource_type: str
    id_paths: tuple[str, ...] = ("id", "admin_graphql_api_id")
    is_composite: bool = False
    other_paths: tuple[str, ...] = ()
    is_of_shop: bool = False
    is_deletion: bool = False
    wrapper: str | None = None
    parent_type: str | None = None
    parent_paths: tuple[str, ...] = ()

    @property
    def is_notice(self) -> bool:
        """Return whether each delivery is a separate resource."""
        return not self.id_paths

    @property
    def paths(self) -> tuple[str, ...]:
        """Return every path that names the resource or its parent."""
        return self.id_paths + self.other_paths + self.parent_paths


@lru_cache(maxsize=1024)
def topic_rule(topic: str) -> TopicRule:
    """Return the rule of a classic topic such as `products/update`, whether it is in the table or not."""
    special = _TOPICS.get(topic)
    if special is not None:
        return special
    family, _, action = _SEPARATOR.sub("/", topic).partition("/")
    family, action = topic_name(family), topic_name(action, "")
    relation = _RELATIONS.get(f"{family}/{action}")
    if relation is not None:
        return relation
    notice = _NOTICES.get(f"{family}/{action}") or _NOTICES.get(family)
    if notice is not None:
        return replace(notice, resource_type=f"{singular(family)}_{action}".strip("_"))
    rule = _FAMILIES.get(family) or TopicRule(singular(family))
    return replace(rule, is_deletion=action in _DELETING_ACTIONS)


@lru_cache(maxsize=1024)
def events_rule(event_type: str) -> TopicRule:
    """Return the rule of an event type of the new Events, such as `product/update`.

    The subscriber's own query shapes their body, so only the id is read from it, and only if it is not in a header.
    """
    resource, _, action = event_type.partition("/")
    return TopicRule(singular(topic_name(resource)), is_deletion=action in _DELETING_ACTIONS)


def singular(family: str) -> str:
    """Return the resource type of a topic's plural: `draft_orders` becomes `draft_order`."""
    known = _IRREGULAR.get(family)
    if known is not None:
        return known
    if family.endswith("ies"):
        return family[:-3] + "y"
    if family.endswith(("sses", "shes", "ches", "xes")):
        return family[:-2]
    return family[:-1] if family.endswith("s") and not family.endswith(("ss", "us", "is")) else family


_IRREGULAR = {
    "customer_account_settings": "customer_account_settings",
    "customers_email_marketing_consent": "customer_email_marketing_consent",
    "customers_marketing_consent": "customer_marketing_consent",
    "delivery_promise_settings": "delivery_promise_settings",
    "app_purchases_one_time": "app_purchase_one_time",
    "payment_terms": "payment_terms",
    "product_variant": "variant",  # the name in Shopify's new Events
    "product_variants": "variant",
}


def _wrapped(resource_type: str, *id_names: str, parent_type: str | None = None) -> TopicRule:
    names = id_names or ("id", "admin_graphql_api_id")
    paths = (*(f"{resource_type}.{name}" for name in names), *names)
    parent_paths = paths if parent_type else ()
    return TopicRule(resource_type, paths, wrapper=resource_type, parent_type=parent_type, parent_paths=parent_paths)


def _of_order(resource_type: str) -> TopicRule:
    return TopicRule(resource_type, parent_type="order", parent_paths=("order_id", "admin_graphql_api_order_id"))


def _about(parent_type: str, *parent_paths: str) -> TopicRule:
    return TopicRule("", id_paths=(), parent_type=parent_type, parent_paths=parent_paths)


def _membership() -> TopicRule:
    return TopicRule(
        "segment_member",
        ("customer_id", "segment_id"),
        is_composite=True,
        other_paths=("customerId", "segmentId"),
        parent_type="customer",
        parent_paths=("customer_id", "customerId"),
    )


def _redeem_code() -> TopicRule:
    return TopicRule(
        "discount_redeem_code",
        ("redeem_code.id",),
        parent_type="discount",
        parent_paths=("admin_graphql_api_id",),
    )


def _of_contract(resource_type: str) -> TopicRule:
    contract = "subscription_contract_id"
    return TopicRule(
        resource_type,
        (contract, "cycle_index"),
        is_composite=True,
        parent_type="subscription_contract",
        parent_paths=(contract,),
    )


_FAMILIES = {
    "app_purchases_one_time": _wrapped("app_purchase_one_time"),
    "app_subscriptions": _wrapped("app_subscription"),
    # Created and updated with a token, deleted with an id that no other topic sends: the two cannot be matched.
    "checkouts": TopicRule("checkout", ("token", "id", "admin_graphql_api_id")),
    "collection_listings": _wrapped("collection_listing", "collection_id", parent_type="collection"),
    "company_contact_roles": TopicRule(
        "company_contact_role",
        ("company_contact.admin_graphql_api_id", "company_location.admin_graphql_api_id"),
        is_composite=True,
    ),
    "customer_account_settings": TopicRule("customer_account_settings", is_of_shop=True),
    "customer_payment_methods": TopicRule(
        "customer_payment_method", parent_type="customer", parent_paths=("customer_id",)
    ),
    "customers_email_marketing_consent": TopicRule(
        "customer_email_marketing_consent",
        ("customer_id",),
        parent_type="customer",
        parent_paths=("customer_id",),
    ),
    "customers_marketing_consent": TopicRule(
        "customer_marketing_consent", parent_type="customer", parent_paths=("id",)
    ),
    "delivery_promise_settings": TopicRule("delivery_promise_settings", is_of_shop=True),
    "finance_kyc_information": TopicRule("finance_kyc_information", is_of_shop=True),
    "fulfillment_events": _of_order("fulfillment_event"),
    "fulfillment_holds": TopicRule(
        "fulfillment_hold",
        ("fulfillment_hold.id",),
        parent_type="fulfillment_order",
        parent_paths=("fulfillment_order.id",),
    ),
    "fulfillments": _of_order("fulfillment"),
    "inventory_levels": TopicRule(
        "inventory_level",
        ("inventory_item_id", "location_id"),
        is_composite=True,
        other_paths=("admin_graphql_api_id",),
        parent_type="inventory_item",
        parent_paths=("inventory_item_id",),
    ),
    "locales": TopicRule("locale", ("locale",)),
    "markets_backup_region": TopicRule("markets_backup_region", is_of_shop=True),
    "order_transactions": _of_order("order_transaction"),
    "payment_schedules": TopicRule("payment_schedule", parent_type="payment_terms", parent_paths=("payment_terms_id",)),
    "product_listings": _wrapped("product_listing", "product_id", parent_type="product"),
    "refunds": _of_order("refund"),
    "scheduled_product_listings": _wrapped("scheduled_product_listing", "product_id", parent_type="product"),
    "subscription_billing_cycle_edits": _of_contract("subscription_billing_cycle_edit"),
    "subscription_billing_cycles": _of_contract("subscription_billing_cycle"),
    "tender_transactions": _of_order("tender_transaction"),
    "variants": TopicRule("variant", parent_type="product", parent_paths=("product_id",)),
}

_FULFILLMENT_ORDER = _about(
    "fulfillment_order",
    "fulfillment_order.id",
    "original_fulfillment_order.id",
    "fulfillment_order_merges.fulfillment_order.id",
)
_PART_OF_RETURN = _about("return", "id", "admin_graphql_api_id")
_PART_OF_SHIPMENT = _about("inventory_shipment", "id", "shipment_id")
_PART_OF_FEED = _about("product", "product.id")

_NOTICES = {
    "app/uninstalled": _about("shop", "id"),
    "app_subscriptions/approaching_capped_amount": replace(
        _about("app_subscription", "app_subscription.admin_graphql_api_id"), wrapper="app_subscription"
    ),
    "audit_events": _about("audit_event"),
    "customer": _about("customer", "customerId", "customer_id"),  # the topics with a dot, such as customer.tags_added
    "customers/merge": _about("customer", "admin_graphql_api_customer_kept_id"),
    "fulfillment_orders": replace(_FULFILLMENT_ORDER, wrapper="fulfillment_order"),
    "inventory_shipments/add_items": _PART_OF_SHIPMENT,
    "inventory_shipments/mark_in_transit": _PART_OF_SHIPMENT,
    "inventory_shipments/receive_items": _PART_OF_SHIPMENT,
    "inventory_shipments/remove_items": _PART_OF_SHIPMENT,
    "inventory_shipments/update_item_quantities": _PART_OF_SHIPMENT,
    "inventory_shipments/update_tracking": _PART_OF_SHIPMENT,
    "inventory_transfers": _about("inventory_transfer", "id"),
    "orders/risk_assessment_changed": _about("order", "order_id"),
    "orders/shopify_protect_eligibility_changed": _about("order", "order_id"),
    "product_feeds/full_sync": _PART_OF_FEED,
    "product_feeds/full_sync_finish": _about("product_feed", "productFeed.id"),
    "product_feeds/incremental_sync": _PART_OF_FEED,
    "returns/cancel": _PART_OF_RETURN,
    "returns/close": _PART_OF_RETURN,
    "returns/decline": _PART_OF_RETURN,
    "returns/process": _PART_OF_RETURN,
    "returns/reopen": _PART_OF_RETURN,
    "returns/update": _PART_OF_RETURN,
    "reverse_deliveries": _about("reverse_delivery", "id"),
    "reverse_fulfillment_orders": _about("reverse_fulfillment_order", "id"),
}

_RELATIONS = {
    "customer/joined_segment": _membership(),
    "customer/left_segment": replace(_membership(), is_deletion=True),
    "discounts/redeemcode_added": _redeem_code(),
    "discounts/redeemcode_removed": replace(_redeem_code(), is_deletion=True),
}
"""Topics that say only that a relation began or ended: the relation is the resource."""

_TOPICS = {
    "app/scopes_update": TopicRule("app_scopes"),
    # The compliance topics are requests to the app; they delete nothing at Shopify and outlive the customer they name.
    "customers/data_request": TopicRule("customer_data_request", ("data_request.id",)),
    "customers/purchasing_summary": TopicRule(
        "customer_purchasing_summary",
        ("customerId",),
        parent_type="customer",
        parent_paths=("customerId",),
    ),
    "customers/redact": TopicRule("customer_redact_request", ("id",)),
    "orders/edited": TopicRule(
        "order_edit",
        ("order_edit.id",),
        wrapper="order_edit",
        parent_type="order",
        parent_paths=("order_edit.order_id",),
    ),
    "shop/redact": TopicRule("shop_redact_request", ("id",)),
}

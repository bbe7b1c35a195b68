"""What names a resource of BigCommerce, as data: by the family of scopes that its deliveries have.

A family is the scope without `store/`, channel and verb: `cart/lineItem` for store/channel/3/cart/lineItem/created.
Source: bigcommerce/docs, "Webhook events", "Channel webhooks", "B2B Edition webhooks" and "Inventory and location webhooks".
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from providers.reading import topic_name
from schemas.records import CREATION, ChildRule

STORE_TYPE: Final = "store"
METAFIELD: Final = "metafield"
# Endings of scopes whose resource is gone. A cart `converted` or an order `archived` is not: only fetching it will tell.
ENDINGS: Final = frozenset({"deleted", "unassigned"})
# What comes first and last of the deliveries that are stamped with one second: creating a cart also sends `updated`, and nothing
# happens to a cart after it was converted.
VERB_RANKS: Final[Mapping[str, int]] = {"created": CREATION, "added": CREATION, "converted": 1}


class Rule(Struct, frozen=True):
    """What names the resource of a family of scopes.

    `ids` are paths in `data`, joined with `:`; of alternatives, written `a|b`, the first that exists is used.
    `@channel` is the channel in the scope, `@store` the store's hash, `@any` the literal word. `data.type` is not used: for
    an address it is "customer", next to the address's id. `parent` is the type and the id of the root.

    A delivery that lacks one of its ids is an occurrence of its own if it names its parent, or if `may_lack_id`, because the
    documented sample lacks it; any other is a dead letter.
    """

    resource_type: str
    ids: tuple[str, ...]
    parent: tuple[str, str] | None = None
    may_lack_id: bool = False


# One delivery may contain records of several price lists, or delete several lists: their common root is the store, so that
# they all share one partition. The cost: deleting a list does not cascade to its records.
STORE: Final = (STORE_TYPE, "@store")
_COMPANY = ("company", "company_id")
_LINE_ITEM = Rule("cart_line_item", ("id|cart_item_id",), ("cart", "cartId|cart_id"))
_PRICE_LIST = Rule("price_list", ("price_list_id|id",), STORE)
_PRICE_LIST_RECORD = Rule("price_list_record", ("price_list_id", "variant_id", "currency"), STORE)
_PRODUCT_STOCK = Rule("product_inventory", ("inventory.product_id|id",), ("product", "inventory.product_id|id"))
_SKU_STOCK = Rule("sku_inventory", ("id",), ("product", "inventory.product_id"))
# A channel's or the store's setting, of which there is one; data is empty, or names something that the rule can do without.
_SINGLE_SETTINGS = (
    "notifications/abandonedCart", "notifications/inventory", "settings/SEO", "settings/catalog", "settings/category",
    "settings/checkout", "settings/customerPrivacy", "settings/defaultCustomerGroup", "settings/favicon/image",
    "settings/logo", "settings/logo/image", "settings/product", "settings/profile", "settings/robots",
    "settings/security", "socialMediaLinks",
)  # fmt: skip

RULES: Final[Mapping[str, Rule]] = {
    "app": Rule("app", ("id|@store",)),
    "cart": Rule("cart", ("id|cart_id",)),
    "cart/lineItem": _LINE_ITEM,
    "cart/lineItems": _LINE_ITEM,
    "category": Rule("category", ("id|category_id",)),
    "categoryTree": Rule("category_tree", ("id|tree_id",)),
    "channel": Rule("channel", ("id|channel_id",)),
    # B2B Edition: users, addresses and assignments belong to a company. A company's `user_id` is not a super admin's.
    "company": Rule("company", ("company_id|id",)),
    "company/address": Rule("company_address", ("company_id", "address_id|id"), _COMPANY),
    "company/superadmin": Rule("company_superadmin", ("company_id", "user_id|superadmin_id|@any"), _COMPANY),
    "company/user": Rule("company_user", ("company_id", "user_id|id"), _COMPANY),
    "customer": Rule("customer", ("id|customer_id",)),
    "customer/address": Rule("customer_address", ("id",), ("customer", "address.customer_id")),
    "customer/channel/login/access": Rule("customer_login_access", ("customer_id|id",), ("customer", "customer_id|id")),
    "customer/payment/instrument/default": Rule("customer_payment_instrument", ("id",), ("customer", "id")),
    "email/templates": Rule("email_template", ("@channel|@store", "template_kind|id")),
    "hook": Rule("webhook", ("id",)),
    "information": Rule(STORE_TYPE, ("@store",)),
    # Stock of a variant at one location; the scope's asterisk means that it counts for every channel.
    "inventory/product": Rule("inventory", ("product_id", "variant_id", "location_id"), ("product", "product_id")),
    "inventory/location": Rule("location", ("location_id|id",)),
    # Local and shared ones are numbered separately.
    "modifier": Rule("modifier", ("type", "id")),
    "option": Rule("option", ("type", "id")),
    "order": Rule("order", ("id|order_id",)),
    # A channel's scopes name the order only: each message, each refund is an occurrence then.
    "order/message": Rule("order_message", ("message.order_message_id",), ("order", "id|order_id")),
    "order/refund": Rule("order_refund", ("refund.refund_id",), ("order", "id|order_id")),
    # The payment provider chooses this id.
    "order/transaction": Rule("order_transaction", ("order_id", "transaction_id|id"), ("order", "order_id")),
    "page": Rule("page", ("page_id|id",)),
    "priceList": _PRICE_LIST,
    "priceLists": _PRICE_LIST,
    "priceList/assignment": Rule(
        "price_list_assignment", ("price_list_id", "channel_id|@any", "customer_group_id|@any"), STORE
    ),
    "priceList/record": _PRICE_LIST_RECORD,
    "priceList/records": _PRICE_LIST_RECORD,
    "product": Rule("product", ("id|product_id",)),
    "product/inventory": _PRODUCT_STOCK,
    "product/inventory/order": _PRODUCT_STOCK,
    "script": Rule("script", ("uuid|id",)),
    "settings/currency": Rule("settings_currency", ("@channel|@store", "currency_code|currency|code|currency_id|@any")),
    "settings/emailStatus": Rule("settings_email_status", ("@channel|@store", "template_kind|id")),
    # A channel has several locales, but no sample shows how a delivery names one.
    "settings/locale": Rule(
        "settings_locale", ("@channel|@store", "locale_code|locale|code|locale_id|id"), may_lack_id=True
    ),
    "settings/route": Rule("settings_route", ("@channel|@store", "site_id|@any", "route_id|id|@any")),
    # The filters of one category, or those that all other categories use.
    "settings/searchContextFilters": Rule("settings_search_context_filters", ("@channel|@store", "category_id|@any")),
    "settings/site": Rule("settings_site", ("site_id|id",)),
    "settings/site/checkoutUrl": Rule("settings_site_checkout_url", ("@channel|@store", "site_id|@any")),
    "shipment": Rule("shipment", ("id",), ("order", "orderId|order_id")),
    # By its number in V3, as the product's document lists it; `id` is that of V2 (`sku_id`), which a base variant has not.
    "sku": Rule("sku", ("sku.variant_id|id",), ("product", "sku.product_id")),
    "sku/inventory": _SKU_STOCK,
    "sku/inventory/order": _SKU_STOCK,
    "subscriber": Rule("subscriber", ("id",)),
    "superadmin": Rule("superadmin", ("user_id|superadmin_id|id",)),
    "theme/configuration": Rule("theme_configuration", ("configuration_id|id",)),
    **{family: Rule(topic_name(family), ("@channel|@store",)) for family in _SINGLE_SETTINGS},
}
# A product's assignment to a channel or category: when it is removed, the product remains. No sample names the category.
ASSIGNMENTS: Final[Mapping[str, Rule]] = {
    "product": Rule("product_channel_assignment", ("@channel", "product_id"), ("product", "product_id")),
    "category/product": Rule(
        "product_category_assignment", ("@channel", "product_id", "category_id"), ("product", "product_id")
    ),
}
CHILDREN: Final[Mapping[str, tuple[ChildRule, ...]]] = {
    "product": (ChildRule("sku", "variants"), ChildRule("product_image", "images")),
    "order": (ChildRule("order_product", "products"),),
}
"""The lists of a document from the API whose elements are resources of their own. They are complete: the API cuts none."""

RESOURCE_TYPES: Final = frozenset(
    {METAFIELD, *(child.resource_type for children in CHILDREN.values() for child in children)}
    | {*(rule.resource_type for rules in (RULES, ASSIGNMENTS) for rule in rules.values())}
)


def rule_of(family: str, verb: str, channel: str | None) -> Rule:
    """Return the rule of a scope.

    A resource of an undocumented family is named by its own id, within its channel if there is one.
    """
    if verb in ("assigned", "unassigned") and family in ASSIGNMENTS:
        return ASSIGNMENTS[family]
    known = RULES.get(family)
    if known is not None:
        return known
    last = topic_name(family.rpartition("/")[2])
    own_id = f"id|{last}_id|uuid"
    return Rule(topic_name(family), ("@channel", own_id) if channel else (own_id,), may_lack_id=True)

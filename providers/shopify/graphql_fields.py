"""How the fields of Shopify's GraphQL objects are called, and written, in the classic webhooks, as data.

A field that is not here keeps its value under its snake_case name. The classic webhooks have the shape of the REST API: numbers
for ids, enums in lower case, arrays for connections, money as text with the currency's decimals.
Source: Shopify's GraphQL Admin API and webhook reference 2026-10, the sample payloads of the webhook reference 2026-04.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from msgspec import Struct

Form = Literal[
    "renamed",
    "lower",
    "hyphenated",
    "joined",
    "translated",
    "integer",
    "money",
    "money_set",
    "member",
    "inlined",
    "options",
    "attributes",
    "quantities",
    "json",
]


class FieldRule(Struct, frozen=True):
    """How one GraphQL field becomes fields of a webhook, called `names`.

    renamed      the value, its own fields mapped
    lower        an enum in lower case; `hyphenated` with hyphens for underscores
    joined       an array of texts as one text, joined by `, `
    translated   the value that `values` has for it; a value that it does not have keeps its GraphQL name
    integer      digits in a text as a number
    money        an amount as text with its currency's decimals, from a text or `{amount currencyCode}`
    money_set    a money bag, and under a second name its shop amount
    member       the value at `path` in an object, a gid as a number; what else the object has keeps its GraphQL name
    inlined      the fields of an object as fields of the parent
    options      `[{name value}]` as one field for each value, in order
    attributes   `[{key value}]` as `[{name, value}]`
    quantities   `[{name quantity}]` as one field for each quantity that is called like one of `names`
    json         JSON text as the value it holds
    """

    form: Form
    names: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    values: Mapping[str, Any] = {}


def _renamed(name: str) -> FieldRule:
    return FieldRule("renamed", (name,))


def _lower(name: str) -> FieldRule:
    return FieldRule("lower", (name,))


def _money_set(name: str, amount: str = "") -> FieldRule:
    return FieldRule("money_set", (name, amount) if amount else (name,))


def _id_of(name: str) -> FieldRule:
    return FieldRule("member", (name,), ("legacyResourceId", "id"))


_BODY: Mapping[str, FieldRule] = {
    "descriptionHtml": _renamed("body_html"),
    "bodyHtml": _renamed("body_html"),
}
_TAGS: Mapping[str, FieldRule] = {"tags": FieldRule("joined", ("tags",))}
_ATTRIBUTES: Mapping[str, FieldRule] = {"customAttributes": FieldRule("attributes", ("note_attributes",))}
_ORDER: Mapping[str, FieldRule] = {
    **_TAGS,
    **_ATTRIBUTES,
    "currencyCode": _renamed("currency"),
    "presentmentCurrencyCode": _renamed("presentment_currency"),
    "totalPriceSet": _money_set("total_price_set", "total_price"),
    "subtotalPriceSet": _money_set("subtotal_price_set", "subtotal_price"),
    "totalTaxSet": _money_set("total_tax_set", "total_tax"),
}

FIELDS: Final[Mapping[str, Mapping[str, FieldRule]]] = {
    "product": {**_BODY, **_TAGS, "status": _lower("status")},
    "variant": {
        "price": FieldRule("money", ("price",)),
        "compareAtPrice": FieldRule("money", ("compare_at_price",)),
        "inventoryPolicy": _lower("inventory_policy"),
        "selectedOptions": FieldRule("options", ("option1", "option2", "option3")),
        "inventoryItem": _id_of("inventory_item_id"),
        "product": _id_of("product_id"),
        "image": _id_of("image_id"),
    },
    "product_image": {"url": _renamed("src"), "altText": _renamed("alt")},
    "collection": {**_BODY, "sortOrder": FieldRule("hyphenated", ("sort_order",))},
    "order": {
        **_ORDER,
        "displayFinancialStatus": _lower("financial_status"),
        # The display status also has states, such as ON_HOLD, for which the webhook has no word.
        "displayFulfillmentStatus": FieldRule(
            "translated",
            ("fulfillment_status",),
            values={
                "UNFULFILLED": None,
                "FULFILLED": "fulfilled",
                "PARTIALLY_FULFILLED": "partial",
                "RESTOCKED": "restocked",
            },
        ),
        "clientIp": _renamed("browser_ip"),
        "cancelReason": _lower("cancel_reason"),
        "totalDiscountsSet": _money_set("total_discounts_set", "total_discounts"),
        "totalOutstandingSet": _money_set("total_outstanding_set", "total_outstanding"),
        "totalTipReceivedSet": _money_set("total_tip_received_set", "total_tip_received"),
        "currentTotalPriceSet": _money_set("current_total_price_set", "current_total_price"),
        "currentSubtotalPriceSet": _money_set("current_subtotal_price_set", "current_subtotal_price"),
        "currentTotalTaxSet": _money_set("current_total_tax_set", "current_total_tax"),
        "currentTotalDiscountsSet": _money_set("current_total_discounts_set", "current_total_discounts"),
        "totalWeight": FieldRule("integer", ("total_weight",)),
    },
    "draft_order": {
        **_ORDER,
        "status": _lower("status"),
        "order": _id_of("order_id"),
    },
    "order_line_item": {
        "originalUnitPriceSet": _money_set("price_set", "price"),
        "totalDiscountSet": _money_set("total_discount_set", "total_discount"),
        "customAttributes": FieldRule("attributes", ("properties",)),
        "unfulfilledQuantity": _renamed("fulfillable_quantity"),
        "isGiftCard": _renamed("gift_card"),
        "variant": _id_of("variant_id"),
        "product": _id_of("product_id"),
    },
    "order_shipping_line": {
        "originalPriceSet": _money_set("price_set", "price"),
        "discountedPriceSet": _money_set("discounted_price_set", "discounted_price"),
    },
    "customer": {
        **_TAGS,
        "state": _lower("state"),
        "defaultEmailAddress": FieldRule("member", ("email",), ("emailAddress",)),
        "defaultPhoneNumber": FieldRule("member", ("phone",), ("phoneNumber",)),
        "addressesV2": _renamed("addresses"),
    },
    "customer_address": {"countryCodeV2": _renamed("country_code")},
    "address": {"countryCodeV2": _renamed("country_code")},
    "fulfillment": {"status": _lower("status"), "order": _id_of("order_id"), "location": _id_of("location_id")},
    "refund": {"order": _id_of("order_id")},
    "order_transaction": {
        "kind": _lower("kind"),
        "status": _lower("status"),
        "order": _id_of("order_id"),
        "parentTransaction": _id_of("parent_id"),
        "amountSet": _money_set("amount_set", "amount"),
        "receiptJson": FieldRule("json", ("receipt",)),
    },
    "inventory_item": {
        "unitCost": FieldRule("money", ("cost",)),
        "measurement": FieldRule("inlined"),
        "variant": _id_of("variant_id"),
    },
    "measurement": {"weight": FieldRule("inlined")},
    "weight": {
        "value": _renamed("weight_value"),
        "unit": FieldRule(
            "translated",
            ("weight_unit",),
            values={"GRAMS": "g", "KILOGRAMS": "kg", "OUNCES": "oz", "POUNDS": "lb"},
        ),
    },
    "inventory_level": {
        "item": _id_of("inventory_item_id"),
        "location": _id_of("location_id"),
        "quantities": FieldRule("quantities", ("available",)),
    },
    "location": {"address": FieldRule("inlined"), "isActive": _renamed("active")},
    # The webhook has the code in `country` too, and the name in `country_name`.
    "location_address": {"country": _renamed("country_name")},
}
"""By resource type, then by GraphQL field."""

TYPE_OF_FIELD: Final[Mapping[str, str]] = {
    "addresses": "customer_address",
    "addressesV2": "customer_address",
    "address": "location_address",
    "billingAddress": "address",
    "customer": "customer",
    "defaultAddress": "customer_address",
    "fulfillments": "fulfillment",
    "images": "product_image",
    "inventoryItem": "inventory_item",
    "inventoryLevel": "inventory_level",
    "inventoryLevels": "inventory_level",
    "item": "inventory_item",
    "lineItem": "order_line_item",
    "lineItems": "order_line_item",
    "location": "location",
    "measurement": "measurement",
    "options": "product_option",
    "order": "order",
    "parentTransaction": "order_transaction",
    "product": "product",
    "products": "product",
    "refunds": "refund",
    "shippingAddress": "address",
    "shippingLine": "order_shipping_line",
    "shippingLines": "order_shipping_line",
    "transactions": "order_transaction",
    "variant": "variant",
    "variants": "variant",
    "weight": "weight",
}
"""The type of the objects in a field of a GraphQL object."""

IdForm = Literal["number_and_gid", "number", "gid", "id_is_gid"]
ID_FORMS: Final[Mapping[str, IdForm]] = {
    **dict.fromkeys(
        ("address", "customer_address", "customer_group", "dispute", "domain", "market", "order_shipping_line"),
        "number",
    ),
    **dict.fromkeys(("product_option", "segment", "tender_transaction"), "number"),
    **dict.fromkeys(("app_purchase_one_time", "app_subscription", "bulk_operation", "company"), "gid"),
    **dict.fromkeys(("company_contact", "company_location", "customer_payment_method", "discount"), "gid"),
    "inventory_level": "gid",
    **dict.fromkeys(("inventory_shipment", "inventory_transfer", "metaobject", "product_feed"), "id_is_gid"),
}
"""How the webhooks write an id where they do not write both `id`, a number, and `admin_graphql_api_id`, the gid.

`number`: `id` alone. `gid`: `admin_graphql_api_id` alone. `id_is_gid`: the gid as `id`.
"""

MINOR_UNITS: Final[Mapping[str, int]] = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
        ),
        0,
    ),
    "XPF": 0,
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""The decimals of currencies that do not have two. Source: ISO 4217."""

VERBATIM: Final = frozenset({"jsonValue"})
"""Fields with JSON of the merchant's own: its names are not ours to change."""

"""GraphQL's names and forms become those of the classic webhooks."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.shopify.graphql import MAX_DEPTH, as_webhook, id_fields, partial_lists
from providers.shopify.graphql_fields import FIELDS, ID_FORMS, TYPE_OF_FIELD
from schemas.records import Document

PRODUCT = "gid://shopify/Product/788032119674292922"


@pytest.mark.parametrize(
    ("resource_type", "node", "document"),
    [
        ("product", {"id": PRODUCT}, {"id": 788032119674292922, "admin_graphql_api_id": PRODUCT}),
        (
            "product",
            {"id": PRODUCT, "legacyResourceId": "788032119674292922"},
            {"id": 788032119674292922, "admin_graphql_api_id": PRODUCT},
        ),
        ("product", {"legacyResourceId": "7"}, {"id": 7}),
        ("product", {"__typename": "Product", "title": "A"}, {"title": "A"}),
        (
            "product",
            {
                "descriptionHtml": "<b>",
                "productType": "Shirts",
                "publishedAt": None,
                "updatedAt": "2026-01-31T12:00:00Z",
            },
            {"body_html": "<b>", "product_type": "Shirts", "published_at": None, "updated_at": "2026-01-31T12:00:00Z"},
        ),
        ("product", {"status": "ACTIVE"}, {"status": "active"}),
        ("product", {"title": "ACTIVE", "vendor": "DENY"}, {"title": "ACTIVE", "vendor": "DENY"}),
        ("product", {"tags": ["a", "b"]}, {"tags": "a, b"}),
        ("product", {"tags": []}, {"tags": ""}),
        ("product", {"totalInventory": 5, "isGiftCard": False}, {"total_inventory": 5, "is_gift_card": False}),
        (
            "variant",
            {"inventoryPolicy": "DENY", "compareAtPrice": None, "price": "19.99"},
            {"inventory_policy": "deny", "compare_at_price": None, "price": "19.99"},
        ),
        (
            "variant",
            {"selectedOptions": [{"name": "Size", "value": "S"}, {"name": "Color", "value": "red"}]},
            {"option1": "S", "option2": "red", "option3": None},
        ),
        (
            "variant",
            {"inventoryItem": {"legacyResourceId": "5"}, "product": {"id": "gid://shopify/Product/7"}},
            {"inventory_item_id": 5, "product_id": 7},
        ),
        (
            "variant",
            {"inventoryItem": {"id": "gid://shopify/InventoryItem/5", "tracked": True}},
            {
                "inventory_item_id": 5,
                "inventory_item": {"id": 5, "admin_graphql_api_id": "gid://shopify/InventoryItem/5", "tracked": True},
            },
        ),
        (
            "order",
            {"displayFinancialStatus": "PARTIALLY_REFUNDED", "clientIp": "192.0.2.1"},
            {"financial_status": "partially_refunded", "browser_ip": "192.0.2.1"},
        ),
        ("order", {"displayFulfillmentStatus": "UNFULFILLED"}, {"fulfillment_status": None}),
        ("order", {"displayFulfillmentStatus": "PARTIALLY_FULFILLED"}, {"fulfillment_status": "partial"}),
        ("order", {"displayFulfillmentStatus": "ON_HOLD"}, {"display_fulfillment_status": "ON_HOLD"}),
        (
            "order",
            {
                "totalPriceSet": {
                    "shopMoney": {"amount": "398.0", "currencyCode": "EUR"},
                    "presentmentMoney": {"amount": "5000.0", "currencyCode": "JPY"},
                }
            },
            {
                "total_price": "398.00",
                "total_price_set": {
                    "shop_money": {"amount": "398.00", "currency_code": "EUR"},
                    "presentment_money": {"amount": "5000", "currency_code": "JPY"},
                },
            },
        ),
        (
            "order",
            {"totalShippingPriceSet": {"shopMoney": {"amount": "0.0", "currencyCode": "EUR"}}},
            {"total_shipping_price_set": {"shop_money": {"amount": "0.00", "currency_code": "EUR"}}},
        ),
        (
            "order",
            {"customAttributes": [{"key": "gift", "value": "yes"}], "totalWeight": "1133"},
            {"note_attributes": [{"name": "gift", "value": "yes"}], "total_weight": 1133},
        ),
        (
            "order",
            {
                "lineItems": {
                    "edges": [
                        {
                            "cursor": "x",
                            "node": {
                                "id": "gid://shopify/LineItem/1",
                                "originalUnitPriceSet": {"shopMoney": {"amount": "1.5"}},
                            },
                        }
                    ]
                }
            },
            {
                "line_items": [
                    {
                        "id": 1,
                        "admin_graphql_api_id": "gid://shopify/LineItem/1",
                        "price": "1.50",
                        "price_set": {"shop_money": {"amount": "1.50"}},
                    }
                ]
            },
        ),
        (
            "order",
            {"customer": {"id": "gid://shopify/Customer/3", "state": "ENABLED"}},
            {"customer": {"id": 3, "admin_graphql_api_id": "gid://shopify/Customer/3", "state": "enabled"}},
        ),
        ("customer", {"defaultEmailAddress": {"emailAddress": "a@example.com"}}, {"email": "a@example.com"}),
        (
            "customer",
            {
                "addressesV2": {
                    "nodes": [
                        {"id": "gid://shopify/MailingAddress/4?model_name=CustomerAddress", "countryCodeV2": "CA"},
                        None,
                    ]
                }
            },
            {"addresses": [{"id": 4, "country_code": "CA"}]},
        ),
        ("collection", {"sortOrder": "BEST_SELLING"}, {"sort_order": "best-selling"}),
        (
            "inventory_item",
            {"measurement": {"weight": {"value": Decimal("1.5"), "unit": "KILOGRAMS"}}, "unitCost": {"amount": "5.0"}},
            {"weight_value": Decimal("1.5"), "weight_unit": "kg", "cost": "5.00"},
        ),
        (
            "location",
            {"address": {"country": "Canada", "countryCode": "CA"}, "isActive": True},
            {"country_name": "Canada", "country_code": "CA", "active": True},
        ),
        (
            "order_transaction",
            {"receiptJson": '{"a":1.10}', "kind": "SALE"},
            {"receipt": {"a": Decimal("1.10")}, "kind": "sale"},
        ),
        ("order_transaction", {"receiptJson": "no JSON"}, {"receipt_json": "no JSON"}),
        (
            "discount",
            {"id": "gid://shopify/DiscountCodeNode/1", "status": "ACTIVE"},
            {"admin_graphql_api_id": "gid://shopify/DiscountCodeNode/1", "status": "ACTIVE"},
        ),
        (
            "metaobject",
            {"id": "gid://shopify/Metaobject/1", "jsonValue": {"camelCase": 1}},
            {"id": "gid://shopify/Metaobject/1", "json_value": {"camelCase": 1}},
        ),
    ],
)
def test_field_is_written_as_in_the_webhook(resource_type: str, node: Document, document: Document) -> None:
    """By the table; what is not in the table keeps its value under its snake_case name."""
    assert as_webhook(resource_type, node) == document


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("10.0", "EUR", "10.00"),
        ("10", "EUR", "10.00"),
        ("10.123", "EUR", "10.123"),
        ("1000.0", "JPY", "1000"),
        ("1000.5", "JPY", "1000.5"),
        ("1.5", "KWD", "1.500"),
        ("-0.5", "EUR", "-0.50"),
        ("12345678901234567890.10", "EUR", "12345678901234567890.10"),
        (Decimal("1.10"), "EUR", "1.10"),
        (3, "EUR", "3.00"),
        ("n/a", "EUR", "n/a"),
        (None, "EUR", None),
        (True, "EUR", True),
    ],
)
def test_amount_keeps_every_digit(amount: Any, currency: str, text: Any) -> None:
    """GraphQL leaves final zeros out, the webhooks write the decimals of the currency; no digit but a zero is lost."""
    assert as_webhook("", {"x": {"amount": amount, "currencyCode": currency}})["x"]["amount"] == text


@pytest.mark.parametrize(
    ("node", "names"),
    [
        ({"variants": {"nodes": []}}, {"variants"}),
        ({"variants": {"nodes": [], "pageInfo": {"hasNextPage": True}}}, {"variants"}),
        ({"variants": {"nodes": [], "pageInfo": {"hasNextPage": False, "hasPreviousPage": True}}}, {"variants"}),
        ({"variants": {"nodes": [], "pageInfo": {"hasNextPage": False}}}, set()),
        (
            {"variants": {"edges": [{"node": {"metafields": {"nodes": []}}}], "pageInfo": {"hasNextPage": False}}},
            {"variants"},
        ),
        ({"addressesV2": {"nodes": []}}, {"addresses"}),
        ({"options": [{"name": "Size"}], "title": "A"}, set()),
    ],
)
def test_connection_may_have_more(node: Document, names: set[str]) -> None:
    """Unless it says that it is complete, on every level."""
    assert partial_lists("customer" if "addressesV2" in node else "product", node) == names


@pytest.mark.parametrize(
    ("resource_type", "gid", "fields"),
    [
        ("product", "gid://shopify/Product/7", {"id": 7, "admin_graphql_api_id": "gid://shopify/Product/7"}),
        ("product", "7", {}),
        ("product", None, {}),
        ("domain", "gid://shopify/Domain/7", {"id": 7}),
        (
            "customer_payment_method",
            "gid://shopify/CustomerPaymentMethod/0ec",
            {"admin_graphql_api_id": "gid://shopify/CustomerPaymentMethod/0ec"},
        ),
        ("inventory_shipment", "gid://shopify/InventoryShipment/7", {"id": "gid://shopify/InventoryShipment/7"}),
    ],
)
def test_id_is_written_as_in_the_webhook(resource_type: str, gid: object, fields: Document) -> None:
    """A number and a gid, or one of them, by resource type."""
    assert id_fields(resource_type, gid) == fields


_names = st.sampled_from(
    [*TYPE_OF_FIELD, *(name for rules in FIELDS.values() for name in rules), "nodes", "edges", "node", "id", "x"]
)
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["", "ACTIVE", "10.0", PRODUCT, "x" * 300, "{", "[1]"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=4),
    max_leaves=15,
)


@given(
    resource_type=st.sampled_from(sorted({*FIELDS, *ID_FORMS, "x"})), node=st.dictionaries(_names, _values, max_size=6)
)
def test_any_result_of_a_query_is_mapped(resource_type: str, node: Document) -> None:
    """No JSON raises, and the result is JSON again."""
    document = as_webhook(resource_type, node)

    assert isinstance(msgspec.json.decode(msgspec.json.encode(document)), dict)
    assert isinstance(partial_lists(resource_type, node), frozenset)


@pytest.mark.parametrize("name", ["product", "variant", "inventoryItem", "nodes", "x"])
def test_depth_is_bounded(name: str) -> None:
    """A body nested as deep as the parser allows is mapped to a bounded depth, and in time that grows with its size alone."""
    node: Document = {"id": PRODUCT}
    for index in range(10 * MAX_DEPTH):
        node = {name if index % 2 else "inventoryItem": [node] if name == "nodes" else node}

    assert as_webhook("variant", node)
    assert isinstance(partial_lists("variant", node), frozenset)

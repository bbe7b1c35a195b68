"""Which of Shopify's deliveries need a read, what a read costs, and how its reply becomes the webhook's document."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.api import Wanted
from providers.base import Parsed, SignedRequest, Unparsed
from providers.shopify.fetched import READABLE, document_of, needs_read, parse_fetched, wanted
from providers.shopify.provider import Shopify
from providers.shopify.selections import MAX_QUERY_COST, SELECTIONS, connection, points
from providers.shopify.types import RESOURCE_TYPES
from schemas.records import Document, RawDelivery, Snapshot
from tests.support.builders.provider_requests import raw_delivery

READ_AT = datetime(2026, 1, 31, 12, 0, 0, 700_000, tzinfo=UTC)
PAGE_END = {"hasNextPage": False, "endCursor": "x"}
PRODUCT = Wanted("product", "9007199254740993")
NEW, OLD = "2026-01-31T12:00:00Z", "2026-01-30T12:00:00Z"


_NAMES = st.sampled_from(
    [
        *(
            "id",
            "legacyResourceId",
            "variants",
            "options",
            "nodes",
            "pageInfo",
            "hasNextPage",
            "addressesV2",
            "defaultAddress",
        ),
        *(
            "quantities",
            "measurement",
            "weight",
            "unitCost",
            "updatedAt",
            "updated_at",
            "inventoryItem",
            "variant_gids",
        ),
        *(
            "selectedOptions",
            "totalPriceSet",
            "shopMoney",
            "inventory_item_id",
            "location_id",
            "default_address",
            "addresses",
        ),
    ]
)


def test_product_becomes_the_webhooks_document() -> None:
    """Ids are numbers, connections arrays, enums lower case; the variants name their product, the product its variants."""
    node = {
        "id": "gid://shopify/Product/9007199254740993",
        "legacyResourceId": "9007199254740993",
        "descriptionHtml": "<b>",
        "status": "ACTIVE",
        "tags": ["a", "b"],
        "updatedAt": NEW,
        "category": {"id": "gid://shopify/TaxonomyCategory/aa-1", "name": "Shirts", "fullName": "Apparel > Shirts"},
        "options": [{"id": "gid://shopify/ProductOption/3", "name": "Size", "position": 1, "values": ["S"]}],
        "variants": {"nodes": [_variant_node(4, OLD), _variant_node(5, NEW)], "pageInfo": PAGE_END},
    }

    assert document_of(PRODUCT, node) == {
        "id": 9007199254740993,
        "admin_graphql_api_id": "gid://shopify/Product/9007199254740993",
        "body_html": "<b>",
        "status": "active",
        "tags": "a, b",
        "updated_at": NEW,
        "category": {
            "admin_graphql_api_id": "gid://shopify/TaxonomyCategory/aa-1",
            "name": "Shirts",
            "full_name": "Apparel > Shirts",
        },
        "options": [{"id": 3, "product_id": 9007199254740993, "name": "Size", "position": 1, "values": ["S"]}],
        "variants": [_variant_document(4, OLD), _variant_document(5, NEW)],
        "variant_gids": [
            {"admin_graphql_api_id": "gid://shopify/ProductVariant/5", "updated_at": "2026-01-31T12:00:00.000Z"},
            {"admin_graphql_api_id": "gid://shopify/ProductVariant/4", "updated_at": "2026-01-30T12:00:00.000Z"},
        ],
    }


@pytest.mark.parametrize(
    ("resource_type", "node", "document"),
    [
        (
            "inventory_level",
            {
                "id": "gid://shopify/InventoryLevel/7?inventory_item_id=5",
                "updatedAt": NEW,
                "quantities": [{"name": "available", "quantity": -2}, {"name": "on_hand", "quantity": 3}],
            },
            {
                "admin_graphql_api_id": "gid://shopify/InventoryLevel/7?inventory_item_id=5",
                "updated_at": NEW,
                "available": -2,
                "inventory_item_id": 5,
                "location_id": 7,
            },
        ),
        (
            "inventory_item",
            {
                "unitCost": {"amount": "2.5", "currencyCode": "EUR"},
                "measurement": {"weight": {"value": 1, "unit": "GRAMS"}},
            },
            {"cost": "2.50", "weight_value": 1, "weight_unit": "g"},
        ),
        ("inventory_item", {"unitCost": None, "measurement": {"weight": None}}, {"cost": None}),
        (
            "order",
            {"totalOutstandingSet": {"shopMoney": {"amount": "398.0", "currencyCode": "JPY"}}},
            {"total_outstanding": "398"},
        ),
        (
            "customer",
            {
                "id": "gid://shopify/Customer/1",
                "defaultAddress": {
                    "id": "gid://shopify/MailingAddress/2?model_name=CustomerAddress",
                    "country": "Canada",
                },
                "addressesV2": {
                    "nodes": [{"id": "gid://shopify/MailingAddress/3", "country": "Cuba"}],
                    "pageInfo": PAGE_END,
                },
            },
            {
                "id": 1,
                "admin_graphql_api_id": "gid://shopify/Customer/1",
                "default_address": {
                    "id": 2,
                    "customer_id": 1,
                    "country": "Canada",
                    "country_name": "Canada",
                    "default": True,
                },
                "addresses": [{"id": 3, "customer_id": 1, "country": "Cuba", "country_name": "Cuba", "default": False}],
            },
        ),
        # A list that is cut would remove the elements that it does not show.
        ("order", {"name": "#1", "lineItems": {"nodes": [{}], "pageInfo": {"hasNextPage": True}}}, {"name": "#1"}),
    ],
)
def test_other_types_become_their_webhooks_documents(resource_type: str, node: Document, document: Document) -> None:
    """Each has the fields of its webhook and no others."""
    resource_id = "5:7" if resource_type == "inventory_level" else "1"

    assert document_of(Wanted(resource_type, resource_id), node) == document


def test_read_product_has_all_variants_and_lists_a_hundred() -> None:
    """The variants beyond the first hundred are resources beside it, so that the list is that of the webhooks."""
    variants = [_variant_document(number, NEW) for number in range(1, 251)]
    gids = [{"admin_graphql_api_id": variant["admin_graphql_api_id"], "updated_at": NEW} for variant in variants]
    document = {"id": 9007199254740993, "updated_at": NEW, "variants": variants, "variant_gids": gids}

    root, *others = _snapshots("product", document)

    assert root.document == document | {"variants": variants[:100]}
    assert [other.resource_id for other in others] == [str(number) for number in range(101, 251)]
    assert {(other.resource_type, other.parent, other.is_partial) for other in others} == {
        ("variant", ("product", "9007199254740993"), True)
    }
    assert [rule.resource_type for rule in root.children] == ["variant", "product_image", "product_option"]


@pytest.mark.parametrize(
    ("resource_type", "document", "resource_id", "parent"),
    [
        ("variant", {"id": 5, "product_id": 7, "updated_at": NEW}, "5", ("product", "7")),
        (
            "inventory_level",
            {"inventory_item_id": 5, "location_id": 7, "updated_at": NEW},
            "5:7",
            ("inventory_item", "5"),
        ),
        ("order", {"admin_graphql_api_id": "gid://shopify/Order/5", "updated_at": NEW}, "5", None),
    ],
)
def test_read_is_the_resource_of_the_webhooks(
    resource_type: str, document: Document, resource_id: str, parent: tuple[str, str] | None
) -> None:
    """Type, id, parent and version are those of the webhooks, so that both are one resource."""
    (snapshot,) = _snapshots(resource_type, document)

    assert (snapshot.resource_type, snapshot.resource_id, snapshot.parent) == (resource_type, resource_id, parent)
    assert snapshot.version == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert (snapshot.event_time, snapshot.is_partial) == (READ_AT, True)


@pytest.mark.parametrize(
    ("resource_type", "document"),
    [("product", {}), ("product", {"id": None}), ("inventory_level", {"inventory_item_id": 5}), ("order", {"id": []})],
)
def test_document_without_an_id_is_unparsed(resource_type: str, document: Document) -> None:
    """Nothing is stored under a made-up name."""
    assert isinstance(parse_fetched(resource_type, document, READ_AT), Unparsed)


def test_product_with_hidden_variants_is_read() -> None:
    """`variant_gids` names more variants than the webhook shows."""
    document = {
        "id": 7,
        "updated_at": NEW,
        "variants": [_variant_document(4, NEW)],
        "variant_gids": _gids({4: NEW, 5: NEW}),
    }
    delivery, snapshot = _parsed("products/update", document)

    assert needs_read(snapshot)
    assert wanted(snapshot, delivery) == Wanted("product", "7", api_version="2026-07")
    assert not needs_read(_parsed("products/update", document | {"variant_gids": _gids({4: NEW})})[1])


@pytest.mark.parametrize(
    ("topic", "document"),
    [("orders/updated", {"id": 7}), ("products/delete", {"id": 7}), ("themes/update", {"id": 7})],
)
def test_other_webhooks_need_no_read(topic: str, document: Document) -> None:
    """They contain the whole resource, or nothing is left to read."""
    assert not needs_read(_parsed(topic, document)[1])


def test_event_without_a_query_is_read() -> None:
    """It names the resource and shows nothing of it."""
    event = {"topic": "Product", "action": "update", "query_variables": {"productId": "gid://shopify/Product/7"}}
    headers = {"shopify-topic": "Product", "shopify-action": "update", "shopify-webhook-id": "1"}
    shown = event | {"data": {"product": {"id": "gid://shopify/Product/7", "title": "A"}}}

    delivery, snapshot = _received(SignedRequest(headers, msgspec.json.encode(event)))
    assert needs_read(snapshot)
    assert wanted(snapshot, delivery) == Wanted("product", "7")
    assert not needs_read(_received(SignedRequest(headers, msgspec.json.encode(shown)))[1])


def test_every_selection_fits_into_a_query() -> None:
    """A single resource, and a page of its connection, cost less than a query may."""
    for resource_type, selection in SELECTIONS.items():
        assert 1 + points(selection.text) <= MAX_QUERY_COST, resource_type
        if selection.paged:
            assert 1 + points(connection(selection.paged, selection.paged.page)) <= MAX_QUERY_COST, resource_type


@pytest.mark.parametrize(
    ("selection", "cost"),
    [
        ("id title", 0),
        ("image { url }", 1),
        ("price { shop { amount } other { amount } }", 3),
        ("a(first: 10) { nodes { id } pageInfo { x } }", 3 + 10 + 1),
        ("a(first: 10) { nodes { id b { c } } pageInfo { x } } d { e }", 3 + 10 * 2 + 1 + 1),
    ],
)
def test_points_count_objects(selection: str, cost: int) -> None:
    """One for each object that a reply may have, three for a connection."""
    assert points(selection) == cost


def test_readable_types_exist() -> None:
    """A selection is of a resource type that the webhooks have."""
    assert READABLE <= RESOURCE_TYPES


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=50)
@given(resource_type=st.sampled_from(sorted(READABLE)), node=st.dictionaries(_NAMES, _JSON, max_size=6))
def test_no_reply_raises(resource_type: str, node: dict[str, Any]) -> None:
    """Whatever stands in the fields of a reply, it becomes a document, and that snapshots or a reason."""
    document = document_of(Wanted(resource_type, "1:2"), node)

    assert isinstance(parse_fetched(resource_type, document, READ_AT), Parsed | Unparsed)
    assert isinstance(parse_fetched(resource_type, node, READ_AT), Parsed | Unparsed)


def _variant_node(number: int, updated: str) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/ProductVariant/{number}",
        "price": "398.0",
        "inventoryPolicy": "DENY",
        "updatedAt": updated,
        "selectedOptions": [{"name": "Size", "value": "S"}],
        "inventoryItem": {"legacyResourceId": "9"},
    }


def _variant_document(number: int, updated: str) -> dict[str, Any]:
    return {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/ProductVariant/{number}",
        "product_id": 9007199254740993,
        "price": "398.00",
        "inventory_policy": "deny",
        "updated_at": updated,
        "option1": "S",
        "option2": None,
        "option3": None,
        "inventory_item_id": 9,
    }


def _gids(times: dict[int, str]) -> list[dict[str, str]]:
    return [
        {"admin_graphql_api_id": f"gid://shopify/ProductVariant/{number}", "updated_at": time}
        for number, time in times.items()
    ]


def _snapshots(resource_type: str, document: Document) -> tuple[Snapshot, ...]:
    parsed = parse_fetched(resource_type, document, READ_AT)
    assert isinstance(parsed, Parsed), parsed
    return parsed.snapshots


def _parsed(topic: str, document: Document) -> tuple[RawDelivery, Snapshot]:
    headers = {"x-shopify-topic": topic, "x-shopify-webhook-id": "1", "x-shopify-api-version": "2026-07"}
    return _received(SignedRequest(headers, msgspec.json.encode(document)))


def _received(request: SignedRequest) -> tuple[RawDelivery, Snapshot]:
    delivery = raw_delivery("shopify", Shopify().identify("acme", request), request)
    parsed = Shopify().parse(delivery)
    assert isinstance(parsed, Parsed), parsed
    return delivery, parsed.snapshots[0]

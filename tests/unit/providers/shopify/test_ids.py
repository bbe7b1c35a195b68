"""What names Shopify's resources: no two things share a name, and the ingress and the pipeline find the same."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Parsed, SignedRequest
from providers.shopify.identities import EACH_DELIVERY, identities
from providers.shopify.ids import plain_id
from providers.shopify.provider import Shopify
from providers.shopify.types import RESOURCE_TYPES, TOPICS
from schemas.records import Snapshot, resource_key
from tests.support.builders.provider_requests import raw_delivery

SHOPIFY = Shopify()
ALL_TOPICS = sorted(
    f"customer.{action}" if family == "customer" else f"{family}/{action}"
    for family, actions in TOPICS.items()
    for action in actions.split()
)
LEVEL = "gid://shopify/InventoryLevel/24?inventory_item_id=27"


def shown(topic: str, body: Any, delivery_id: str = "delivery-1") -> Snapshot:
    """Return what the pipeline sees, after asserting that the ingress computes the key of its root."""
    headers = {"x-shopify-topic": topic, "x-shopify-webhook-id": delivery_id, "x-shopify-shop-domain": "a.example"}
    request = SignedRequest(headers, msgspec.json.encode(body))
    envelope = SHOPIFY.identify("acme", request)
    parsed = SHOPIFY.parse(raw_delivery("shopify", envelope, request))
    assert isinstance(parsed, Parsed), parsed
    (snapshot,) = parsed.snapshots
    assert envelope.key == resource_key(
        "shopify", "acme", envelope.tenant, *(snapshot.parent or (snapshot.resource_type, snapshot.resource_id))
    )
    return snapshot


def name(snapshot: Snapshot) -> tuple[str, str]:
    """Return the resource of a snapshot."""
    return snapshot.resource_type, snapshot.resource_id


@pytest.mark.parametrize(
    ("topic", "one", "other"),
    [
        (
            "discounts/update",
            {"admin_graphql_api_id": "gid://shopify/DiscountCodeNode/1"},
            {"admin_graphql_api_id": "gid://shopify/DiscountAutomaticNode/1"},
        ),
        (
            "discounts/delete",
            {"admin_graphql_api_id": "gid://shopify/DiscountCodeNode/1"},
            {"admin_graphql_api_id": "gid://shopify/DiscountAutomaticNode/1"},
        ),
        (
            "inventory_levels/update",
            {"inventory_item_id": 1, "location_id": 2},
            {"inventory_item_id": 1, "location_id": 3},
        ),
        (
            "inventory_levels/update",
            {"inventory_item_id": 1, "location_id": 2},
            {"inventory_item_id": 2, "location_id": 1},
        ),
        (
            "inventory_levels/update",
            {"inventory_item_id": 1, "location_id": 2},
            {"inventory_item_id": 1, "available": 5},
        ),
        (
            "customer.joined_segment",
            {"customer_id": "gid://shopify/Customer/2", "segment_id": "gid://shopify/Segment/3"},
            {"customer_id": "gid://shopify/Customer/2", "segment_id": "gid://shopify/Segment/4"},
        ),
        (
            "subscription_billing_cycles/skip",
            {"subscription_contract_id": 5, "cycle_index": 1},
            {"subscription_contract_id": 5, "cycle_index": 2},
        ),
        (
            "subscription_billing_cycles/skip",
            {"subscription_contract_id": "a:b", "cycle_index": "c"},
            {"subscription_contract_id": "a", "cycle_index": "b:c"},
        ),
        ("locales/update", {"locale": "fr"}, {"locale": "de"}),
        (
            "company_contact_roles/assign",
            {
                "company_contact": {"admin_graphql_api_id": "gid://shopify/CompanyContact/1"},
                "company_location": {"admin_graphql_api_id": "gid://shopify/CompanyLocation/1"},
            },
            {
                "company_contact": {"admin_graphql_api_id": "gid://shopify/CompanyContact/1"},
                "company_location": {"admin_graphql_api_id": "gid://shopify/CompanyLocation/2"},
            },
        ),
    ],
)
def test_two_things_do_not_share_a_resource(topic: str, one: Any, other: Any) -> None:
    """Ids that are unique only within something are combined with it."""
    first, second = shown(topic, one, "delivery-1"), shown(topic, other, "delivery-2")

    assert name(first) != name(second)


@pytest.mark.parametrize("topic", ALL_TOPICS)
def test_body_without_an_id_names_nothing_else(topic: str) -> None:
    """Missing ids never merge things: an occurrence of its own, one per shop, or a dead letter; never a fixed name."""
    ids = {
        shown(topic, {}, delivery_id).resource_id
        for delivery_id in ("delivery-1", "delivery-2")
        if isinstance(_parsed(topic, {}), Parsed)
    }

    assert ids in ({"delivery-1", "delivery-2"}, {"a.example"}, set())


def test_level_has_one_name_by_its_fields_and_by_its_gid() -> None:
    """A subscription with `fields` may send either; both go to the partition of the item."""
    by_fields = shown("inventory_levels/update", {"inventory_item_id": 27, "location_id": 24, "available": 1})
    by_gid = shown("inventory_levels/update", {"admin_graphql_api_id": LEVEL, "available": 1})

    assert name(by_fields) == name(by_gid) == ("inventory_level", "27:24")
    assert by_fields.parent == by_gid.parent == ("inventory_item", "27")


def test_gid_of_a_level_without_its_item_names_no_level() -> None:
    """Half a name is none."""
    snapshot = shown("inventory_levels/update", {"admin_graphql_api_id": "gid://shopify/InventoryLevel/24"})

    assert (snapshot.resource_id, snapshot.parent) == ("delivery-1", None)


@pytest.mark.parametrize("names", [("customer_id", "segment_id"), ("customerId", "segmentId")], ids=["snake", "camel"])
def test_segment_membership_begins_and_ends(names: tuple[str, str]) -> None:
    """Joining and leaving say only a difference: the membership is the resource, not the customer."""
    body = dict(zip(names, ("gid://shopify/Customer/2", "gid://shopify/Segment/3"), strict=True))

    joined, left = shown("customer.joined_segment", body, "1"), shown("customer.left_segment", body, "2")

    assert name(joined) == name(left) == ("segment_member", "2:3")
    assert joined.parent == left.parent == ("customer", "2")
    assert (joined.is_deleted, left.is_deleted) == (False, True)


def test_redeem_code_is_added_and_removed() -> None:
    """The code is the resource, the discount its parent."""
    body = {
        "admin_graphql_api_id": "gid://shopify/DiscountCodeNode/1",
        "redeem_code": {"id": "gid://shopify/DiscountRedeemCode/7", "code": "SUMMER"},
    }

    added, removed = shown("discounts/redeemcode_added", body), shown("discounts/redeemcode_removed", body)

    assert name(added) == name(removed) == ("discount_redeem_code", "7")
    assert added.parent == removed.parent == ("discount", "DiscountCodeNode:1")
    assert (added.is_deleted, removed.is_deleted) == (False, True)


@pytest.mark.parametrize("gid", ["gid://shopify/ProductVariant/7", "gid://shopify/Order/7"])
def test_gid_of_another_type_is_not_taken_for_a_product(gid: str) -> None:
    """Wherever the gid stands: numbers repeat between types."""
    assert not isinstance(_parsed("products/update", {"id": gid}), Parsed)


_ids = (
    st.none()
    | st.integers(-1, 2**62)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
    | st.sampled_from(
        [LEVEL, "gid://shopify/Product/7", "gid://shopify/DiscountCodeNode/1", "gid://shopify/X/", "a:b", "a%3Ab"]
    )
)
_names = st.sampled_from(
    [
        "id",
        "admin_graphql_api_id",
        "token",
        "order_id",
        "product_id",
        "inventory_item_id",
        "location_id",
        "customer_id",
        "segment_id",
        "customerId",
        "segmentId",
        "locale",
        "subscription_contract_id",
        "cycle_index",
        "collection_id",
        "data_request",
        "redeem_code",
        "order_edit",
        "product_listing",
        "company_contact",
        "company_location",
        "fulfillment_hold",
        "fulfillment_order",
    ]
)
_bodies = st.dictionaries(_names, _ids | st.dictionaries(_names, _ids, max_size=3), max_size=6)


@given(topic=st.sampled_from(ALL_TOPICS), body=_bodies)
def test_ingress_and_pipeline_compute_one_key(topic: str, body: Any) -> None:
    """For every documented topic, whatever ids its body has."""
    if isinstance(_parsed(topic, body), Parsed):
        shown(topic, body)


@given(one=_bodies, other=_bodies)
def test_composite_ids_are_unambiguous(one: Any, other: Any) -> None:
    """Two cycles with different parts have different names, whatever their ids contain."""
    parts = [
        [plain_id(body.get(field)) for field in ("subscription_contract_id", "cycle_index")] for body in (one, other)
    ]
    first, second = (
        shown("subscription_billing_cycles/skip", body, f"d{index}") for index, body in enumerate((one, other))
    )

    if all(all(found) for found in parts):
        assert (first.resource_id == second.resource_id) == (parts[0] == parts[1])


def test_every_type_has_a_row_in_the_table() -> None:
    """docs/semantics.md is made from these rows; types that only name a parent have none."""
    rows = {row.resource_type: row for row in identities()}

    assert rows.keys() <= RESOURCE_TYPES
    assert rows["inventory_level"].named_by == "`inventory_item_id` and `location_id`"
    assert rows["customer_tags_added"].named_by == EACH_DELIVERY
    assert rows["locale"].named_by == "`locale`"
    assert rows["customer_account_settings"].named_by == "the shop"


def _parsed(topic: str, body: Any) -> object:
    headers = {"x-shopify-topic": topic, "x-shopify-shop-domain": "a.example"}
    request = SignedRequest(headers, msgspec.json.encode(body))
    return SHOPIFY.parse(raw_delivery("shopify", SHOPIFY.identify("acme", request), request))

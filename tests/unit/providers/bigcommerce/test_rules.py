"""What names a resource of BigCommerce: different things never share one; the ingress and the pipeline compute one key."""

from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from providers.base import Envelope, Parsed, SignedRequest, Unparsed
from providers.bigcommerce.provider import BigCommerce
from providers.bigcommerce.rules import ASSIGNMENTS, RULES
from schemas.records import Document, Snapshot, resource_key
from streams.steps.routing import Routes
from tests.support.builders.deliveries import Pipeline
from tests.support.builders.properties import examples
from tests.support.builders.provider_requests import raw_delivery

SECOND = 1_769_860_800
IDS = (
    "id", "uuid", "type", "address_id", "cart_id", "cartId", "cart_item_id", "category_id", "channel_id", "code",
    "company_id", "configuration_id", "currency", "customer_group_id", "customer_id", "location_id", "locale",
    "metafield_id", "order_id", "orderId", "page_id", "price_list_id", "product_id", "resource_id", "resource_type",
    "site_id", "template_kind", "transaction_id", "tree_id", "user_id", "variant_id",
)  # fmt: skip
NESTED = {"address": "customer_id", "inventory": "product_id", "message": "order_message_id", "refund": "refund_id"}
SINGLE = {f"{owner}{rest}" for owner in ("3", "4", "*", "k3v9x2") for rest in ("", ":any", ":any:any")}
_id = st.none() | st.integers(0, 3) | st.sampled_from(["", "a", "b"])
_data = st.dictionaries(st.sampled_from(IDS), _id, max_size=6).flatmap(
    lambda flat: st.sampled_from([flat, *(flat | {name: {leaf: 1}} for name, leaf in NESTED.items())])
)
_families = st.sampled_from([*RULES, *ASSIGNMENTS, "metafield", "product/metafield", "widget", "company/widget"])
_verbs = st.sampled_from(["created", "updated", "deleted", "assigned", "unassigned", "added", "converted"])
_channels = st.sampled_from(["", "channel/3/", "channel/4/", "channel/*/"])
_scopes = st.tuples(_channels, _families, _verbs).map(lambda parts: f"store/{parts[0]}{parts[1]}/{parts[2]}")


@pytest.mark.parametrize(
    ("scope", "one", "other"),
    [
        # B2B Edition
        ("superadmin/updated", {"user_id": 1}, {"user_id": 2}),
        ("company/updated", {"company_id": 1}, {"company_id": 2}),
        ("company/user/updated", {"company_id": 1, "user_id": 5}, {"company_id": 2, "user_id": 5}),
        ("company/address/created", {"company_id": 1, "address_id": 5}, {"company_id": 2, "address_id": 5}),
        ("company/superadmin/assignmentUpdated", {"company_id": 1}, {"company_id": 2}),
        # a channel's settings
        ("channel/3/settings/searchContextFilters/updated", {"category_id": 1}, {}),
        ("channel/3/settings/locale/added", {"code": "fr"}, {"code": "de"}),
        ("channel/3/settings/locale/added", {}, {}),
        ("channel/3/settings/currency/updated", {"currency_code": "EUR"}, {"currency_code": "USD"}),
        ("channel/3/settings/route/updated", {"site_id": 1}, {"site_id": 2}),
        ("channel/3/email/templates/updated", {"template_kind": "a"}, {"template_kind": "b"}),
        # parts of an order, a product or a cart that the delivery does not name
        ("channel/3/order/message/created", {"order_id": 1}, {"order_id": 1}),
        ("channel/3/order/refund/created", {"order_id": 1}, {"order_id": 1}),
        ("channel/3/category/product/assigned", {"product_id": 1}, {"product_id": 1}),
        ("channel/*/inventory/product/stock_changed", {"product_id": 1, "variant_id": 2}, {"product_id": 1}),
        ("cart/lineItem/created", {"cartId": "c"}, {"cartId": "c"}),
        # the payment provider chooses the id
        ("order/transaction/created", {"order_id": 1, "transaction_id": "9"}, {"order_id": 2, "transaction_id": "9"}),
        # of what the documentation does not describe
        ("widget/updated", {}, {}),
        ("widget/updated", {"id": 1}, {"id": 2}),
    ],
)
def test_different_things_are_different_resources(scope: str, one: Document, other: Document) -> None:
    """Ids that are unique only within something are composed with it; what has no id is an occurrence of its own."""
    assert _names(scope, one, "msg_1") != _names(scope, other, "msg_2")


@pytest.mark.parametrize(
    ("one", "other", "ids"),
    [
        ("company/user/updated", "superadmin/updated", {"company_id": 1, "user_id": 5}),
        ("channel/3/settings/logo/updated", "channel/4/settings/logo/updated", {}),
        ("channel/3/settings/logo/updated", "channel/3/settings/logo/image/updated", {}),
        ("channel/3/settings/locale/added", "channel/4/settings/locale/added", {"code": "fr"}),
        ("channel/3/settings/locale/added", "channel/3/settings/locale/deleted", {}),
        ("channel/3/category/product/assigned", "channel/3/category/product/unassigned", {"product_id": 1}),
        ("channel/3/widget/updated", "channel/4/widget/updated", {"id": 1}),
    ],
)
def test_things_of_different_scopes_are_different_resources(one: str, other: str, ids: Document) -> None:
    """Although their ids are equal, or they have none."""
    assert _names(one, ids, "msg_1") != _names(other, ids, "msg_2")


@pytest.mark.parametrize(
    ("one", "other", "ids"),
    [
        ("superadmin/created", "superadmin/assignmentUpdated", {"user_id": 1}),
        ("company/created", "company/statusUpdated", {"company_id": 1}),
        ("channel/3/settings/logo/updated", "channel/3/settings/logo/deleted", {}),
        ("channel/3/settings/locale/added", "channel/3/settings/locale/deleted", {"code": "fr"}),
        ("cart/lineItem/created", "channel/3/cart/lineItems/updated", {"cart_item_id": "l", "cart_id": "c"}),
        ("order/transaction/created", "order/transaction/updated", {"order_id": 1, "transaction_id": "9"}),
    ],
)
def test_one_thing_is_one_resource(one: str, other: str, ids: Document) -> None:
    """Under each of its scopes."""
    assert _names(one, ids, "msg_1") == _names(other, ids, "msg_2")


def test_occurrence_is_never_deleted() -> None:
    """It says that something was removed without saying what: the delivery itself is the document."""
    removed = _only("store/channel/3/settings/locale/deleted", {})

    assert not removed.is_deleted
    assert removed.document is not None


def test_elements_without_ids_are_occurrences_each() -> None:
    """In one delivery, too."""
    _, parsed = _read("store/widget/updated", [{}, {"name": "x"}])

    assert isinstance(parsed, Parsed)
    assert [snapshot.resource_id for snapshot in parsed.snapshots] == ["msg_1", "msg_1:1"]


@settings(max_examples=examples(1000), deadline=None)
@given(scope=_scopes, data=_data | st.lists(_data, max_size=3))
@example("store/order/refund/created", [{"refund": {"refund_id": 1}}, {"id": 0, "refund": {"refund_id": 1}}])
def test_ingress_and_pipeline_compute_one_key(scope: str, data: Any) -> None:
    """Whatever ids are there or missing; and without a resource the key is the delivery's id."""
    envelope, parsed = _read(scope, data)

    if isinstance(parsed, Parsed):
        root = parsed.snapshots[0].parent or (parsed.snapshots[0].resource_type, parsed.snapshots[0].resource_id)
        assert envelope.key == resource_key("bigcommerce", "acme", envelope.tenant, *root)
    elif not isinstance(data, list):
        assert envelope.key == envelope.delivery_id


@settings(max_examples=examples(1000), deadline=None)
@given(scope=_scopes, data=_data)
def test_resource_without_any_id_is_not_shared(scope: str, data: Document) -> None:
    """Two deliveries of which neither names anything share a resource only where the store or channel has exactly one."""
    nameless = dict.fromkeys(data)
    one, other = _read(scope, nameless, "msg_1")[1], _read(scope, nameless, "msg_2")[1]

    if isinstance(one, Parsed) and isinstance(other, Parsed):
        names = {one.snapshots[0].resource_id, other.snapshots[0].resource_id}
        assert len(names) == 2 or names <= SINGLE


@pytest.mark.parametrize("order", list(permutations(("created", "updated", "converted"))))
def test_cart_of_one_second_ends_as_converted(order: tuple[str, ...]) -> None:
    """Creating a cart also sends `updated`; after `converted` the cart is gone."""
    pipeline = Pipeline(Routes({}))

    for verb in order:
        request = _request(f"store/cart/{verb}", {"id": "c"})
        envelope = BigCommerce().identify("acme", SignedRequest({"webhook-id": verb}, request.body))
        pipeline.decide(raw_delivery("bigcommerce", envelope, request))

    assert msgspec.json.decode(pipeline.changes[-1].after or b"")["scope"] == "store/cart/converted"


def _request(scope: str, data: Any, delivery_id: str = "msg_1") -> SignedRequest:
    body = {"scope": scope, "store_id": "1000042", "data": data, "created_at": SECOND, "producer": "stores/k3v9x2"}
    return SignedRequest({"webhook-id": delivery_id}, msgspec.json.encode(body))


def _read(scope: str, data: Any, delivery_id: str = "msg_1") -> tuple[Envelope, Parsed | Unparsed]:
    request = _request(scope, data, delivery_id)
    envelope = BigCommerce().identify("acme", request)
    return envelope, BigCommerce().parse(raw_delivery("bigcommerce", envelope, request))


def _names(scope: str, ids: Document, delivery_id: str) -> tuple[str, str]:
    snapshot = _only(f"store/{scope}", ids, delivery_id)
    return snapshot.resource_type, snapshot.resource_id


def _only(scope: str, data: Document, delivery_id: str = "msg_1") -> Snapshot:
    _, parsed = _read(scope, data, delivery_id)
    assert isinstance(parsed, Parsed), parsed
    (snapshot,) = parsed.snapshots
    return snapshot

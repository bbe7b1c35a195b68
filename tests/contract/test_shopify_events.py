"""Shopify's Next Gen Events: one resource with the classic webhooks, shown by two renderings, in any order."""

from collections.abc import Mapping
from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Parsed, SignedRequest, Unparsed
from providers.registry import provider
from providers.shopify.events import PARENTS
from providers.shopify.identities import identities
from providers.shopify.provider import Shopify
from providers.shopify.topics import topic_rule
from schemas import codec
from schemas.records import Document, Snapshot, resource_key
from streams.steps.routing import Routes
from tests.support.builders.deliveries import Pipeline, second
from tests.support.builders.provider_requests import NOW, raw_delivery
from tests.support.builders.shopify_events import classic, delivery, request

SHOPIFY = Shopify()
GID = "gid://shopify/Product/1"
SINCE_SEPTEMBER = {"added": [], "updated": [f"product[id: '{GID}'].title"], "removed": []}
BEFORE = [f"product[{GID}].title"]
WHOLE: Document = {
    "id": 1,
    "admin_graphql_api_id": GID,
    "title": "A",
    "body_html": "<b>",
    "vendor": "Acme",
    "created_at": "2026-01-31T06:00:00-05:00",
    "updated_at": "2026-01-31T07:00:00-05:00",
    "tags": "a, b",
    "status": "active",
    "variants": [{"id": 9, "price": "1.00", "sku": "s"}, {"id": 10, "price": "2.00"}],
}
SHOWN: Document = {
    "id": GID,
    "title": "A",
    "descriptionHtml": "<b>",
    "createdAt": "2026-01-31T11:00:00Z",
    "updatedAt": "2026-01-31T12:00:00Z",
    "tags": ["a", "b"],
    "status": "ACTIVE",
    "variants": {"nodes": [{"id": "gid://shopify/ProductVariant/9", "price": "1.00"}]},
}


def envelope(data: Any = None, action: str = "update", changed: Any = None, **fields: Any) -> Document:
    """Return an event's body about product 1."""
    body = {"topic": "Product", "action": action, "handle": "my_products", "query_variables": {"productId": GID}}
    return body | {"fields_changed": SINCE_SEPTEMBER if changed is None else changed, "data": data} | fields


def parsed(posted: SignedRequest) -> tuple[Snapshot, ...]:
    """Return what the pipeline sees, after asserting that the ingress computes the key of its root."""
    found = SHOPIFY.identify("acme", posted)
    result = SHOPIFY.parse(raw_delivery("shopify", found, posted))
    assert isinstance(result, Parsed), result
    root = result.snapshots[0]
    assert found.key == resource_key(
        "shopify", "acme", found.tenant, *(root.parent or (root.resource_type, root.resource_id))
    )
    return result.snapshots


@pytest.mark.parametrize("changed", [SINCE_SEPTEMBER, BEFORE], ids=["lists", "array"])
def test_event_is_unwrapped_and_mapped(changed: Any) -> None:
    """The document is the resource's, under the webhook's names, and partial; the envelope is no part of it."""
    (snapshot,) = parsed(request(envelope({"product": SHOWN}, changed=changed)))

    assert (snapshot.resource_type, snapshot.resource_id, snapshot.is_partial) == ("product", "1", True)
    assert snapshot.version == second(0)
    assert snapshot.document == {
        "id": 1,
        "admin_graphql_api_id": GID,
        "title": "A",
        "body_html": "<b>",
        "created_at": "2026-01-31T11:00:00Z",
        "updated_at": "2026-01-31T12:00:00Z",
        "tags": "a, b",
        "status": "active",
        "variants": [{"id": 9, "admin_graphql_api_id": "gid://shopify/ProductVariant/9", "price": "1.00"}],
    }


@pytest.mark.parametrize(
    "body",
    [
        envelope({"product": {"id": GID}}, query_variables={}),
        envelope({"product": {"legacyResourceId": "1"}}, query_variables=None),
        envelope({"mine": {"id": GID}}, query_variables={}),
        envelope(None, query_variables={}),
        envelope(None, changed=BEFORE, query_variables={}),
        envelope(None, changed={"removed": [f"product[id: '{GID}']"]}, query_variables={}),
        envelope({"product": None}, changed={}),
        {"topic": "Product", "action": "update", "query_variables": {"productId": GID}},
    ],
)
def test_any_part_of_the_body_names_the_resource(body: Document) -> None:
    """The header that did is gone since September 2026; a query need not ask for the id."""
    (snapshot,) = parsed(request(body))

    assert (snapshot.resource_type, snapshot.resource_id) == ("product", "1")


def test_header_names_what_the_body_does_not() -> None:
    """As until September 2026, for a deletion without a query."""
    body = {"topic": "Product", "action": "delete", "handle": "x"}

    (snapshot,) = parsed(request(body, "delete", shopify_resource_id=GID))

    assert (snapshot.resource_id, snapshot.is_deleted) == ("1", True)


@pytest.mark.parametrize("action", ["delete", None])
@pytest.mark.parametrize("data", [None, {"product": None}])
def test_deletion_is_a_deletion(action: str | None, data: Any) -> None:
    """Whether the action is in the header or in the body alone; the query finds nothing any more."""
    (snapshot,) = parsed(request(envelope(data, "delete"), action))

    assert (snapshot.resource_id, snapshot.is_deleted, snapshot.document) == ("1", True, None)
    assert snapshot.event_time == NOW


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("shopify_topic", "Order"),
        ("shopify_action", "delete"),
        ("shopify_resource_id", "gid://shopify/Product/2"),
    ],
)
def test_header_against_the_signed_body_is_refused(header: str, value: str) -> None:
    """The update of a captured body cannot be posted again as a deletion, nor as another resource's."""
    posted = request(envelope({"product": SHOWN}), **{header: value})

    result = SHOPIFY.parse(raw_delivery("shopify", SHOPIFY.identify("acme", posted), posted))

    assert isinstance(result, Unparsed)
    assert result.reason == "misnamed"


def test_variant_beside_its_product_is_a_resource_of_its_own() -> None:
    """Shopify's own example asks for the variant whose price changed, next to its product."""
    price = {"id": "gid://shopify/ProductVariant/9", "price": "24.99", "updatedAt": "2026-01-31T12:00:05Z"}
    data = {"productVariant": price, "product": {"status": "ACTIVE"}, "shop": {"id": "gid://shopify/Shop/1"}}

    product, variant = parsed(request(envelope(data)))

    assert product.document == {"id": 1, "admin_graphql_api_id": GID, "status": "active"}
    assert (variant.resource_type, variant.resource_id, variant.parent) == ("variant", "9", ("product", "1"))
    assert variant.document is not None
    assert (variant.document["price"], variant.version, variant.is_partial) == ("24.99", second(5), True)


def test_alias_is_found_by_its_gid_not_by_its_number() -> None:
    """Shop 1 and product 1 are two things."""
    data = {"shop": {"id": "gid://shopify/Shop/1", "name": "Acme"}, "p": {"id": GID, "title": "B"}}

    (product,) = parsed(request(envelope(data)))

    assert product.document == {"id": 1, "admin_graphql_api_id": GID, "title": "B"}


def test_level_and_variant_share_the_partition_of_the_classic_webhooks() -> None:
    """The parent determines it: in a gid, in the variables, or in what the query returns."""
    level = "gid://shopify/InventoryLevel/24?inventory_item_id=27"
    body = {"topic": "InventoryLevel", "action": "update", "query_variables": {"inventoryLevelId": level}}
    variant = {"id": "gid://shopify/ProductVariant/9", "product": {"id": GID}}
    of_variant = {"topic": "ProductVariant", "action": "update", "data": {"productVariant": variant}}

    (found,) = parsed(request(body, shopify_topic="InventoryLevel"))
    (child,) = parsed(request(of_variant, shopify_topic="ProductVariant"))

    assert (found.resource_id, found.parent) == ("27:24", ("inventory_item", "27"))
    assert (child.resource_id, child.parent) == ("9", ("product", "1"))


def test_parents_are_those_of_the_classic_webhooks() -> None:
    """Another parent would be another partition, and two states of one resource."""
    families = {"inventory_level": "inventory_levels/update", "payment_schedule": "payment_schedules/due"}
    topics = {name: families.get(name, f"{name}s/update") for name in PARENTS}

    assert {name: topic_rule(topic).parent_type for name, topic in topics.items()} == {
        name: parent for name, (parent, _) in PARENTS.items()
    }
    assert PARENTS.keys() <= {row.resource_type for row in identities()}


def state(deliveries: list[SignedRequest]) -> tuple[Pipeline, Document]:
    """Return the pipeline after these deliveries, and the product's document."""
    pipeline = Pipeline(Routes({"acme": provider("shopify")}))
    for index, posted in enumerate(deliveries):
        pipeline.decide(delivery(posted, f"delivery-{index}"))
    row = codec.decode_latest(pipeline.latest[delivery(deliveries[0], "delivery-0").key.encode()])
    assert row.document is not None
    return pipeline, codec.document(row.document)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_two_renderings_in_any_order_lose_no_field(order: tuple[int, ...]) -> None:
    """A whole webhook and two events of the same change: every field of every rendering is there at the end."""
    untimed = envelope({"product": {"title": "A", "totalInventory": 3}})
    posted = [classic(WHOLE | {"total_inventory": 3}), request(envelope({"product": SHOWN})), request(untimed)]

    _, document = state([posted[index] for index in order])

    assert WHOLE.keys() | {"total_inventory"} <= document.keys()
    assert [variant["id"] for variant in document["variants"]] == [9, 10]
    assert document["variants"][0]["sku"] == "s"


def test_event_about_what_is_known_changes_nothing() -> None:
    """Names, enums, tags, money and the notation of times are the webhook's."""
    shown = {name: value for name, value in SHOWN.items() if name != "variants"}

    pipeline, document = state([classic(WHOLE), request(envelope({"product": shown}))])

    assert pipeline.outcomes == ["changed created", "unchanged no_difference"]
    assert document == WHOLE


def test_event_changes_only_what_it_shows() -> None:
    """The change names the field, and `after` is the whole document."""
    later = SHOWN | {"title": "B", "updatedAt": "2026-01-31T12:00:10Z"}

    pipeline, document = state([classic(WHOLE), request(envelope({"product": later}))])

    change = pipeline.changes[-1]
    assert (change.resource_type, change.op) == ("product", "u")
    assert "/title" in change.changed
    assert "/body_html" not in change.changed
    assert document["title"] == "B"
    assert document["vendor"] == "Acme"


def test_older_event_is_stale() -> None:
    """With `updatedAt` by its version, without by the time it was triggered."""
    newer = WHOLE | {"updated_at": "2026-01-31T13:00:00Z"}
    untimed = request(envelope({"product": {"title": "old"}}))

    pipeline, document = state([classic(newer), request(envelope({"product": SHOWN | {"title": "old"}})), untimed])

    assert pipeline.outcomes[1:] == ["stale older_than_stored"] * 2
    assert document["title"] == "A"


def test_event_without_update_time_does_not_make_the_webhook_stale() -> None:
    """It is triggered after the update, and after the webhook, so its time is later than any that the webhook shows."""
    untimed = request(envelope({"product": {"title": "B"}}), shopify_triggered_at="2026-01-31T12:00:01.000000Z")

    pipeline, document = state([untimed, classic(WHOLE)])

    assert pipeline.outcomes == ["changed created", "changed updated"]
    assert document == WHOLE


_ids = st.none() | st.integers(0, 9) | st.sampled_from([GID, "gid://shopify/ProductVariant/9", "gid://shopify/X/", "x"])
_nodes = st.none() | st.dictionaries(
    st.sampled_from(["id", "legacyResourceId", "title", "product", "item"]), _ids, max_size=4
)
_events = st.fixed_dictionaries(
    {},
    optional={
        "topic": st.sampled_from(["Product", "ProductVariant", 5]),
        "action": st.sampled_from(["create", "update", "delete", None]),
        "query_variables": st.none()
        | st.dictionaries(st.sampled_from(["productId", "productVariantId", "inventoryLevelId"]), _ids),
        "fields_changed": st.sampled_from([None, [], BEFORE, SINCE_SEPTEMBER, {"removed": [5]}, [5], "x"]),
        "data": st.none()
        | st.lists(_ids)
        | st.dictionaries(st.sampled_from(["product", "productVariant", "p"]), _nodes | st.lists(_nodes)),
        "id": _ids,
        "handle": st.just("x"),
    },
)
_headers = st.fixed_dictionaries(
    {"shopify-topic": st.sampled_from(["Product", "ProductVariant", "InventoryLevel", "", "ünï"])},
    optional={
        "shopify-action": st.sampled_from(["create", "update", "delete", "?"]),
        "shopify-resource-id": st.sampled_from([GID, "x", "", "gid://shopify/InventoryLevel/1?inventory_item_id=2"]),
    },
)


@given(body=_events, headers=_headers)
def test_any_event_is_identified_and_parsed_alike(body: Document, headers: Mapping[str, str]) -> None:
    """No shape raises, and the ingress computes the key of the resource that the pipeline finds."""
    posted = SignedRequest(headers, msgspec.json.encode(body))
    found = SHOPIFY.identify("acme", posted)
    result = SHOPIFY.parse(raw_delivery("shopify", found, posted))

    assert found.delivery_id
    if isinstance(result, Parsed):
        root = result.snapshots[0]
        assert found.key == resource_key(
            "shopify", "acme", found.tenant, *(root.parent or (root.resource_type, root.resource_id))
        )


@given(body=st.binary(max_size=40))
def test_any_bytes_are_identified(body: bytes) -> None:
    """An unreadable event goes by its delivery id."""
    posted = SignedRequest({"shopify-topic": "Product"}, body)

    assert SHOPIFY.identify("acme", posted).event_type.startswith("product")

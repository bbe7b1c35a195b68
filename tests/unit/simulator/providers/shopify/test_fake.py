"""Tests for simulator/providers/shopify/fake.py: webhooks and GraphQL from one state, and what a query costs."""

from typing import Any

import pytest

from simulator.providers.shopify.fake import ShopifyFake
from tests.support.builders import shopify_documents

NODES = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Product { title updatedAt tags } } }"
GID = "gid://shopify/Product/7"


def test_webhook_and_query_show_one_state() -> None:
    """A change is in both at once; a deletion leaves an id in one and null in the other."""
    fake = ShopifyFake()
    fake.put("product", shopify_documents.product() | {"title": "B"})

    assert fake.webhook("product", "7")["title"] == "B"
    assert fake.execute(NODES, {"ids": [GID]})["data"]["nodes"] == [
        {"id": GID, "title": "B", "updatedAt": "2026-01-31T12:00:00Z", "tags": ["a", "b"]}
    ]
    fake.delete("product", "7")
    assert fake.webhook("product", "7") == {"id": 7}
    assert fake.execute(NODES, {"ids": [GID]})["data"]["nodes"] == [None]


def test_webhook_lists_a_hundred_variants_and_names_all() -> None:
    """The newest are named first."""
    fake = ShopifyFake()
    product = shopify_documents.product(variants=101)
    product["variants"][-1]["updated_at"] = "2026-02-01T07:00:00-05:00"
    fake.put("product", product)

    shown = fake.webhook("product", "7")

    assert (len(shown["variants"]), len(shown["variant_gids"])) == (100, 101)
    assert shown["variant_gids"][0] == {
        "admin_graphql_api_id": "gid://shopify/ProductVariant/101",
        "updated_at": "2026-02-01T12:00:00.000Z",
    }


def test_read_may_lag_behind_the_webhook() -> None:
    """A read that is older than its webhook is what hydration has to expect."""
    fake = ShopifyFake()
    fake.put("product", shopify_documents.product() | {"title": "A"})
    fake.clock.advance(10)
    fake.put("product", shopify_documents.product() | {"title": "B"})
    fake.faults.read_lag_s = 5

    assert fake.execute(NODES, {"ids": [GID]})["data"]["nodes"][0]["title"] == "A"


def test_query_is_charged_for_what_it_brought() -> None:
    """The whole cost is taken before, what was not brought is given back after; a refused query costs nothing."""
    fake = ShopifyFake()
    fake.put("product", shopify_documents.product())

    reply = fake.execute(NODES, {"ids": [GID, "gid://shopify/Product/8"]})
    refused = fake.execute("{ shop { title } }", {})

    assert _cost(reply) == (2, 1, 1_999)
    assert refused["errors"][0]["extensions"]["code"] == "undefinedField"
    assert fake.bucket.level().available == 1_999


def test_empty_bucket_and_dear_queries_are_errors_without_data() -> None:
    """Both are status 200 to a client that looks at the status alone."""
    fake = ShopifyFake()
    fake.bucket.take(2_000)

    throttled = fake.execute(NODES, {"ids": [GID]})
    dear = fake.execute(NODES, {"ids": [GID] * 1_001})

    assert "data" not in throttled
    assert throttled["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert _cost(throttled) == (1, None, 0)
    assert dear["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"


@pytest.mark.parametrize("gid", ["gid://shopify/Product/x", "7", "gid://example/Product/7"])
def test_id_that_is_none_fails_the_whole_query(gid: str) -> None:
    """One bad id, and none of the others is answered."""
    fake = ShopifyFake()
    fake.put("product", shopify_documents.product())

    assert "data" not in fake.execute(NODES, {"ids": [GID, gid]})


def _cost(reply: dict[str, Any]) -> tuple[float, float | None, float]:
    cost = reply["extensions"]["cost"]
    return cost["requestedQueryCost"], cost["actualQueryCost"], cost["throttleStatus"]["currentlyAvailable"]

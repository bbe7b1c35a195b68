"""Tenants: one source serves many accounts of a provider, and the same id in two of them names two resources."""

from typing import Any

import msgspec
import pytest

from providers.base import SignedRequest
from providers.generic import Generic, GenericOptions
from providers.registry import provider
from schemas.records import Document, RawDelivery, key_parts
from streams.steps.routing import Paused, Route, Routes
from tests.contract.test_known_bugs import CREATED_S, decided, identified
from tests.support.builders.deliveries import Pipeline


def bigcommerce(store: str, verb: str, created_s: int, delivery_id: str) -> RawDelivery:
    """Return BigCommerce's notification about product 205 of a store."""
    body = {
        "scope": f"store/product/{verb}",
        "producer": f"stores/{store}",
        "created_at": created_s,
        "data": {"type": "product", "id": 205},
    }
    return identified("bigcommerce", body, {"webhook-id": delivery_id})


def coupon(event_id: str, percent: int, created_s: int, **fields: Any) -> RawDelivery:
    """Return Stripe's event about coupon SUMMER."""
    shown = {"id": "SUMMER", "object": "coupon", "percent_off": percent}
    body = {"id": event_id, "type": "coupon.updated", "created": created_s, "data": {"object": shown}, **fields}
    return identified("stripe", body, {})


def shopify(shop: str, title: str, delivery_id: str) -> RawDelivery:
    """Return a shop's delivery about product 7."""
    headers = {"x-shopify-topic": "products/update", "x-shopify-webhook-id": delivery_id, "x-shopify-shop-domain": shop}
    return identified("shopify", {"id": 7, "title": title, "updated_at": "2026-01-31T12:00:00Z"}, headers)


def live(pipeline: Pipeline) -> dict[tuple[str, str], Document]:
    """Return the documents that exist, by tenant and id."""
    found: dict[tuple[str, str], Document | None] = {}
    for change in pipeline.changes:
        named = key_parts(change.resource_key)
        found[named.tenant, named.resource_id] = None if change.after is None else msgspec.json.decode(change.after)
    return {name: document for name, document in found.items() if document is not None}


def test_stores_of_one_app_have_their_own_products() -> None:
    """bigcommerce-api-php#102: the deletion in one store deleted the product of the other."""
    pipeline = decided(
        bigcommerce("aaa", "created", CREATED_S, "w1"),
        bigcommerce("bbb", "created", CREATED_S + 1, "w2"),
        bigcommerce("bbb", "deleted", CREATED_S + 5, "w3"),
        bigcommerce("aaa", "updated", CREATED_S + 4, "w4"),
    )

    assert pipeline.outcomes == ["changed created", "changed created", "changed deleted", "changed updated"]
    assert live(pipeline).keys() == {("aaa", "205")}


def test_test_mode_never_replaces_live_data() -> None:
    """pay-rails/pay#999: a coupon of test mode with the same id as a live one."""
    pipeline = decided(
        coupon("evt_1", 10, CREATED_S + 1, account="acct_A", livemode=True),
        coupon("evt_2", 99, CREATED_S + 2, account="acct_A", livemode=False),
    )

    assert pipeline.outcomes == ["changed created", "changed created"]
    assert {tenant: document["percent_off"] for (tenant, _), document in live(pipeline).items()} == {
        "acct_A": 10,
        "acct_A:test": 99,
    }


@pytest.mark.parametrize(
    ("fields", "tenant"),
    [
        ({}, ""),
        ({"livemode": True}, ""),
        ({"livemode": False}, "test"),
        ({"account": "acct_1"}, "acct_1"),
        ({"context": "acct_1", "livemode": False}, "acct_1:test"),
        ({"context": "org_1/acct_1"}, "acct_1"),
        ({"context": "org_1/acct_2/acct_1", "account": "acct_1"}, "acct_1"),
        ({"context": "org_1", "livemode": True}, "org_1"),
    ],
)
def test_tenant_of_stripe_is_account_and_mode(fields: dict[str, Any], tenant: str) -> None:
    """Events of the endpoint's own account do not name it."""
    assert coupon("evt_1", 10, CREATED_S, **fields).tenant == tenant


def test_shops_are_told_apart_whatever_the_case_of_their_domain() -> None:
    """Domains are compared without case."""
    pipeline = decided(
        shopify("a.myshopify.com", "A", "w1"),
        shopify("B.myshopify.com", "B", "w2"),
        shopify("b.MYSHOPIFY.com", "C", "w3"),
    )

    assert pipeline.outcomes == ["changed created", "changed created", "changed updated"]
    assert {name: document["title"] for name, document in live(pipeline).items()} == {
        ("a.myshopify.com", "7"): "A",
        ("b.myshopify.com", "7"): "C",
    }


@pytest.mark.parametrize("options", [GenericOptions(tenant_header="X-Shop"), GenericOptions(tenant_path="shop.id")])
def test_configured_sender_names_its_tenant(options: GenericOptions) -> None:
    """By a header or by a path in the body; `|` separates the parts of a key, so it is escaped."""
    request = SignedRequest({"x-shop": "Shop|1"}, b'{"id":7,"shop":{"id":"Shop|1"}}')

    envelope = Generic(options).identify("acme", request)

    assert (envelope.tenant, envelope.key) == ("Shop%7C1", "generic|acme|Shop%7C1|unknown|7")


@pytest.mark.parametrize(
    ("paused", "held"),
    [
        (("acme", "bbb", "product"), ["bbb"]),
        (("acme", "bbb", None), ["bbb"]),
        (("acme", None, "product"), ["aaa", "bbb"]),
        (("acme", "bbb", "order"), []),
        (("other", "bbb", None), []),
    ],
)
def test_pause_of_one_tenant_leaves_the_others(paused: Paused, held: list[str]) -> None:
    """Providers disable webhooks per shop; so do their operators."""
    pipeline = Pipeline(Routes({}, paused=frozenset({paused})))

    results = {
        store: pipeline.decide(bigcommerce(store, "created", CREATED_S, f"w-{store}")) for store in ("aaa", "bbb")
    }

    assert [store for store, result in results.items() if result.outcome.reason == "paused"] == held


def test_route_selects_by_tenant() -> None:
    """The changes of other tenants take no such route."""
    pipeline = Pipeline(Routes({}, (Route("b", tenant="bbb", topic="of-b"),)))

    for store in ("aaa", "bbb"):
        pipeline.decide(bigcommerce(store, "created", CREATED_S, f"w-{store}"))

    assert pipeline.outcomes == ["filtered no_route", "changed created"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"producer":7,"account":{},"livemode":"no"}', b"\xff"])
@pytest.mark.parametrize("name", ["shopify", "bigcommerce", "github", "stripe", "shopery", "standard", "generic"])
def test_body_without_an_account_has_no_tenant(name: str, body: bytes) -> None:
    """Nothing raises."""
    assert provider(name).identify("acme", SignedRequest({}, body)).tenant == ""

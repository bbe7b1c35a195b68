"""What a callback that is about to be posted changes in the demo's store."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from providers.bigcommerce.reads import READINGS
from providers.reading import instant
from schemas.codec import document_json
from schemas.records import Document
from simulator.demo_store.address import STORE
from simulator.demo_store.callbacks import apply_callback, tenant_of
from simulator.demo_store.contents import OPENED, made_product
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.variation import varied

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def callback(scope: str, at: datetime = NOW, **data: Any) -> bytes:
    """Return the body of a callback about a resource of the store."""
    body = {"scope": scope, "producer": f"stores/{STORE}", "created_at": int(at.timestamp()), "data": data}
    return document_json(body)


def product_callback(verb: str = "updated", at: datetime = NOW) -> bytes:
    """Return a callback about product 205."""
    return callback(f"store/product/{verb}", at, type="product", id=205)


@pytest.fixture
def fake() -> FakeBigCommerce:
    """Give a store with one product."""
    made = FakeBigCommerce()
    made.put(STORE, "product", made_product(205, OPENED))
    return made


def product(fake: FakeBigCommerce) -> Document | None:
    """Return the product as it is."""
    return fake.store.get(STORE, "product", "205")


def test_an_update_gives_fields_and_the_time_of_the_callback(fake: FakeBigCommerce) -> None:
    """A read shows what was told, and is not older than the callback promises."""
    apply_callback(fake, product_callback(), {"price": Decimal("12.01")})

    shown = product(fake)
    assert shown is not None
    assert shown["price"] == shown["variants"][0]["calculated_price"] == Decimal("12.01")
    assert shown["name"] == made_product(205, OPENED)["name"]
    assert instant(shown["date_modified"]) == NOW
    assert shown["date_created"] == made_product(205, OPENED)["date_created"]


@pytest.mark.parametrize("verb", ["updated", "deleted"])
def test_a_late_callback_changes_nothing(fake: FakeBigCommerce, verb: str) -> None:
    """The store stays as new as it was: Penstock drops a late deletion as stale too."""
    apply_callback(fake, product_callback(), {})
    before = product(fake)

    assert apply_callback(fake, product_callback(verb, NOW - timedelta(seconds=1)), {"price": Decimal(1)}) == []
    assert product(fake) == before


def test_a_deletion_is_one_and_an_update_after_it_makes_a_product(fake: FakeBigCommerce) -> None:
    """So every callback that is posted in order is true."""
    apply_callback(fake, product_callback("deleted"), {})
    assert product(fake) is None

    apply_callback(fake, product_callback("created", NOW + timedelta(minutes=1)), {})
    assert product(fake) is not None


def test_variations_are_different_states(fake: FakeBigCommerce) -> None:
    """`penstock send --vary` makes each delivery a new version of the product, also in another run."""
    bodies = [varied("bigcommerce", product_callback(), number, NOW + timedelta(minutes=number)) for number in range(3)]
    bodies.append(varied("bigcommerce", product_callback(), 0, NOW + timedelta(minutes=7)))
    prices = []
    for body in bodies:
        apply_callback(fake, body, {})
        prices.append((product(fake) or {})["price"])

    assert len(set(prices)) == len(bodies)


@pytest.mark.parametrize(
    ("scope", "data", "kind", "resource_id"),
    [
        ("store/product/created", {"type": "product", "id": 999}, "product", "999"),
        ("store/product/inventory/updated", {"type": "product", "id": 999, "inventory": {"product_id": 999}}, "product", "999"),
        ("store/sku/updated", {"type": "sku", "id": 7, "sku": {"product_id": 999, "variant_id": 3}}, "product", "999"),
        ("store/order/created", {"type": "order", "id": 9}, "order", "9"),
        ("store/customer/created", {"type": "customer", "id": 9}, "customer", "9"),
        (
            "store/customer/address/created",
            {"type": "customer", "id": 4, "address": {"customer_id": 9}},
            "customer_address",
            "4",
        ),
        ("store/category/created", {"type": "category", "id": 9}, "category", "9"),
        ("store/cart/created", {"type": "cart", "id": "b20deef40f9a"}, "cart", "b20deef40f9a"),
        ("store/shipment/created", {"type": "shipment", "id": 4, "orderId": 9}, "shipment", "4"),
    ],
)  # fmt: skip
def test_whatever_a_callback_names_is_there(
    fake: FakeBigCommerce, scope: str, data: dict[str, Any], kind: str, resource_id: str
) -> None:
    """Also what the store did not have: a read finds it."""
    (named,) = apply_callback(fake, callback(scope, **data), {})

    assert (named.store, named.kind, named.resource_id) == (STORE, kind, resource_id)
    assert fake.store.get(STORE, kind, resource_id) is not None
    assert kind in READINGS


@pytest.mark.parametrize(
    "body",
    [
        callback("store/app/uninstalled"),
        callback("store/priceList/updated", price_list_id=3),
        callback("store/product/updated", type="product", id="no number"),
        b'{"scope": "store/product/updated"',
        b"[]",
    ],
)
def test_what_the_api_does_not_show_changes_nothing(fake: FakeBigCommerce, body: bytes) -> None:
    """Such deliveries are decided as they are."""
    assert apply_callback(fake, body, {}) == []


def test_a_callback_says_whose_it_is() -> None:
    """What cannot be read is nobody's."""
    assert tenant_of(product_callback()) == STORE
    assert tenant_of(b"{") == ""

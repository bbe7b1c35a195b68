"""Tests for simulator/providers/bigcommerce/notices.py and fake.py: what a change tells."""

import msgspec

from schemas.records import Document
from simulator.providers.bigcommerce import documents
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.bigcommerce.notices import Notice
from simulator.providers.clock import START

STORE = "k3v9x2"


def scopes(told: list[Notice]) -> list[str]:
    """Return the scopes of webhooks."""
    return [notice.scope for notice in told]


def data(notice: Notice) -> Document:
    """Return what a webhook says of its resource."""
    found: Document = msgspec.json.decode(notice.body)["data"]
    return found


def test_body_names_the_resource_and_the_store() -> None:
    """As BigCommerce's samples: ids, a hash of the data, seconds."""
    (told,) = FakeBigCommerce().put(STORE, "product", documents.product(311, START))

    body = msgspec.json.decode(told.body)

    assert told.scope == body["scope"] == "store/product/created"
    assert body["data"] == {"type": "product", "id": 311}
    assert body["producer"] == "stores/k3v9x2"
    assert body["created_at"] == START.timestamp()
    assert len(body["hash"]) == 40
    assert body["store_id"].isdigit()


def test_hash_does_not_tell_events_apart() -> None:
    """In BigCommerce's samples created, updated and deleted of one resource share a hash."""
    fake = FakeBigCommerce()
    created = fake.put(STORE, "product", documents.product(311, START))
    updated = fake.change(STORE, "product", "311", {"name": "Other"})
    deleted = fake.delete(STORE, "product", "311")

    assert len({msgspec.json.decode(notice.body)["hash"] for notice in [*created, *updated, *deleted]}) == 1
    assert scopes([*created, *updated, *deleted]) == [
        "store/product/created",
        "store/product/updated",
        "store/product/deleted",
    ]


def test_change_moves_the_update_time() -> None:
    """In whole seconds, in the form of the API's version; what has no time gets none."""
    fake = FakeBigCommerce()
    fake.put(STORE, "order", documents.order(480, START))
    fake.put(STORE, "category", documents.category(23))
    fake.clock.advance(61.7)

    fake.change(STORE, "order", "480", {"staff_notes": "fragile"})
    fake.change(STORE, "category", "23", {"name": "Lamps"})

    order, category = fake.store.get(STORE, "order", "480"), fake.store.get(STORE, "category", "23")
    assert order
    assert category
    assert (order["staff_notes"], order["date_modified"]) == ("fragile", "Mon, 02 Nov 2026 09:01:01 +0000")
    assert category == {**documents.category(23), "name": "Lamps"}


def test_change_that_changes_nothing_tells_nothing() -> None:
    """Within the same second, with the same values."""
    fake = FakeBigCommerce()
    fake.put(STORE, "product", documents.product(311, START))

    assert fake.change(STORE, "product", "311", {"name": "Lamp 311"}) == []


def test_product_tells_of_its_stock_and_variants() -> None:
    """Level and SKUs have scopes of their own; the base variant has no SKU."""
    fake = FakeBigCommerce()
    product = documents.product(311, START, variants=2)
    created = fake.put(STORE, "product", product)
    variants = [{**product["variants"][0], "price": 1}]

    changed = fake.change(STORE, "product", "311", {"inventory_level": 3, "variants": variants})
    single = fake.put(STORE, "product", documents.product(312, START))

    assert scopes(created) == ["store/product/created", "store/sku/created", "store/sku/created"]
    assert scopes(changed) == [
        "store/product/updated",
        "store/product/inventory/updated",
        "store/sku/updated",
        "store/sku/deleted",
    ]
    assert data(changed[1])["inventory"] == {"product_id": 311, "method": "absolute", "value": 3}
    assert data(changed[2]) == {"type": "sku", "id": 311500, "sku": {"product_id": 311, "variant_id": 311000}}
    assert scopes(single) == ["store/product/created"]


def test_stock_may_change_without_the_product() -> None:
    """Only the stock is told, and the update time stays: no reader may rely on it to tell an older read from a newer one."""
    fake = FakeBigCommerce()
    fake.put(STORE, "product", documents.product(311, START))
    fake.clock.advance(60)

    told = fake.set_stock(STORE, "311", 3)

    assert scopes(told) == ["store/product/inventory/updated"]
    product = fake.store.get(STORE, "product", "311")
    assert product
    assert (product["inventory_level"], product["date_modified"]) == (3, documents.iso_time(START))


def test_order_tells_of_its_status_and_is_archived() -> None:
    """A status has a scope of its own; deleting an order only marks it."""
    fake = FakeBigCommerce()
    fake.put(STORE, "order", documents.order(480, START))

    shipped = fake.change(STORE, "order", "480", documents.order_status(2))
    archived = fake.delete(STORE, "order", "480")

    assert scopes(shipped) == ["store/order/updated", "store/order/statusUpdated"]
    assert data(shipped[1])["status"] == {"previous_status_id": 11, "new_status_id": 2}
    assert scopes(archived) == ["store/order/archived"]
    assert msgspec.json.decode(archived[0].body)["scope"] == "store/order/archived"
    order = fake.store.get(STORE, "order", "480")
    assert order
    assert order["is_deleted"] is True


def test_parts_name_what_they_belong_to() -> None:
    """An address its customer, a shipment its order; stock names all three of its ids; a new cart is also updated."""
    fake = FakeBigCommerce()

    address = fake.put(STORE, "customer_address", documents.customer_address(118, 75))
    shipment = fake.put(STORE, "shipment", documents.shipment(31, 480, START))
    stock = fake.put(STORE, "inventory", documents.inventory(311, 2, 9), "311:311002:4")
    cart = fake.put(STORE, "cart", documents.cart("5f0e7c7a-2f6d-4c55-9a51-0c2f6a1d9e33", START))

    assert data(address[0]) == {"type": "customer", "id": 118, "address": {"customer_id": 75}}
    assert data(shipment[0]) == {"type": "shipment", "id": 31, "orderId": 480}
    assert stock[0].scope == "store/channel/*/inventory/product/stock_changed"
    assert data(stock[0]) == {"product_id": 311, "variant_id": 311002, "location_id": 4}
    assert scopes(cart) == ["store/cart/created", "store/cart/updated"]

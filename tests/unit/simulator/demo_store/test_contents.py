"""What the demo's store begins with."""

from decimal import Decimal

from simulator.demo_store.contents import OPENED, contents, made_product


def test_the_store_begins_the_same_every_time() -> None:
    """A dozen products with different names and prices."""
    found = list(contents())

    assert found == list(contents())
    products = [document for kind, document in found if kind == "product"]
    assert [product["id"] for product in products] == list(range(201, 213))
    assert len({product["name"] for product in products}) == len({product["price"] for product in products}) == 12


def test_a_product_says_the_same_everywhere() -> None:
    """Its only variant has its price and SKU, and its page its SKU."""
    product = made_product(205, OPENED)

    (variant,) = product["variants"]
    assert product["price"] == product["calculated_price"] == variant["calculated_price"]
    assert isinstance(product["price"], Decimal)
    assert product["sku"] == variant["sku"]
    assert product["custom_url"]["url"] == f"/{product['sku'].lower()}/"

"""What the demo's store begins with, a dozen products of one category, and what a product that it gets later looks like."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from schemas.records import Document
from simulator.providers.bigcommerce.documents import category, product
from simulator.sample_payloads import NAMES

OPENED: Final = datetime(
    2015, 1, 5, 9, tzinfo=UTC
)  # older than the callbacks in documents, which would come late otherwise
FIRST_ID: Final = 201
CATEGORY_ID: Final = 23


def contents() -> Iterator[tuple[str, Document]]:
    """Yield the kind and the document of each resource."""
    yield "category", category(CATEGORY_ID)
    for number in range(FIRST_ID, FIRST_ID + len(NAMES)):
        yield "product", made_product(number, OPENED)


def made_product(number: int, now: datetime) -> Document:
    """Return a product: its id decides everything but the time."""
    name = NAMES[number % len(NAMES)]
    fields = {
        "name": name,
        "sku": f"{name.upper()}-{number % 10_000}",
        "price": Decimal(1_490 + number % 24 * 350) / 100,
    }
    return with_fields("product", product(number, now), fields)


def with_fields(kind: str, document: Document, fields: Document) -> Document:
    """Return a document with other values in some fields; what a product shows of them elsewhere follows."""
    changed = {**document, **fields}
    if kind == "product":
        price, sku, name = changed["price"], changed["sku"], changed["name"]
        variants = [{**variant, "sku": sku, "calculated_price": price} for variant in document["variants"]]
        changed |= {"calculated_price": price, "variants": variants, "description": f"<p>{name}, handmade.</p>"}
        changed["custom_url"] = {"url": f"/{sku.lower()}/", "is_customized": False}
    return changed

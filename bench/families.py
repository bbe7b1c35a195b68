"""Products with children: 40 variants in 5.9 kB, two of which change in an update, the same in every run."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from schemas.records import RawDelivery
from simulator.shop_deliveries import FIRST_ID, SOURCE, STEP_S, kept, product

VARIANTS: Final = 40
CHANGED: Final = 2  # variants changed by an update: a price here, a stock level there
OTHER_CHILDREN: Final = 2  # an image and an option
PLAIN: Final = (0, 1, 1)  # variants, images, paragraphs


def family(number: int, version: int) -> bytes:
    """Return version number `version` of a product, counted from 0."""
    document: dict[str, Any] = msgspec.json.decode(product(number, version * STEP_S, 0, PLAIN))
    document["variants"] = [_variant(document["id"], index, version) for index in range(VARIANTS)]
    return msgspec.json.encode(document)


def families(products: int, versions: int) -> Iterator[RawDelivery]:
    """Yield each product's creation, then each product's next version, and so on."""
    for version in range(versions):
        for number in range(products):
            yield kept(family(number, version), f"{SOURCE}-{version}-{number}", version * STEP_S)


def expected_events(products: int, versions: int, has_children: bool) -> int:
    """Return the number of changes that the deliveries make."""
    created, updated = (1 + VARIANTS + OTHER_CHILDREN, 1 + CHANGED) if has_children else (1, 1)
    return products * (created + (versions - 1) * updated)


def body_bytes() -> int:
    """Return the length of a body."""
    return len(family(1234, 1))


def _variant(product_id: int, index: int, version: int) -> dict[str, Any]:
    turns = VARIANTS // CHANGED
    changes = (version + turns - index // CHANGED - 1) // turns  # how many updates changed this pair of variants
    variant_id = (product_id - FIRST_ID) * 100 + FIRST_ID + index
    return {
        "id": variant_id,
        "product_id": product_id,
        "title": f"Size {index}",
        "price": f"{10 + changes % 90}.00",
        "sku": f"NW-{index}",
        "inventory_quantity": 100 - changes % 100,
    }

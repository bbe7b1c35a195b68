"""The fake BigCommerce's documents have the fields and types of the column tables, which come from its published reference."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from schemas.records import Document
from schemas.typed.columns import column_table
from schemas.typed.encode import encoder
from simulator.providers.bigcommerce import documents

NOW = datetime(2026, 11, 1, 12, 0, 30, tzinfo=UTC)
MADE: dict[str, Callable[[], Document]] = {
    "product": lambda: documents.product(7, NOW),
    "order": lambda: documents.order(7, NOW),
    "customer": lambda: documents.customer(7, NOW),
    "category": lambda: documents.category(7),
    "cart": lambda: documents.cart("1f2a3b4c-0000", NOW),
}


@pytest.mark.parametrize("resource_type", MADE)
def test_fields_and_types_are_the_published_ones(resource_type: str) -> None:
    """No field is unknown, none has another type, and at least half of the columns are there."""
    table = column_table("bigcommerce", resource_type)
    assert table is not None
    document = MADE[resource_type]()
    encoded = encoder(table)(document)

    assert encoded.misfits == ()
    assert encoded.unknown == ()
    assert len(document) >= len(table.columns) / 2

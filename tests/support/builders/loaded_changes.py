"""Changes as the loader reads them, for tests of rows and engines."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from msgspec.structs import replace

from schemas.codec import document_json
from schemas.records import resource_key
from schemas.typed.columns import Column, ColumnTable
from sinks.warehouse.rows.records import LoadedChange, Place
from sinks.warehouse.rows.shape import Layouts

START = datetime(2026, 1, 1, tzinfo=UTC)
SYNCED = datetime(2026, 2, 1, tzinfo=UTC)
TOPIC = "changes.shopify.product"

PRODUCT = ColumnTable(
    "shopify",
    "product",
    "made up",
    (
        Column("id", "long", "Its id."),
        Column("title", "string", "Its title."),
        Column("price", "decimal", "Its price."),
        Column("weight", "number", "Its weight."),
        Column("is_gift", "boolean", "Whether it is one."),
        Column("updated_at", "time", "When it was changed."),
        Column("created", "seconds", "When it was made."),
        Column("options", "json", "Its options."),
    ),
)
VARIANT = ColumnTable(
    "shopify", "variant", "made up", (Column("id", "long", "Its id."), Column("sku", "string", "Its SKU."))
)
OWN_TYPES = {"shopify": {"product", "variant", "order", "order_line_item"}}


def layouts(*tables: ColumnTable) -> Layouts:
    """Return layouts from column tables; by default of a product and its variants."""
    known = {(table.provider, table.resource): table for table in tables or (PRODUCT, VARIANT)}
    return Layouts(lambda provider, resource: known.get((provider, resource)), OWN_TYPES)


def change(offset: int, resource_id: str = "1", **fields: Any) -> LoadedChange:
    """Return the change of a product at an offset, one second after the one before; `document` is its newest document."""
    document = fields.pop("document", {"id": int(resource_id), "title": f"title {offset}"})
    resource_type = fields.pop("resource_type", "product")
    source = fields.pop("source", "my-shop")
    op = fields.pop("op", "u")
    text = document_json(document).decode()
    time = START + timedelta(seconds=offset)
    made = LoadedChange(
        Place(fields.pop("topic", TOPIC), fields.pop("partition", 0), offset),
        str(uuid5(NAMESPACE_OID, f"{source} {resource_type} {resource_id} {offset}")),
        op,
        resource_key("shopify", source, "", resource_type, resource_id),
        "",
        resource_type,
        resource_id,
        None,
        (),
        text if op in {"u", "d"} else None,
        None if op == "d" else text,
        time,
        time,
        time,
        time,
        "shopify",
        source,
        f"delivery-{offset}",
        "products/update",
        "2026-07",
        0,
        offset,
    )
    return replaced(made, **fields)


def replaced(made: LoadedChange, **fields: Any) -> LoadedChange:
    """Return a change with other fields."""
    return replace(made, **fields)

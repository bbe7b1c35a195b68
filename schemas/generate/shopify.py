"""Shopify: JSON Schemas of each topic and API version, which were inferred from samples.

They know neither money nor, where a sample had none, times: both are recognised by the field's name.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from schemas.generate.fields import (
    Field,
    Files,
    Resources,
    Schema,
    SourceError,
    elements,
    newest_first,
    properties,
    types_and_formats,
    united,
)

VERSIONS: Final = ("2026-07", "2026-04", "2026-01", "2025-10")
"""The API versions that Shopify supports, the newest first: a source may subscribe with any of them."""

VIEWS: Final[Mapping[str, str]] = {
    "checkout": "checkouts/create checkouts/update",
    "collection": "collections/create collections/update",
    "customer": "customers/create customers/update customers/enable customers/disable",
    "customer_address": "customers/create:addresses customers/update:addresses customers/update:default_address",
    "discount": "discounts/create discounts/update",
    "draft_order": "draft_orders/create draft_orders/update",
    "fulfillment": "fulfillments/create fulfillments/update orders/fulfilled:fulfillments orders/updated:fulfillments",
    "inventory_item": "inventory_items/create inventory_items/update",
    "inventory_level": "inventory_levels/connect inventory_levels/update",
    "location": "locations/create locations/update locations/activate locations/deactivate",
    "order": "orders/create orders/updated orders/paid orders/cancelled orders/fulfilled orders/partially_fulfilled",
    "order_line_item": "orders/create:line_items orders/updated:line_items orders/fulfilled:line_items",
    "order_shipping_line": "orders/create:shipping_lines orders/updated:shipping_lines orders/paid:shipping_lines",
    "order_transaction": "order_transactions/create",
    "product": "products/create products/update",
    "product_image": "products/create:images products/update:images",
    "product_option": "products/create:options products/update:options",
    "refund": "refunds/create orders/updated:refunds orders/paid:refunds",
    "variant": "products/create:variants products/update:variants variants/in_stock variants/out_of_stock",
}
"""The topics that show a resource; after a colon, the field of the topic's document that lists it or holds it."""

_MONEY: Final = re.compile(
    r"(^|_)(price|amount|subtotal|tax|discounts?|duties|cost|fee|balance|spent|outstanding|tip_received|rounding)($|_)"
)
_NO_MONEY: Final = re.compile(r"_(id|type|code|name|number|currency)$")


def resources(files: Files, views: Mapping[str, str] = VIEWS, versions: Iterable[str] = VERSIONS) -> Resources:
    """Return the fields of each resource in every supported API version."""
    return newest_first(*(_version(files, views, version) for version in versions))


def _version(files: Files, views: Mapping[str, str], version: str) -> dict[str, tuple[Field, ...]]:
    fields = {
        name: united(*(_fields(schema) for view in shown.split() for schema in _schemas(files, version, view)))
        for name, shown in views.items()
    }
    if empty := sorted(name for name, found in fields.items() if not found):
        raise SourceError(f"Shopify {version}: expected a schema with fields of {', '.join(empty)}, found none")
    return fields


def _schemas(files: Files, version: str, view: str) -> Iterator[Schema]:
    """Yield the schemas of a view; an API version need not have every topic."""
    topic, _, field = view.partition(":")
    file = files.get(f"package/schemas/{version}/{topic}.json")
    if file is None:
        return
    schema: dict[str, Any] = json.loads(file)
    if not field:
        yield schema
        return
    for found in properties(schema, {}).get(field, ()):
        yield from elements(found, {})
        yield found  # an object is its own schema, and a list has no properties


def _fields(schema: Schema) -> Iterator[Field]:
    for name, schemas in properties(schema, {}).items():
        types, formats = types_and_formats(schemas, {})
        yield Field(name, types or _only_null(name), _form(name, formats))


def _only_null(name: str) -> frozenset[str]:
    """Return the likely type of a field that was null in every sample: those that are nested show it by their names."""
    return frozenset({"object" if name.endswith(("_set", "_details")) else "string"})


def _form(name: str, formats: frozenset[str]) -> str:
    if "date-time" in formats or name.endswith("_at"):
        return "time"
    if (_MONEY.search(name) or name.startswith(("total_", "current_total_"))) and not (
        _NO_MONEY.search(name) or formats
    ):
        return "decimal"
    return ""

"""What can be read from BigCommerce's API, as data: one row per resource type. Pure; `api.py` makes the requests.

Source: BigCommerce's REST reference (catalog, customers, carts, inventory V3; orders, store V2), read 2026-11.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import quote

from msgspec import Struct

from providers.api import Wanted
from providers.bigcommerce.rules import STORE_TYPE
from providers.outline import at
from providers.reading import text_id
from schemas.records import Document, Snapshot

MAX_PAGE: Final = 250  # of every list; a page of products with their options has only 10
NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


class Reading(Struct, frozen=True):
    """How one resource type is read.

    `path` is below the store's address. `{id}` in it is the resource's id, `{parent}` that of what it belongs to; `names` are the
    parts of an id that is joined by `:`. With `ids`, a query parameter, one request reads up to `batch` resources, which the
    reply lists with their id at `key`; without, the reply is the resource alone. `envelope` is "data" for V3 (`{data, meta}`) and
    "bare" for V2. `parts` are lists of V2 that the resource shows only as links: each is a request more, and takes the link's
    place. `version` is the field with the update time, `parent` the type and the field of what the resource belongs to.
    `volatile` fields are no change alone. `right` is what the token needs, as the control panel names it.
    """

    path: str
    right: str
    envelope: Literal["data", "bare"] = "data"
    query: Mapping[str, str] = {}
    ids: str = ""
    batch: int = 1
    key: str = "id"
    names: tuple[str, ...] = ("id",)
    parts: Mapping[str, str] = {}
    version: str | None = None
    parent: tuple[str, str] | None = None
    volatile: frozenset[str] = frozenset()


_LIST: Final = "id:in"
READINGS: Final[Mapping[str, Reading]] = {
    "cart": Reading(
        "/v3/carts/{id}",
        "Carts: read-only",
        query={"include": "line_items.physical_items.options,line_items.digital_items.options"},
        version="updated_time",
        volatile=frozenset({"updated_time", "version"}),
    ),
    "category": Reading("/v3/catalog/categories", "Products: read-only", ids=_LIST, batch=MAX_PAGE),
    # Without `include=addresses`: it shows ten at most, and an address may change without its customer.
    "customer": Reading(
        "/v3/customers",
        "Customers: read-only",
        query={"include": "attributes,formfields,storecredit,shopper_profile_id,segment_ids"},
        ids=_LIST,
        batch=MAX_PAGE,
        version="date_modified",
        volatile=frozenset({"date_modified"}),
    ),
    "customer_address": Reading(
        "/v3/customers/addresses",
        "Customers: read-only",
        query={"include": "formfields"},
        ids=_LIST,
        batch=MAX_PAGE,
        parent=("customer", "customer_id"),
    ),
    "inventory": Reading(
        "/v3/inventory/locations/{location}/items",
        "Store inventory: read-only",
        ids="variant_id:in",
        batch=MAX_PAGE,
        key="identity.variant_id",
        names=("product", "id", "location"),
        parent=("product", "identity.product_id"),
    ),
    "location": Reading("/v3/inventory/locations", "Store locations: read-only", ids="location_id:in", batch=MAX_PAGE),
    "order": Reading(
        "/v2/orders/{id}",
        "Orders: read-only",
        "bare",
        parts={"products": "/v2/orders/{id}/products", "shipping_addresses": "/v2/orders/{id}/shipping_addresses"},
        version="date_modified",
        volatile=frozenset({"date_modified"}),
    ),
    # 100 products with ten variants each are about 2 MB; one of 600 variants is 0.6 MB. `view_count` counts visitors.
    "product": Reading(
        "/v3/catalog/products",
        "Products: read-only",
        query={"include": "variants,images,custom_fields,bulk_pricing_rules,primary_image"},
        ids=_LIST,
        batch=100,
        version="date_modified",
        volatile=frozenset({"date_modified", "view_count"}),
    ),
    "shipment": Reading(
        "/v2/orders/{parent}/shipments/{id}", "Orders: read-only", "bare", parent=("order", "order_id")
    ),
    STORE_TYPE: Reading("/v2/store", "Information and settings: read-only", "bare"),
}

READ_WITH_PARENT: Final[Mapping[str, str]] = {
    "cart_line_item": "cart",
    "product_inventory": "product",
    "sku": "product",
    "sku_inventory": "product",
}
"""Parts that their parent's document contains: reading the parent brings them, and keeps the parent as it is at BigCommerce."""


def wanted(snapshot: Snapshot) -> Wanted | None:
    """Return what to read for a notification; None if it needs no read (a deletion) or cannot be read.

    The wanted resource may be another than the notified one: of a product's stock and variants it is the product.
    """
    parent_type = READ_WITH_PARENT.get(snapshot.resource_type)
    if parent_type is not None and snapshot.parent is not None and snapshot.parent[0] == parent_type:
        return _named(Wanted(*snapshot.parent))  # also when the part is gone: its parent has changed
    if snapshot.is_deleted:
        return None
    parent_id = snapshot.parent[1] if snapshot.parent else ""
    return _named(Wanted(snapshot.resource_type, snapshot.resource_id, context=parent_id))


def _named(found: Wanted) -> Wanted | None:
    return None if path_of(found) is None else found


def path_of(wanted: Wanted) -> str | None:
    """Return the path that a resource is read by, which those of one batch have in common; None if it cannot be read.

    An id that BigCommerce takes for wrong would spoil its whole batch, so it must be a number.
    """
    reading = READINGS.get(wanted.resource_type)
    if reading is None:
        return None
    names = names_of(wanted, reading)
    if "id" not in names or (reading.ids and not NUMBER.fullmatch(names["id"])):
        return None
    if "{parent}" in reading.path and not names["parent"]:
        return None
    return reading.path.format_map({name: quote(value, safe="") for name, value in names.items()})


def names_of(wanted: Wanted, reading: Reading) -> dict[str, str]:
    """Return what the placeholders of a path stand for; without `id` if the resource's id has other parts than expected."""
    parts = wanted.resource_id.split(":") if len(reading.names) > 1 else [wanted.resource_id]
    if len(parts) != len(reading.names) or not all(parts):
        return {}
    return {"parent": wanted.context, **dict(zip(reading.names, parts, strict=True))}


def element_id(document: Document, reading: Reading) -> str | None:
    """Return the id of an element of a reply's list, None if it has none."""
    return text_id(at(document, reading.key))

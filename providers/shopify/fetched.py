"""Shopify's resources as its GraphQL API shows them: which deliveries need a read, and what a read tells. Pure.

A read is written as a classic webhook writes its resource, with the fields of `selections` alone: it is a partial document, and
a field that it lacks keeps its stored value. A list that the reply does not show to its end is left out, so that it keeps its
stored elements.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from providers.api import Wanted
from providers.base import Parsed, Unparsed
from providers.reading import instant, text_id
from providers.shopify.children import CHILDREN, MAX_VARIANTS, UPDATED, VOLATILE_OF_PARENTS
from providers.shopify.events import PARENTS, partial_snapshot
from providers.shopify.graphql import as_webhook, partial_lists
from providers.shopify.ids import plain_id
from providers.shopify.selections import SELECTIONS
from schemas.records import Document, RawDelivery, Snapshot

READABLE: Final = frozenset(SELECTIONS)
"""The resource types that can be read."""

_GID_LIST: Final = "variant_gids"
_IDS: Final = frozenset({"id", "admin_graphql_api_id"})
_ONLY_IN_GRAPHQL: Final = frozenset({"total_outstanding_set", "total_tip_received_set", "measurement", "weight"})
"""Names under which GraphQL's objects are left over after their values were taken; no webhook has them."""

# By resource type, what elements of a list say of their parent: the list's field, and the element's field with the parent's id.
_PARENT_IDS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "product": (("variants", "product_id"), ("options", "product_id")),
    "customer": (("addresses", "customer_id"), ("default_address", "customer_id")),
}
# Inventory levels are named by the two that they connect, as in the webhooks.
_COMPOSITE_IDS: Final[Mapping[str, tuple[str, str]]] = {"inventory_level": ("inventory_item_id", "location_id")}


def needs_read(snapshot: Snapshot) -> bool:
    """Say whether a delivery's snapshot lacks content that a read would bring.

    That is an event whose subscription has no query, and a product with more variants than a webhook shows.
    """
    document = snapshot.document
    if document is None or snapshot.resource_type not in READABLE:
        return False
    return (snapshot.is_partial and document.keys() <= _IDS) or bool(_hidden_variants(snapshot.resource_type, document))


def wanted(snapshot: Snapshot, delivery: RawDelivery) -> Wanted | None:
    """Return how to read what a delivery's snapshot is about, None for a type without a selection."""
    if snapshot.resource_type not in READABLE:
        return None
    return Wanted(snapshot.resource_type, snapshot.resource_id, api_version=delivery.api_version)


def document_of(wanted: Wanted, node: Document) -> Document:
    """Return a GraphQL object, read with its type's selection, as the webhook of its type."""
    resource_type = wanted.resource_type
    cut = partial_lists(resource_type, node)
    shown = as_webhook(resource_type, node) | _ids_within(wanted)
    document = {name: value for name, value in shown.items() if name not in cut and name not in _ONLY_IN_GRAPHQL}
    for field, name in _PARENT_IDS.get(resource_type, ()):
        for element in _objects(document.get(field)):
            element[name] = document.get("id")
    if resource_type == "product" and isinstance(document.get("variants"), list):
        document[_GID_LIST] = _variant_gids(document["variants"])
    if resource_type == "customer":
        _complete_addresses(document)
    return document


def parse_fetched(resource_type: str, document: Document, read_at: datetime) -> Parsed | Unparsed:
    """Return what a document of `document_of` tells; `read_at` is the time at which the read started (aware UTC).

    A product comes with each of its variants beyond the first hundred, which its own document does not list, as in the
    webhooks: else the list would grow with every read and shrink with every webhook.
    """
    resource_id = _resource_id(resource_type, document)
    if resource_id is None:
        return Unparsed("unknown_shape", f"expected a {resource_type} with an id")
    variants = document.get("variants") if resource_type == "product" else None
    beyond = variants[MAX_VARIANTS:] if isinstance(variants, list) else []
    shown = document | {"variants": variants[:MAX_VARIANTS]} if beyond and variants else document
    root = _snapshot(resource_type, resource_id, shown, read_at)
    others = [_variant(variant, resource_id, read_at) for variant in _objects(beyond)]
    return Parsed((replace(root, children=CHILDREN.get(resource_type, ())), *(other for other in others if other)))


def _snapshot(resource_type: str, resource_id: str, document: Document, read_at: datetime) -> Snapshot:
    snapshot = partial_snapshot(resource_type, resource_id, {}, document)
    # The read shows each variant itself, and the webhooks' order of variants with one update time is not documented.
    volatile = VOLATILE_OF_PARENTS.get(resource_type, snapshot.volatile) | {_GID_LIST}
    return replace(snapshot, event_time=read_at, parent=_parent(resource_type, document), volatile=volatile)


def _variant(document: Document, product_id: str, read_at: datetime) -> Snapshot | None:
    variant_id = _resource_id("variant", document)
    if variant_id is None:
        return None
    return replace(_snapshot("variant", variant_id, document, read_at), parent=("product", product_id))


def _ids_within(wanted: Wanted) -> Document:
    """Return the ids of which a composite id is made: to ask for the location of a level would take another right."""
    names = _COMPOSITE_IDS.get(wanted.resource_type, ())
    return {name: int(part) for name, part in zip(names, wanted.resource_id.split(":"), strict=False) if part.isdigit()}


def _resource_id(resource_type: str, document: Document) -> str | None:
    if resource_type in _COMPOSITE_IDS:
        parts = [text_id(document.get(name)) for name in _COMPOSITE_IDS[resource_type]]
        return ":".join(part for part in parts if part) if all(parts) else None
    return plain_id(document.get("id")) or plain_id(document.get("admin_graphql_api_id"))


def _parent(resource_type: str, document: Document) -> tuple[str, str] | None:
    """Return the parent that the resource has in classic webhooks, by the field in which these name it."""
    if resource_type not in PARENTS:
        return None
    parent_type = PARENTS[resource_type][0]
    parent_id = text_id(document.get(f"{parent_type}_id"))
    return None if parent_id is None else (parent_type, parent_id)


def _hidden_variants(resource_type: str, document: Document) -> dict[str, Any]:
    """Return the update time, as written, of each variant that a product names and does not show."""
    if resource_type != "product":
        return {}
    shown = {text_id(variant.get("id")) for variant in _objects(document.get("variants"))}
    named = {
        plain_id(variant.get("admin_graphql_api_id")): variant.get(UPDATED)
        for variant in _objects(document.get(_GID_LIST))
    }
    return {variant_id: updated for variant_id, updated in named.items() if variant_id and variant_id not in shown}


def _variant_gids(variants: list[Document]) -> list[Document]:
    """Return the list by which a webhook names all variants, the last updated first, with times in UTC as it writes them."""
    gids = [
        {"admin_graphql_api_id": variant.get("admin_graphql_api_id"), UPDATED: _in_utc(variant.get(UPDATED))}
        for variant in _objects(variants)
    ]
    return sorted(gids, key=lambda gid: str(gid[UPDATED]), reverse=True)


def _in_utc(value: object) -> object:
    time = instant(value)
    return value if time is None else f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03}Z"


def _complete_addresses(document: Document) -> None:
    """Add to a customer's addresses what follows from the others of their fields."""
    default = document.get("default_address")
    default_id = default.get("id") if isinstance(default, dict) else None
    for address in (*_objects(document.get("addresses")), *_objects(default)):
        address["country_name"] = address.get("country")
        address["default"] = address.get("id") == default_id


def _objects(value: object) -> Iterator[Document]:
    """Yield the objects in a list, or the object itself."""
    for element in value if isinstance(value, list) else (value,):
        if isinstance(element, dict):
            yield element

"""The lists of the fake Shopify: the fields of its query root that have pages of resources, and of events."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from schemas.records import Document
from simulator.providers.graphql import Connection
from simulator.providers.shopify import objects
from simulator.providers.shopify.objects import Node
from simulator.providers.shopify.search import found_by

EVENTS: Final = "event"
LEVELS: Final = "inventory_level"
_LISTS: Final = {
    "products": "product",
    "customers": "customer",
    "orders": "order",
    "collections": "collection",
    "inventoryItems": "inventory_item",
}
_MADE: Final[Mapping[str, Callable[[Document], Node]]] = {
    "product": objects.product,
    "customer": objects.customer,
    "order": objects.order,
    "collection": objects.collection,
    "inventory_item": objects.inventory_item,
}
_FIELDS: Final = ("id", "created_at", "updated_at")
_EVENT_FIELDS: Final = ("id", "created_at", "action", "subject_type")


class Lists:
    """The lists of what `documents` returns for a kind of resource."""

    def __init__(self, documents: Callable[[str], Sequence[Document]]) -> None:
        self._documents = documents

    def fields(self) -> Node:
        """Return the fields of the query root."""
        return {
            **{field: partial(self._list, kind) for field, kind in _LISTS.items()},
            "productVariants": self._variants,
            "events": self._events,
            "locations": lambda arguments: found_by(self._locations(), self._location, arguments, _FIELDS),
        }

    def _events(self, arguments: Mapping[str, Any]) -> Connection:
        return found_by(self._documents(EVENTS), objects.event, arguments, _EVENT_FIELDS)

    def _list(self, kind: str, arguments: Mapping[str, Any]) -> Connection:
        return found_by(self._documents(kind), _MADE[kind], arguments, _FIELDS)

    def _variants(self, arguments: Mapping[str, Any]) -> Connection:
        products = {
            variant["id"]: (variant, document)
            for document in self._documents("product")
            for variant in document.get("variants", ())
        }
        variants = [variant for variant, _ in products.values()]
        return found_by(variants, lambda each: objects.variant(*products[each["id"]]), arguments, _FIELDS)

    def _locations(self) -> list[Document]:
        """Return the locations of all levels, as documents with an id."""
        return [{"id": number} for number in sorted({level["location_id"] for level in self._documents(LEVELS)})]

    def _location(self, document: Document) -> Node:
        levels = [
            level | {"id": level["inventory_item_id"]}
            for level in self._documents(LEVELS)
            if level["location_id"] == document["id"]
        ]
        return objects.location(
            document, lambda arguments: found_by(levels, objects.inventory_level, arguments, _FIELDS)
        )

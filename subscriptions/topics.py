"""The names under which providers register what a source wants: by resource type, or the usual ones. Pure.

A provider that registers everything at once ("*") has no table: routes select from what comes.
Source: bigcommerce/docs "Webhook events".
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from config.model import Configuration, Source

BIGCOMMERCE: Final[Mapping[str, tuple[str, ...]]] = {
    "cart": ("store/cart/*",),
    "category": ("store/category/*",),
    "customer": ("store/customer/*",),
    "customer_address": ("store/customer/*",),
    "inventory": ("store/channel/*/inventory/product/stock_changed",),
    "location": ("store/inventory/location/*",),
    "order": ("store/order/*",),
    "product": ("store/product/*",),
    "shipment": ("store/shipment/*",),
    "sku": ("store/sku/*", "store/product/*"),
    "subscriber": ("store/subscriber/*",),
}
_TABLES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {"bigcommerce": BIGCOMMERCE}
_USUAL: Final[Mapping[str, tuple[str, ...]]] = {
    "bigcommerce": ("cart", "category", "customer", "order", "product", "shipment", "sku"),
}
"""The resource types that are registered where routes select none."""


class Topics(Struct, frozen=True):
    """What a source registers, and the resource types that its routes select but for which no name is known."""

    names: tuple[str, ...]
    unknown: tuple[str, ...] = ()


def topics_of(source: Source, configuration: Configuration) -> Topics:
    """Return what a source registers, each once, in order: as `subscribe` lists it, or what its routes select."""
    if source.subscribe == "never":
        return Topics(())
    if not isinstance(source.subscribe, str):
        return Topics(tuple(sorted(set(source.subscribe))))
    selected = _selected(source, configuration)
    table = _TABLES[source.provider]
    types = frozenset(_USUAL[source.provider]) if selected is None else selected.types
    events = () if selected is None else selected.events
    known = {topic for name in types & table.keys() for topic in table[name]}
    return Topics(tuple(sorted(known.union(events))), tuple(sorted(types - table.keys())))


class _Selected(Struct, frozen=True):
    """What the routes of a source select: resource types, and event types where they name no resource."""

    types: frozenset[str]
    events: frozenset[str]


def _selected(source: Source, configuration: Configuration) -> _Selected | None:
    """Return what routes of a source select, None if one selects all or there is none."""
    routes = [
        route
        for route in configuration.routes
        if route.source in (None, source.name) and route.provider in (None, source.provider)
    ]
    if not routes or any(route.resource is None and route.event_type is None for route in routes):
        return None
    return _Selected(
        frozenset(route.resource for route in routes if route.resource is not None),
        frozenset(route.event_type for route in routes if route.resource is None and route.event_type is not None),
    )

"""The names under which providers register what a source wants: by resource type, or the usual ones. Pure.

A provider that registers everything at once ("*") has no table: routes select from what comes.
Source: bigcommerce/docs "Webhook events".
"""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from config.model import Configuration, Source
from providers.github.events import RULES

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
_USUAL: Final = frozenset({"cart", "category", "customer", "order", "product", "shipment", "sku"})
"""The resource types of BigCommerce that are registered where routes select none."""
ALL: Final = "*"


class Topics(Struct, frozen=True):
    """What a source registers, and the resource types that its routes select but for which no name is known."""

    names: tuple[str, ...]
    unknown: tuple[str, ...] = ()


class Selected(Struct, frozen=True):
    """What the routes of a source select: resource types, and event types where they name no resource."""

    types: frozenset[str]
    events: frozenset[str]


def topics_of(source: Source, configuration: Configuration) -> Topics:
    """Return what a source registers, each once, in order: as `subscribe` lists it, or what its routes select."""
    if source.subscribe == "never":
        return Topics(())
    if not isinstance(source.subscribe, str):
        return Topics(tuple(sorted(set(source.subscribe))))
    return _AUTOMATIC[source.provider](_selected(source, configuration))


def _selected(source: Source, configuration: Configuration) -> Selected | None:
    """Return what routes of a source select, None if one selects all or there is none."""
    routes = [
        route
        for route in configuration.routes
        if route.source in (None, source.name) and route.provider in (None, source.provider)
    ]
    if not routes or any(route.resource is None and route.event_type is None for route in routes):
        return None
    return Selected(
        frozenset(route.resource for route in routes if route.resource is not None),
        frozenset(route.event_type for route in routes if route.resource is None and route.event_type is not None),
    )


def _bigcommerce(selected: Selected | None) -> Topics:
    types, events = (_USUAL, frozenset[str]()) if selected is None else (selected.types, selected.events)
    known = {topic for name in types & BIGCOMMERCE.keys() for topic in BIGCOMMERCE[name]}
    return Topics(tuple(sorted(known | events)), tuple(sorted(types - BIGCOMMERCE.keys())))


def _github(selected: Selected | None) -> Topics:
    """Return the events, whose rules are named by event or by event and action; all of them without a selection."""
    if selected is None:
        return Topics((ALL,))
    names, shown = set[str](), set[str]()
    for name, rule in RULES.items():
        types = selected.types.intersection(rule.resource_types())
        is_named = any(_matches(wanted, name.partition(".")[0]) for wanted in selected.events)
        if types or is_named:
            names.add(name.partition(".")[0])
        shown |= types
    return Topics(tuple(sorted(names)), tuple(sorted(selected.types - shown)))


def _stripe(selected: Selected | None) -> Topics:
    """Return the events that routes name, or all of them: Stripe takes no other pattern, and routes select from what comes."""
    if selected is None or selected.types or any(event.endswith("*") for event in selected.events):
        return Topics((ALL,))
    return Topics(tuple(sorted(selected.events)))


def _matches(wanted: str, event: str) -> bool:
    """Say whether a route's event type, `issues.opened` or `issue*`, may be sent as an event."""
    if wanted.endswith("*"):
        start = wanted.removesuffix("*").partition(".")[0]
        return event == start if "." in wanted else event.startswith(start)
    return wanted.partition(".")[0] == event


_AUTOMATIC: Final[Mapping[str, Callable[[Selected | None], Topics]]] = {
    "bigcommerce": _bigcommerce,
    "github": _github,
    "stripe": _stripe,
}

"""The names under which providers register what a source wants: by resource type, or the usual ones. Pure.

A provider that registers everything at once ("*") has no table: routes select from what comes.
Source: bigcommerce/docs "Webhook events"; Shopify's WebhookSubscriptionTopic 2026-07.
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
_CRUD: Final = ("create", "update", "delete")
SHOPIFY: Final[Mapping[str, tuple[str, ...]]] = {
    "cart": ("carts/create", "carts/update"),
    "checkout": tuple(f"checkouts/{verb}" for verb in _CRUD),
    "collection": tuple(f"collections/{verb}" for verb in _CRUD),
    "customer": tuple(f"customers/{verb}" for verb in _CRUD),
    "draft_order": tuple(f"draft_orders/{verb}" for verb in _CRUD),
    "fulfillment": ("fulfillments/create", "fulfillments/update"),
    "inventory_item": tuple(f"inventory_items/{verb}" for verb in _CRUD),
    "inventory_level": ("inventory_levels/connect", "inventory_levels/update", "inventory_levels/disconnect"),
    "location": tuple(f"locations/{verb}" for verb in _CRUD),
    # orders/updated is also sent for what has a topic of its own, such as orders/paid.
    "order": ("orders/create", "orders/updated", "orders/delete"),
    "order_transaction": ("order_transactions/create",),
    "product": tuple(f"products/{verb}" for verb in _CRUD),
    "refund": ("refunds/create",),
    "shop": ("shop/update",),
    "variant": tuple(f"products/{verb}" for verb in _CRUD),
}
_USUAL_OF_SHOPIFY: Final = frozenset(
    {
        "collection",
        "customer",
        "draft_order",
        "fulfillment",
        "inventory_item",
        "inventory_level",
        "order",
        "product",
        "refund",
    }
)
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
        spelled = _shopify_name if source.provider == "shopify" else str
        return Topics(tuple(sorted({spelled(name) for name in source.subscribe})))
    return _AUTOMATIC[source.provider](_selected(source, configuration), _read_types(source))


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


def _read_types(source: Source) -> frozenset[str]:
    """Return the resource types that a source lists to be read: without their deliveries nothing would be."""
    return frozenset() if isinstance(source.hydrate, str) else frozenset(source.hydrate)


def _bigcommerce(selected: Selected | None, read: frozenset[str]) -> Topics:
    types, events = (_USUAL | read, frozenset[str]()) if selected is None else (selected.types, selected.events)
    known = {topic for name in types & BIGCOMMERCE.keys() for topic in BIGCOMMERCE[name]}
    return Topics(tuple(sorted(known | events)), tuple(sorted(types - BIGCOMMERCE.keys())))


def _github(selected: Selected | None, _read: frozenset[str]) -> Topics:
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


def _shopify(selected: Selected | None, read: frozenset[str]) -> Topics:
    types, events = (
        (_USUAL_OF_SHOPIFY | read, frozenset[str]()) if selected is None else (selected.types, selected.events)
    )
    known = {topic for name in types & SHOPIFY.keys() for topic in SHOPIFY[name]}
    for event in events:
        starting = {
            topic for topics in SHOPIFY.values() for topic in topics if topic.startswith(event.removesuffix("*"))
        }
        known |= starting if event.endswith("*") else {event}
    return Topics(tuple(sorted(map(_shopify_name, known))), tuple(sorted(types - SHOPIFY.keys())))


def _shopify_name(topic: str) -> str:
    """Return a topic as the API names it: ORDERS_UPDATED for orders/updated."""
    return topic.upper().replace("/", "_").replace(".", "_")


def _stripe(selected: Selected | None, _read: frozenset[str]) -> Topics:
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


_AUTOMATIC: Final[Mapping[str, Callable[[Selected | None, frozenset[str]], Topics]]] = {
    "bigcommerce": _bigcommerce,
    "github": _github,
    "shopify": _shopify,
    "stripe": _stripe,
}

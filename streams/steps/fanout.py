"""Step 4 of 5: says to which topics a change goes.

Without routes every change goes to its default topic. With routes it goes wherever one selects it, and nowhere else.
"""

from collections.abc import Mapping

from msgspec import Struct

from providers.base import Provider
from schemas.records import Change, RawDelivery
from streams.topics import changes_topic


class Route(Struct, frozen=True):
    """One compiled route; a selector of None selects everything."""

    name: str
    source: str | None = None
    provider: str | None = None
    resource: str | None = None
    event_type: str | None = None
    operations: frozenset[str] = frozenset("cudr")
    topic: str | None = None


class Routes(Struct, frozen=True):
    """What the configuration says about deliveries: the provider of each source, and where changes go."""

    providers: Mapping[str, Provider]
    routes: tuple[Route, ...] = ()


def fanout(change: Change, delivery: RawDelivery, routes: Routes) -> tuple[str, ...]:
    """Return the topics that a change goes to, each once; empty when routes exist and none selects it."""
    default = changes_topic(delivery.provider, change.resource_type)
    if not routes.routes:
        return (default,)
    return tuple(dict.fromkeys(route.topic or default for route in routes.routes if selects(route, change, delivery)))


def selects(route: Route, change: Change, delivery: RawDelivery) -> bool:
    """Say whether a route takes a change."""
    return (
        change.op in route.operations
        and route.source in (None, delivery.source)
        and route.provider in (None, delivery.provider)
        and route.resource in (None, change.resource_type)
        and route.event_type in (None, delivery.event_type)
    )

"""Which topics hold typed documents: those that changes of one resource type with a column table can reach, and no others.

A topic has one schema. The topic of a route is typed if every route to it names the same provider (or a source of it) and the
same resource type; a source that is added later changes nothing about that.
"""

from collections.abc import Mapping
from typing import Final

from schemas.topics import OTHER, PRIORITIES, lane_topic
from schemas.typed.resource import TypedResource, typed_resource
from streams.steps.routing import Route, Routes

Kind = tuple[str, str]
"""A provider and one of its resource types."""

DEFAULTS: Final = ("changes.", "state.")
"""How the default topics begin, which are named after the one kind that they hold, or `other`."""
_DEFAULT_PARTS: Final = 3


class TypedTopics:
    """Knows the topics of routes; every other topic is a default one."""

    def __init__(self, routes: Routes) -> None:
        self._kinds = _kinds(routes)

    def resource(self, topic: str, provider: str, resource_type: str) -> TypedResource | None:
        """Return the resource as whose records a topic gets documents of a kind; None if it gets them as JSON text."""
        kind = provider, resource_type
        if self._kinds.get(topic, kind) != kind:
            return None
        if topic.startswith(DEFAULTS) and topic.endswith(f".{OTHER}"):
            return None
        return typed_resource(provider, resource_type)


def _kinds(routes: Routes) -> Mapping[str, Kind | None]:
    """Return the one kind that can reach each topic of a route, None if there may be several."""
    found: dict[str, Kind | None] = {}
    for route in routes.routes:
        if route.topic is None:
            continue
        kind = _selected(route, routes)
        if _is_default_of_another(route.topic, kind):
            kind = None
        for topic in (lane_topic(route.topic, priority) for priority in PRIORITIES):
            found[topic] = kind if found.get(topic, kind) == kind else None
    return found


def _is_default_of_another(topic: str, kind: Kind | None) -> bool:
    """Say whether a topic may also be the default one of other changes than these."""
    parts = topic.split(".")
    return topic.startswith(DEFAULTS) and len(parts) >= _DEFAULT_PARTS and tuple(parts[1:3]) != kind


def _selected(route: Route, routes: Routes) -> Kind | None:
    rules = None if route.source is None else routes.providers.get(route.source)
    provider = route.provider if rules is None else rules.name
    return None if provider is None or route.resource is None else (provider, route.resource)

"""Every topic that a configuration can lead to, whatever is posted: a finite set with a known size.

An upper bound: a topic is created with its first record, and a route's operations, event types and filter are ignored.
Not counted: Kafka's own topics, and those of removed sources whose deliveries still wait.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from config.model import Configuration, Route, Source
from providers.registry import provider_of
from schemas.topics import (
    DEAD,
    OTHER,
    OUTCOMES,
    PENDING,
    RAW,
    TABLE_NAMES,
    changelog_topic,
    changes_topic,
    hydration_topics,
    lane_topic,
    reconciliation_topics,
    state_topic,
)


@dataclass(frozen=True, slots=True)
class Reachable:
    """Topics by content: change events, current documents, raw passthrough, and Penstock's own."""

    changes: frozenset[str] = frozenset()
    state: frozenset[str] = frozenset()
    copies: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()

    @property
    def topics(self) -> frozenset[str]:
        """Return the union of all four sets."""
        return self.changes | self.state | self.copies | self.own


def reachable(configuration: Configuration) -> Reachable:
    """Return the topics of all sources, each once, and Penstock's own."""
    app = configuration.worker.app
    found = [reachable_from(source, configuration.routes) for source in configuration.sources]
    own = {RAW, OUTCOMES, DEAD, *(changelog_topic(app, table) for table in TABLE_NAMES)}
    if any(source.reads for source in configuration.sources):
        own |= {PENDING, *hydration_topics(app), *reconciliation_topics(app)}
    return Reachable(
        frozenset().union(*(each.changes for each in found)),
        frozenset().union(*(each.state for each in found)),
        frozenset().union(*(each.copies for each in found)),
        frozenset(own),
    )


def reachable_from(source: Source, routes: Sequence[Route]) -> Reachable:
    """Return the topics that the deliveries of one source can lead to."""
    own = provider_of(source).resource_types
    selecting = [route for route in routes if may_select(route, source)]
    return Reachable(
        frozenset(_changes(source.provider, own, routes, selecting)),
        frozenset(state_topic(source.provider, resource_type, own) for resource_type in (*own, OTHER)),
        frozenset(route.topic for route in selecting if route.mode == "raw" and route.topic is not None),
    )


def may_select(route: Route, source: Source) -> bool:
    """Say whether a route can select deliveries of a source."""
    return route.source in {None, source.name} and route.provider in {None, source.provider}


def _changes(provider: str, own: Collection[str], routes: Sequence[Route], selecting: Sequence[Route]) -> Iterator[str]:
    """Yield the topics for changes of a provider's resources; the lane of a change is always that of one of its routes."""
    if not any(route.mode == "changes" for route in routes):
        yield from (changes_topic(provider, resource_type, own) for resource_type in (*own, OTHER))
        return
    for route in selecting:
        if route.mode == "changes":
            for resource_type in (*own, OTHER) if route.resource is None else (route.resource,):
                yield lane_topic(route.topic or changes_topic(provider, resource_type, own), route.priority)

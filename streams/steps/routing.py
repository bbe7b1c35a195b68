"""Step 4 of 5: selects the topics of a change, and the fields that each topic gets.

Without routes every change goes whole to its default topic. With routes it goes only to the topics of routes that match.
A topic gets a change once: if several routes lead to it, it gets all fields that any of them includes, on the highest of
their lanes.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from providers.base import Provider
from providers.registry import PROVIDERS, provider
from schemas import codec
from schemas.records import Change, ChangeOrigin, Document, RawDelivery
from schemas.topics import PRIORITIES, Priority, changes_topic, lane_topic, state_topic
from streams.steps.diff import diff
from streams.steps.echoes import Echoes
from streams.steps.filter import Filter
from streams.steps.hydration import Hydration
from streams.steps.origin import origin_of
from streams.steps.passthrough import RawRoute, is_of_type
from streams.steps.projection import projected

Paused = tuple[str, str | None, str | None]


class Route(Struct, frozen=True):
    """One compiled route; a selector of None selects everything, empty `include_fields` include all fields.

    `reconcile`: changes are selected, too, that no delivery told of, and a reconciliation found. `origins` are those of
    the changes that are selected, `exclude_origins` those that are not.
    """

    name: str
    source: str | None = None
    provider: str | None = None
    tenant: str | None = None
    resource: str | None = None
    event_type: str | None = None
    operations: frozenset[str] = frozenset("cudr")
    topic: str | None = None
    filter: Filter | None = None
    include_fields: tuple[str, ...] = ()
    priority: Priority = "default"
    reconcile: bool = True
    origins: frozenset[ChangeOrigin] | None = None
    exclude_origins: frozenset[ChangeOrigin] = frozenset()


class Routes(Struct, frozen=True):
    """The routing configuration: the provider of each source, and the routes of changes and passthrough.

    `children`: listed children become separate resources. `paused` holds what is not updated: (source, tenant, resource type),
    of which a tenant or type of None means all. `api_versions` holds the version that a source declares, and `hydrations` what
    it reads, by source. `echoes` holds how a source's changes are recognised that the user's own program caused.
    """

    providers: Mapping[str, Provider]
    routes: tuple[Route, ...] = ()
    children: bool = True
    raw: tuple[RawRoute, ...] = ()
    paused: frozenset[Paused] = frozenset()
    api_versions: Mapping[str, str] = {}
    hydrations: Mapping[str, Hydration] = {}
    echoes: Mapping[str, Echoes] = {}

    def pauses(self, source: str, tenant: str, resource_type: str) -> bool:
        """Say whether a resource type of a tenant is paused."""
        paused = self.paused
        return bool(paused) and (
            (source, None, resource_type) in paused
            or (source, tenant, resource_type) in paused
            or (source, tenant, None) in paused
        )

    def provider(self, name: str, source: str) -> Provider | None:
        """Return a provider as a source configures it; None for an unknown name."""
        configured = self.providers.get(source)
        if configured is not None and configured.name == name:
            return configured
        return provider(name) if name in PROVIDERS else None

    def changes_topic(self, provider: str, source: str, resource_type: str) -> str:
        """Return the default topic for changes of a resource."""
        return changes_topic(provider, resource_type, self._own_types(provider, source))

    def state_topic(self, provider: str, source: str, resource_type: str) -> str:
        """Return the topic with the document of a resource."""
        return state_topic(provider, resource_type, self._own_types(provider, source))

    def _own_types(self, provider: str, source: str) -> Collection[str]:
        rules = self.provider(provider, source)
        return () if rules is None else rules.resource_types


class ProjectedChange(Struct, frozen=True):
    """The projection of a change for one topic: before, after and changed hold only the fields that its routes include."""

    topic: str
    change: Change


class RoutedChange(Struct, frozen=True):
    """One change with its destinations: whole to `topics`, projected to those in `projected`; with neither, only to `state.*`.

    `volatile` names the fields of the resource whose change alone is no change.
    """

    change: Change
    topics: tuple[str, ...]
    projected: tuple[ProjectedChange, ...] = ()
    volatile: frozenset[str] = frozenset()

    @property
    def goes_out(self) -> bool:
        """Say whether any topic gets the change itself."""
        return bool(self.topics or self.projected)


class UnroutedChange(Struct, frozen=True):
    """The reason why no topic gets the change."""

    reason: str
    detail: str


def fanout(
    change: Change, delivery: RawDelivery, routes: Routes, volatile: frozenset[str] = frozenset()
) -> RoutedChange | UnroutedChange:
    """Return the destinations of a change. `volatile` names the fields whose change alone is no change (see step 3)."""
    default = routes.changes_topic(delivery.provider, delivery.source, change.resource_type)
    if not routes.routes:
        return RoutedChange(change, (default,), (), volatile)
    selecting = [route for route in routes.routes if selects(route, change, delivery)]
    if not selecting:
        return UnroutedChange("no_route", "no route selects this change")
    sides = _Sides(change, delivery.received_at)
    is_backfill = origin_of(delivery) == "backfill"  # brings everything, as whoever asks for it expects
    taking = [route for route in selecting if is_backfill or _passes(route.filter, sides)]
    if not taking:
        return UnroutedChange("no_filter_matches", f"not the filter of {', '.join(route.name for route in selecting)}")
    return _emission(taking, sides, default, volatile)


def selects(route: Route, change: Change, delivery: RawDelivery) -> bool:
    """Say whether a route's selectors match a change; its filter is applied later."""
    return (
        change.op in route.operations
        and route.source in (None, delivery.source)
        and route.provider in (None, delivery.provider)
        and route.tenant in (None, delivery.tenant)
        and route.resource in (None, change.resource_type)
        and is_of_type(route.event_type, delivery.event_type)
        and (route.reconcile or origin_of(delivery) != "reconcile")
        and (route.origins is None or change.origin in route.origins)
        and change.origin not in route.exclude_origins
    )


class _Sides:
    """The two documents of a change, each parsed once on first use; `now` is when the delivery was received."""

    def __init__(self, change: Change, now: datetime) -> None:
        self.change = change
        self.now = now

    @cached_property
    def before(self) -> Document | None:
        """Return the document before the change."""
        return None if self.change.before is None else codec.document(self.change.before)

    @cached_property
    def after(self) -> Document | None:
        """Return the document after the change."""
        return None if self.change.after is None else codec.document(self.change.after)

    def cross(self, criterion: Filter | None) -> bool:
        """Say whether an updated resource starts or stops matching a filter."""
        if criterion is None or self.before is None or self.after is None:
            return False
        return criterion.matches(self.before, self.now) != criterion.matches(self.after, self.now)


def _passes(criterion: Filter | None, sides: _Sides) -> bool:
    """Say whether a change passes a filter.

    It passes if either document matches: otherwise a consumer would keep a resource that no longer matches. The deletion of a
    resource that was never seen also passes, because it may have matched.
    """
    if criterion is None:
        return True
    shown = [document for document in (sides.after, sides.before) if document is not None]
    return not shown or any(criterion.matches(document, sides.now) for document in shown)


def _emission(
    taking: Sequence[Route], sides: _Sides, default: str, volatile: frozenset[str]
) -> RoutedChange | UnroutedChange:
    fields: dict[str, tuple[str, ...]] = {}
    lanes = _lanes(taking, sides, default, volatile)
    whole = {lanes[route.topic or default]: None for route in taking if not route.include_fields}
    for route in taking:
        topic = lanes[route.topic or default]
        if topic not in whole:
            fields[topic] = tuple(dict.fromkeys((*fields.get(topic, ()), *route.include_fields)))
    crossing = {lanes[route.topic or default] for route in taking if route.include_fields and sides.cross(route.filter)}
    parts = [(topic, _part(sides, included, volatile, topic in crossing)) for topic, included in fields.items()]
    changed = tuple(ProjectedChange(topic, change) for topic, change in parts if change is not None)
    if not whole and not changed:
        included = dict.fromkeys(chain.from_iterable(fields.values()))
        return UnroutedChange("no_included_field_changed", f"nothing changed in {', '.join(included)}")
    return RoutedChange(sides.change, tuple(whole), changed, volatile)


def _lanes(taking: Sequence[Route], sides: _Sides, default: str, volatile: frozenset[str]) -> dict[str, str]:
    """Return the lane of each topic that routes lead to: exactly one, or a reader of all lanes would get the change twice.

    If routes disagree, the highest lane of those routes wins whose included fields changed.
    """
    leading: dict[str, list[Route]] = {}
    for route in taking:
        leading.setdefault(route.topic or default, []).append(route)
    lanes = {}
    for topic, routes in leading.items():
        priorities = {route.priority for route in routes}
        if len(priorities) > 1:
            priorities = {route.priority for route in routes if _is_touched(route, sides, volatile)} or priorities
        lanes[topic] = lane_topic(topic, min(priorities, key=PRIORITIES.index))
    return lanes


def _is_touched(route: Route, sides: _Sides, volatile: frozenset[str]) -> bool:
    is_crossing = sides.cross(route.filter)
    return not route.include_fields or _part(sides, route.include_fields, volatile, is_crossing) is not None


def _part(sides: _Sides, included: tuple[str, ...], volatile: frozenset[str], is_crossing: bool) -> Change | None:
    """Return the projection of a change to the included fields, None if none of them changed.

    A change with which the resource starts or stops matching a filter always counts, because it is new to the consumer.
    """
    before, after = (
        None if document is None else codec.document_json(projected(document, included))
        for document in (sides.before, sides.after)
    )
    part = replace(sides.change, before=before, after=after, record_before=None, record_after=None)
    if before is None or after is None:
        return part
    changed = diff(before, after, volatile)
    return replace(part, changed=changed) if changed or is_crossing else None

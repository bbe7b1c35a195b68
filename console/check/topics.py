"""The findings of `penstock check` about resource types without their own topics: selectors, and topics no longer used."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from config.model import Configuration, Route, Source
from config.problems import suggestion
from config.toml_lines import key_lines
from console.check.configuration import Finding, Locations
from console.check.reachable_topics import may_select
from providers.registry import provider, provider_of
from schemas.topics import OTHER

SHOWN = 3  # topic names in one finding, at most
LISTING = frozenset({"generic", "standard"})  # providers whose sources list their types


def selector_findings(configuration: Configuration, path: Path) -> Iterator[Finding]:
    """Yield the routes whose `resource` is a type without its own topics, where that is a mistake or a surprise.

    The selector is compared with the type in the record, so such a route works; a route with its own topic is no surprise.
    """
    locations = Locations(path, key_lines(path.read_text(encoding="utf-8")))
    for index, route in enumerate(configuration.routes):
        if route.resource is None:
            continue
        known = _own_types(configuration, route)
        hint = suggestion(route.resource, {name for names in known.values() for name in names})
        if not known or any(route.resource in names for names in known.values()) or (route.topic and not hint):
            continue
        where = locations.of("routes", index, "resource")
        goes = "" if route.topic else f"; changes of that type go to {_others(known)}{_listing(known)}"
        yield Finding("warning", f"{where}: no topic is named after {route.resource!r}{goes}{hint}")


def left_findings(configuration: Configuration, topics: Collection[str]) -> Iterator[Finding]:
    """Yield the existing topics of types that have none of their own (any more), one finding per provider."""
    for name, own in sorted(_types_of(configuration.sources).items()):
        left = sorted(topic for topic in topics if _is_left(topic, name, own))
        if left:
            more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
            yield Finding(
                "warning",
                f"topics {', '.join(left[:SHOWN])}{more}: no longer used, changes of such types go to {_others([name])} "
                f"now{_listing([name])}; delete the topics when nothing reads them (docs/operations.md)",
            )


def _own_types(configuration: Configuration, route: Route) -> dict[str, set[str]]:
    """Return, by provider, the types with their own topics among those that a route selects."""
    found = _types_of([source for source in configuration.sources if may_select(route, source)])
    if route.provider is not None and route.provider not in found:
        found[route.provider] = set(provider(route.provider).resource_types)
    return found


def _types_of(sources: Iterable[Source]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for source in sources:
        found.setdefault(source.provider, set()).update(provider_of(source).resource_types)
    return found


def _is_left(topic: str, provider_name: str, own: Collection[str]) -> bool:
    kind, *rest = topic.split(".")
    if kind not in {"changes", "state"} or len(rest) < 2 or rest[0] != provider_name:
        return False
    return rest[1] not in {*own, OTHER}  # any further part is a lane


def _others(known: Collection[str]) -> str:
    return ", ".join(f"changes.{name}.{OTHER}" for name in sorted(known))


def _listing(known: Collection[str]) -> str:
    return "; list it in the source's options.resource_types" if LISTING.intersection(known) else ""

"""Checks across the tables of `penstock.toml`: duplicate names, unknown references, mixed topics."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from config.problems import suggestion
from config.toml_lines import Location


def cross_problems(table: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
    """Yield the problems across tables. The tables may be malformed: the models report that."""
    sources = dict(_tables(table, "sources"))
    yield from _repeated_names("sources", sources)
    routes = dict(_tables(table, "routes"))
    yield from _repeated_names("routes", routes)
    yield from _mixed_topics(routes)
    providers = {source.get("name"): source.get("provider") for source in sources.values()}
    tenants = {source.get("name"): source.get("tenants") for source in sources.values()}
    for index, route in routes.items():
        name, provider = route.get("source"), route.get("provider")
        if not isinstance(name, str):
            continue
        if name not in providers:
            close = suggestion(name, [str(known) for known in providers])
            yield ("routes", index, "source"), f"no source is called {name!r}{close}"
        elif provider is not None and provider != providers[name]:
            yield (
                ("routes", index, "provider"),
                f"source {name!r} is of provider {providers[name]!r}; this route never matches",
            )
        elif _is_unlisted(route.get("tenant"), tenants[name]):
            yield ("routes", index, "tenant"), f"it is not in tenants of source {name!r}; this route never matches"


def _is_unlisted(tenant: Any, tenants: Any) -> bool:
    return isinstance(tenant, str) and isinstance(tenants, list) and bool(tenants) and tenant not in tenants


def _mixed_topics(routes: Mapping[int, Mapping[str, Any]]) -> Iterator[tuple[Location, str]]:
    """Yield raw routes whose topic also gets change events: no consumer could read both."""
    named = {index: route for index, route in routes.items() if isinstance(route.get("topic"), str)}
    changes = {route["topic"]: route.get("name") for route in named.values() if route.get("mode") != "raw"}
    for index, route in named.items():
        topic = route["topic"]
        if route.get("mode") == "raw" and topic in changes:
            yield (
                ("routes", index, "topic"),
                f"{topic!r} gets the change events of route {changes[topic]!r}; a raw route needs a topic of its own",
            )


def _tables(table: Mapping[str, Any], key: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    elements = table.get(key)
    for index, element in enumerate(elements if isinstance(elements, list) else ()):
        if isinstance(element, dict):
            yield index, element


def _repeated_names(key: str, tables: Mapping[int, Mapping[str, Any]]) -> Iterator[tuple[Location, str]]:
    seen: Counter[str] = Counter()
    for index, element in tables.items():
        name = element.get("name")
        if isinstance(name, str):
            seen[name] += 1
            if seen[name] > 1:
                yield (key, index, "name"), f"{name!r} is used twice; names are unique"

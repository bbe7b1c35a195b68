"""The findings of `penstock check --online` about what deliveries show: unknown fields and resources, with a suggestion for
each, and times that cannot be read.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaException

from broker import topic_reader
from broker.errors import RegistryError
from broker.registry_http import registry_access
from broker.schema_registry import Registry
from broker.topic_reader import Range, value_of
from config.model import Configuration, Route
from config.problems import ConfigurationError, suggestion
from config.secrets import kafka_options
from config.toml_lines import key_lines
from console.check.configuration import Finding, Locations
from console.check.topics import left_findings
from console.check.unread_times import newest_outcomes, unread_time_findings
from console.queries.document_fields import field_names, is_there, meant
from schemas.codec import document
from schemas.records import Document, key_parts
from schemas.topics import OTHER
from streams.steps.filter import FilterSyntaxError, compile_filter

STATE = "state."
SAMPLE = 500  # documents per topic, the newest; one second of reading


def name_findings(configuration: Configuration, path: Path, environ: Mapping[str, str]) -> list[Finding]:
    """Return the configured fields and resources that no record on Kafka has, the sources whose times cannot be read, and the
    topics that are no longer used.

    Empty when Kafka or the registry does not answer: `online_findings` reports that.
    """
    locations = Locations(path, key_lines(path.read_text(encoding="utf-8")))
    try:
        options = kafka_options(configuration, environ)
        access = registry_access(configuration, environ)
        with topic_reader.consumer(options) as reader, closing(Registry(access)) as registry:
            seen = Seen(reader, registry)
            named = (
                *_paused_findings(configuration, locations, seen),
                *_volatile_findings(configuration, locations, seen),
                *unread_time_findings(configuration, locations, newest_outcomes(reader, registry)),
                *_route_findings(configuration, locations, seen),
            )
            return [*named, *left_findings(configuration, topic_reader.topics(reader))]
    except (ConfigurationError, KafkaException, RegistryError):
        return []


class Shown(NamedTuple):
    """One document in `state.*`: the source and type of its resource."""

    source: str
    resource_type: str
    document: Document


class Seen:
    """The contents of `state.*`; each topic is read once, on first use."""

    def __init__(self, reader: Consumer, registry: Registry) -> None:
        self._reader = reader
        self._registry = registry
        self._topics = {name: len(partitions) for name, partitions in topic_reader.topics(reader).items()}
        self._samples: dict[str, list[Shown]] = {}

    def resource_types(self, provider: str | None) -> frozenset[str]:
        """Return the types with documents, of one provider if one is named; for `other`, the types of its newest documents."""
        topics = self._of(provider)
        shared = (shown for topic in topics if _part(topic) == OTHER for shown in self._sampled(topic))
        return frozenset(map(_part, topics)).union(shown.resource_type for shown in shared) - {OTHER}

    def documents(self, provider: str | None, source: str | None, resource: str | None) -> list[Document]:
        """Return the newest documents, filtered by provider, source and type where given."""
        topics = (topic for topic in self._of(provider) if resource is None or _part(topic) in {resource, OTHER})
        found = (shown for topic in topics for shown in self._sampled(topic))
        return [
            shown.document
            for shown in found
            if source in {None, shown.source} and resource in {None, shown.resource_type}
        ]

    def _of(self, provider: str | None) -> list[str]:
        start = STATE if provider is None else f"{STATE}{provider}."
        return sorted(name for name in self._topics if name.startswith(start))

    def _sampled(self, topic: str) -> list[Shown]:
        if topic not in self._samples:
            self._samples[topic] = list(self._sample(topic))
        return self._samples[topic]

    def _sample(self, topic: str) -> Iterator[Shown]:
        share = max(1, SAMPLE // self._topics[topic])
        newest = [
            Range(topic, part.partition, max(part.low, part.high - share), part.high)
            for part in topic_reader.ranges(self._reader, topic)
        ]
        for message in topic_reader.read(self._reader, newest):
            if message.value() is not None:
                state = self._registry.decode(value_of(message))
                named = key_parts(state["resource_key"])
                yield Shown(named.source, named.resource_type, document(state["document"].encode()))


def _part(topic: str) -> str:
    return topic.rpartition(".")[2]


def _paused_findings(configuration: Configuration, locations: Locations, seen: Seen) -> Iterator[Finding]:
    for index, source in enumerate(configuration.sources):
        for number, pause in enumerate(source.paused):
            resource = pause.resource
            if resource is not None and resource not in seen.resource_types(source.provider):
                where = locations.of("sources", index, "paused", number)
                yield Finding("warning", f"{where}: {_unknown(resource, source.provider, seen)}")


def _volatile_findings(configuration: Configuration, locations: Locations, seen: Seen) -> Iterator[Finding]:
    for index, source in enumerate(configuration.sources):
        paths = () if source.options is None else source.options.volatile
        documents = seen.documents(source.provider, source.name, None) if paths else []
        for number, path in enumerate(paths):
            if documents and not is_there(documents, tuple(path.split("."))):
                where, hint = (
                    locations.of("sources", index, "options", "volatile", number),
                    meant(path, field_names(documents)),
                )
                yield Finding("warning", f"{where}: no field {path} in the newest {len(documents)} documents{hint}")


def _route_findings(configuration: Configuration, locations: Locations, seen: Seen) -> Iterator[Finding]:
    for index, route in enumerate(configuration.routes):
        if route.mode == "raw":
            continue
        provider = _provider_of(route, configuration)
        if route.resource is not None and route.resource not in seen.resource_types(provider):
            where = locations.of("routes", index, "resource")
            yield Finding("warning", f"{where}: {_unknown(route.resource, provider, seen)}")
        else:
            documents = seen.documents(provider, route.source, route.resource)
            yield from _field_findings(index, route, locations, documents)


def _field_findings(index: int, route: Route, locations: Locations, documents: Sequence[Document]) -> Iterator[Finding]:
    named = {"filter": _filtered(route), "include_fields": [tuple(name.split(".")) for name in route.include_fields]}
    if not any(named.values()):
        return
    if not documents:
        where = locations.of("routes", index)
        yield Finding("warning", f"{where}: {route.name}: nothing was seen yet that its fields could be compared with")
        return
    known = field_names(documents)
    for key, paths in named.items():
        for path in paths:
            if not is_there(documents, path):
                name = ".".join(path)
                where, hint = locations.of("routes", index, key), meant(name, known)
                yield Finding(
                    "warning", f"{where}: no field {name} in the newest {len(documents)} documents of its kind{hint}"
                )


def _filtered(route: Route) -> Sequence[tuple[str, ...]]:
    try:
        return () if route.filter is None else compile_filter(route.filter).paths
    except FilterSyntaxError:
        return ()  # reported already


def _provider_of(route: Route, configuration: Configuration) -> str | None:
    source = None if route.source is None else configuration.source(route.source)
    return route.provider if source is None else source.provider


def _unknown(resource: str, provider: str | None, seen: Seen) -> str:
    return f"no {resource} was seen yet{suggestion(resource, seen.resource_types(provider))}"

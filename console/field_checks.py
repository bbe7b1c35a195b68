"""What `penstock check --online` finds about names: fields, resources that nothing on Kafka has, and what was meant."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from confluent_kafka import Consumer, KafkaException

from console import reading
from console.checks import Finding, Places
from console.fields import field_names, is_there, meant
from console.reading import Range, value_of
from schemas.codec import document
from schemas.configuration import Configuration, ConfigurationError, Route, kafka_options
from schemas.problems import suggestion
from schemas.records import Document
from schemas.registry import Registry, RegistryFault
from schemas.toml_lines import key_lines
from streams.steps.filter import FilterSyntaxError, compile_filter
from streams.topics import state_topic

STATE = "state."
SAMPLE = 500  # documents per topic, the newest; a second of reading


def name_findings(configuration: Configuration, path: Path, environ: Mapping[str, str]) -> list[Finding]:
    """Return which fields and resources that the configuration names were never seen.

    Empty where Kafka or the registry does not answer: `online_findings` says so.
    """
    places = Places(path, key_lines(path.read_text(encoding="utf-8")))
    try:
        options = kafka_options(configuration, environ)
        with reading.consumer(options) as looking, closing(Registry(configuration.registry.url)) as registry:
            seen = Seen(looking, registry)
            return [*_paused_findings(configuration, places, seen), *_route_findings(configuration, places, seen)]
    except (ConfigurationError, KafkaException, RegistryFault):
        return []


class Seen:
    """What `state.*` holds, each topic read once and only when somebody asks."""

    def __init__(self, looking: Consumer, registry: Registry) -> None:
        self._looking = looking
        self._registry = registry
        self._topics = {name: len(partitions) for name, partitions in reading.topics(looking).items()}
        self._samples: dict[str, list[tuple[str, Document]]] = {}

    def topics(self, provider: str | None = None) -> list[str]:
        """Return the topics with documents, of one provider if one is named."""
        start = STATE if provider is None else f"{STATE}{provider}."
        return sorted(name for name in self._topics if name.startswith(start))

    def documents(self, topic: str, source: str | None) -> list[Document]:
        """Return the newest documents of a topic, of one source if one is named."""
        if topic not in self._samples:
            self._samples[topic] = list(self._sample(topic))
        return [found for name, found in self._samples[topic] if source in (None, name)]

    def _sample(self, topic: str) -> Iterator[tuple[str, Document]]:
        share = max(1, SAMPLE // self._topics[topic])
        newest = [
            Range(topic, part.partition, max(part.low, part.high - share), part.high)
            for part in reading.ranges(self._looking, topic)
        ]
        for message in reading.read(self._looking, newest):
            if message.value() is not None:
                state = self._registry.decode(value_of(message))
                yield state["resource_key"].split("|")[1], document(state["document"].encode())


def _paused_findings(configuration: Configuration, places: Places, seen: Seen) -> Iterator[Finding]:
    for index, source in enumerate(configuration.sources):
        for number, resource in enumerate(source.paused):
            if state_topic(source.provider, resource) not in seen.topics():
                where = places.of("sources", index, "paused", number)
                yield Finding("warning", f"{where}: {_unknown(resource, source.provider, seen)}")


def _route_findings(configuration: Configuration, places: Places, seen: Seen) -> Iterator[Finding]:
    for index, route in enumerate(configuration.routes):
        if route.mode == "raw":
            continue
        provider = _provider_of(route, configuration)
        topics = [name for name in seen.topics(provider) if route.resource in (None, name.rpartition(".")[2])]
        if route.resource is not None and not topics:
            where = places.of("routes", index, "resource")
            yield Finding("warning", f"{where}: {_unknown(route.resource, provider, seen)}")
        else:
            documents = [found for topic in topics for found in seen.documents(topic, route.source)]
            yield from _field_findings(index, route, places, documents)


def _field_findings(index: int, route: Route, places: Places, documents: Sequence[Document]) -> Iterator[Finding]:
    named = {"filter": _filtered(route), "include_fields": [tuple(name.split(".")) for name in route.include_fields]}
    if not any(named.values()):
        return
    if not documents:
        where = places.of("routes", index)
        yield Finding("warning", f"{where}: {route.name}: nothing was seen yet that its fields could be compared with")
        return
    known = field_names(documents)
    for key, paths in named.items():
        for path in paths:
            if not is_there(documents, path):
                name = ".".join(path)
                where, hint = places.of("routes", index, key), meant(name, known)
                yield Finding(
                    "warning", f"{where}: no field {name} in the newest {len(documents)} documents of its kind{hint}"
                )


def _filtered(route: Route) -> Sequence[tuple[str, ...]]:
    try:
        return () if route.filter is None else compile_filter(route.filter).paths
    except FilterSyntaxError:
        return ()  # said already


def _provider_of(route: Route, configuration: Configuration) -> str | None:
    source = None if route.source is None else configuration.source(route.source)
    return route.provider if source is None else source.provider


def _unknown(resource: str, provider: str | None, seen: Seen) -> str:
    known = {name.rpartition(".")[2] for name in seen.topics(provider)}
    return f"no {resource} was seen yet{suggestion(resource, known)}"

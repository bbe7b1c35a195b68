"""The findings of `penstock check --online` about renderings: the API versions in which each source's resources arrive."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from confluent_kafka import KafkaException

from broker import topic_reader
from broker.topic_reader import Range, delivery_of
from config.model import Configuration
from config.problems import ConfigurationError
from config.secrets import kafka_options
from config.toml_lines import key_lines
from console.check.configuration import Finding, Locations
from schemas.records import RawDelivery, key_parts
from schemas.topics import RAW

SAMPLE = 2_000  # deliveries per partition, the newest
SHOWN = 8  # resource types in one finding, at most

Renderings = Mapping[str, Mapping[str, Counter[str]]]
"""Numbers of deliveries by source, API version and type of the root resource."""


def rendering_findings(configuration: Configuration, path: Path, environ: Mapping[str, str]) -> list[Finding]:
    """Return what API versions the newest deliveries have; empty when Kafka does not answer: `online_findings` reports that."""
    try:
        with topic_reader.consumer(kafka_options(configuration, environ)) as reader:
            newest = [
                Range(RAW, part.partition, max(part.low, part.high - SAMPLE), part.high)
                for part in topic_reader.ranges(reader, RAW)
            ]
            counts = renderings(map(delivery_of, topic_reader.read(reader, newest)))
    except (ConfigurationError, KafkaException):
        return []
    locations = Locations(path, key_lines(path.read_text(encoding="utf-8")))
    return list(findings_about(configuration, locations, counts))


def renderings(deliveries: Iterable[RawDelivery]) -> Renderings:
    """Count deliveries by source, API version and type of the root resource; those without a version do not count."""
    counts: dict[str, dict[str, Counter[str]]] = {}
    for delivery in deliveries:
        if delivery.api_version is not None:
            of_source = counts.setdefault(delivery.source, {}).setdefault(delivery.api_version, Counter())
            of_source[key_parts(delivery.key).resource_type or "no resource"] += 1
    return counts


def findings_about(configuration: Configuration, locations: Locations, counts: Renderings) -> Iterator[Finding]:
    """Yield one finding per source and API version; a warning where versions are mixed and none is declared, or another is."""
    for index, source in enumerate(configuration.sources):
        versions = counts.get(source.name, {})
        for version, types in sorted(versions.items()):
            seen = f"{source.name} gets API version {version}: {_listed(types)}"
            if source.api_version is None and len(versions) == 1:
                yield Finding("fine", f"{locations.of('sources', index, 'name')}: {seen}")
            elif source.api_version is None:
                where = locations.of("sources", index, "name")
                yield Finding("warning", f"{where}: {seen}; declare the one whose documents are whole with api_version")
            else:
                where = locations.of("sources", index, "api_version")
                yield Finding("fine" if version == source.api_version else "warning", f"{where}: {seen}")


def _listed(types: Counter[str]) -> str:
    shown = [f"{count:,} {name}" for name, count in types.most_common(SHOWN)]
    left = len(types) - len(shown)
    return ", ".join(shown) + (f" and {left} more types" if left else "")

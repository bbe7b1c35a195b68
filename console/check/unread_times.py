"""The findings of `penstock check --online` about sources whose newest deliveries have times that cannot be read."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from confluent_kafka import Consumer

from broker import topic_reader
from broker.schema_registry import Registry
from broker.topic_reader import Range, value_of
from config.model import Configuration
from console.check.configuration import Finding, Locations
from providers.times import UNREAD_TIME
from schemas.topics import OUTCOMES

SAMPLE = 2_000  # outcomes, the newest; a second of reading

Outcomes = Iterable[Mapping[str, Any]]
"""Decoded records of `deliveries.outcomes`."""


def newest_outcomes(reader: Consumer, registry: Registry) -> Iterator[Mapping[str, Any]]:
    """Yield the newest outcomes."""
    found = topic_reader.ranges(reader, OUTCOMES)
    share = max(1, SAMPLE // max(1, len(found)))
    newest = [Range(OUTCOMES, part.partition, max(part.low, part.high - share), part.high) for part in found]
    for message in topic_reader.read(reader, newest):
        if message.value() is not None:
            yield registry.decode(value_of(message))


def unread_time_findings(configuration: Configuration, locations: Locations, outcomes: Outcomes) -> Iterator[Finding]:
    """Yield a warning for each configured source some of whose deliveries have a value that is not a time, with its path."""
    unread: Counter[tuple[str, str]] = Counter()
    total: Counter[str] = Counter()
    for outcome in outcomes:
        total[outcome["source"]] += 1
        _, marked, rest = outcome["detail"].partition(UNREAD_TIME)
        if marked:
            unread[outcome["source"], rest.partition(": expected")[0]] += 1
    for index, source in enumerate(configuration.sources):
        key = ("options", "time_path") if source.provider == "generic" else ()
        where = locations.of("sources", index, *key)
        for (name, path), count in sorted(unread.items()):
            if name == source.name:
                yield Finding(
                    "warning",
                    f"{where}: {path} was no time that can be read in {count} of the newest {total[name]} deliveries of "
                    f"{name}; their order is that of another time or of arrival (docs/semantics.md, Times)",
                )

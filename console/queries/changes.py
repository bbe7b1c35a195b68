"""Reads shared by the command line and the page: following changes, and the history of one delivery."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta

from confluent_kafka import Consumer, Message

from broker import priority_lanes, topic_reader
from broker.registry_http import registry_access
from broker.schema_registry import NOT_AVRO, Registry
from broker.topic_reader import Advance, delivery_of, key_of, offset_of, partition_of, topic_of, value_of
from config.model import Configuration
from config.secrets import kafka_options
from schemas.records import Document, RawDelivery
from schemas.topics import OUTCOMES, RAW, lane_topic
from streams.steps.origin import DERIVED_MARKS, original_id

CHANGES = "changes."
BEFORE_DECISION, AFTER_DECISION = timedelta(seconds=1), timedelta(seconds=30)
"""A change is produced in the transaction that decides it, right after `decided_at`; only the brokers' clocks may differ."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """The Kafka and the registry to read from, and the names in them that the configuration determines."""

    kafka: Mapping[str, str]
    registry: Registry
    group: str
    route_topics: frozenset[str]

    def holds_changes(self, topic: str) -> bool:
        """Say whether changes are written to a topic."""
        return topic.startswith(CHANGES) or topic in self.route_topics


@dataclass(frozen=True, slots=True)
class Attempt:
    """One acceptance of a delivery: its record, its outcome, and the changes that it made."""

    delivery: RawDelivery | None  # None once retention has removed it
    outcome: Document | None  # None while it waits
    changes: tuple[tuple[str, Document], ...] = ()  # each with its topic


@contextmanager
def deployment_of(configuration: Configuration, environ: Mapping[str, str]) -> Iterator[Deployment]:
    """Yield the addresses and names from a configuration; the registry's connection closes afterwards."""
    with closing(Registry(registry_access(configuration, environ))) as registry:
        yield Deployment(
            kafka_options(configuration, environ),
            registry,
            f"penstock.{configuration.worker.app}",
            frozenset(
                lane_topic(route.topic, route.priority)
                for route in configuration.routes
                if route.topic and route.mode == "changes"
            ),
        )


def changes(
    deployment: Deployment, is_from_beginning: bool, skipped: Callable[[str], None]
) -> Iterator[tuple[str, Document] | None]:
    """Yield each committed change with its topic, without end; None, several times a second, while no change arrives.

    Changes that wait in a higher lane come first. A record of another program that is not Avro is reported to `skipped`.
    """
    for message in priority_lanes.follow(deployment.kafka, deployment.holds_changes, is_from_beginning):
        if message is None:
            yield None
            continue
        try:
            yield topic_of(message), deployment.registry.decode(value_of(message))
        except NOT_AVRO as error:
            place = f"{topic_of(message)}/{partition_of(message)}/{offset_of(message)}"
            skipped(f"{place} is skipped: expected a change in Avro, {type(error).__name__}")


def story(deployment: Deployment, delivery_id: str, limit: int | None, advance: Advance) -> list[Attempt]:
    """Return every attempt to deliver one delivery, oldest first.

    `limit` bounds how many of the newest outcomes are read, None reads all; `advance` receives the number of outcomes read.
    A GitHub GUID matches the delivery of any hook with that GUID (`hook:GUID`). The id of a dead letter matches its edited
    copies, and the delivery that gave it up.
    """
    wanted = _matcher(delivery_id)
    with topic_reader.consumer(deployment.kafka, deployment.group) as reader:
        outcomes = [
            deployment.registry.decode(value_of(message)) for message in _outcomes(reader, wanted, limit, advance)
        ]
        attempts = [_attempt(deployment, reader, outcome) for outcome in outcomes]
        waiting = [
            Attempt(delivery, None)
            for message in topic_reader.read(reader, topic_reader.waiting_ranges(reader, RAW), advance)
            if wanted((delivery := delivery_of(message)).delivery_id.encode())
        ]
    return sorted(attempts, key=_decided_at) + waiting


def latest_outcomes(
    deployment: Deployment, delivery_ids: Callable[[bytes], bool], limit: int | None, advance: Advance
) -> list[Document]:
    """Return the outcomes of the given deliveries among the newest `limit`."""
    with topic_reader.consumer(deployment.kafka) as reader:
        return [
            deployment.registry.decode(value_of(message)) for message in _outcomes(reader, delivery_ids, limit, advance)
        ]


def _matcher(delivery_id: str) -> Callable[[bytes], bool]:
    exact, of_hook = delivery_id.encode(), f":{delivery_id}".encode()
    marks = tuple(mark.encode() for mark in DERIVED_MARKS)

    def is_wanted(key: bytes) -> bool:
        if key == exact or key.endswith(of_hook):
            return True
        if not any(mark in key for mark in marks):
            return False
        original = original_id(key.decode(errors="replace")).encode()
        return original == exact or original.endswith(of_hook)

    return is_wanted


def _outcomes(
    reader: Consumer, wanted: Callable[[bytes], bool], limit: int | None, advance: Advance
) -> Iterator[Message]:
    for block in topic_reader.newest_blocks(topic_reader.ranges(reader, OUTCOMES), limit):
        for message in topic_reader.read(reader, block, advance):
            if wanted(key_of(message)):
                yield message


def _attempt(deployment: Deployment, reader: Consumer, outcome: Document) -> Attempt:
    message = topic_reader.record_at(reader, outcome["topic"], outcome["partition"], outcome["offset"])
    delivery = None if message is None else delivery_of(message)
    return Attempt(delivery, outcome, tuple(_changes_of(deployment, reader, outcome)))


def _changes_of(deployment: Deployment, reader: Consumer, outcome: Document) -> Iterator[tuple[str, Document]]:
    wanted = {event_id.encode() for event_id in outcome["event_ids"]}
    if not wanted:
        return
    start, end = outcome["decided_at"] - BEFORE_DECISION, outcome["decided_at"] + AFTER_DECISION
    topics = sorted(filter(deployment.holds_changes, topic_reader.topics(reader)))
    parts = [part for topic in topics for part in topic_reader.ranges_between(reader, topic, start, end)]
    for message in topic_reader.read(reader, parts):
        if any(event_id in value_of(message) for event_id in wanted):  # Avro writes text as it is: no need to decode
            yield topic_of(message), deployment.registry.decode(value_of(message))


def _decided_at(attempt: Attempt) -> str:
    return "" if attempt.outcome is None else attempt.outcome["decided_at"].isoformat()

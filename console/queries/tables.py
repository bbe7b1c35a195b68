"""The state of the pipeline, read from the changelogs of its tables.

It reads the changelogs because the stores on disk are locked by their workers and lie on other machines, while the topics are
readable from anywhere at any time. It reads committed records only; the newest record of a key is its row. Newest first, so that
recent changes are found at once.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from confluent_kafka import Consumer, Message

from broker import topic_reader
from broker.topic_reader import Advance, Range, key_of, offset_of, partition_of, value_of
from config.model import Configuration
from config.secrets import kafka_options
from console.errors import Failed, Misused
from schemas.codec import EPOCH, decode_latest, decode_seen
from schemas.records import NO_RESOURCE, LatestState, SeenVersion, key_parts
from schemas.topics import RAW, changelog_topic
from streams.steps.drift import DRIFT, FirstSeen, entries

BLOCK_RECORDS = 2_000  # per partition and step back in time; wanted records of a block, with documents, are in memory

Wants = Callable[["Name"], bool]
Kind = tuple[str, str, str, str]
"""Provider, source, resource type."""


@dataclass(frozen=True, slots=True)
class Tables:
    """The changelogs of one pipeline."""

    kafka: Mapping[str, str]
    app: str

    @classmethod
    def of(cls, configuration: Configuration, environ: Mapping[str, str]) -> "Tables":
        """Return the tables that a configuration names."""
        return cls(kafka_options(configuration, environ), configuration.worker.app)

    @property
    def latest(self) -> str:
        """Return the topic of the table *latest*."""
        return changelog_topic(self.app, "latest")

    @property
    def seen(self) -> str:
        """Return the topic of the table *seen*."""
        return changelog_topic(self.app, "seen")


@dataclass(frozen=True, slots=True)
class Name:
    """The parts of a resource key."""

    key: str
    provider: str
    source: str
    tenant: str
    resource: str
    resource_id: str

    @property
    def kind(self) -> Kind:
        """Return the provider, source, tenant and type of the resource."""
        return self.provider, self.source, self.tenant, self.resource

    def is_meant(self, wanted: str) -> bool:
        """Say whether a text from the command line is this resource's key or id."""
        return wanted in {self.key, self.resource_id}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of *latest*, and when it was written."""

    name: Name
    state: LatestState
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class Version:
    """One row of *seen*: a version of a resource, or a delivery in its place, and the delivery that showed it."""

    version: datetime | None
    delivery_id: str | None
    seen: SeenVersion
    stored_at: datetime


class DriftRow(NamedTuple):
    """A field that left its column, and the delivery that showed it first. `kind` is new, retyped or vanished."""

    provider: str
    source: str
    resource: str
    api_version: str
    kind: str
    field: str
    first: FirstSeen


def latest_rows(tables: Tables, wants: Wants, advance: Advance) -> Iterator[Row]:
    """Yield the wanted rows, each resource once, last stored first (roughly, over several partitions)."""
    for key, message in _newest(tables, tables.latest, lambda key: _is_resource(key) and wants(named(key)), advance):
        yield Row(named(key), _decoded(decode_latest, message), _stored_at(message))


def seen_versions(tables: Tables, name: Name, advance: Advance) -> list[Version]:
    """Return the stored versions of one resource, last written first."""
    start = f"{name.key}\0"
    found = _newest(tables, tables.seen, lambda key: key.startswith(start), advance)
    versions = [_version(key.removeprefix(start), message) for key, message in found]
    return sorted(versions, key=lambda version: version.stored_at, reverse=True)


def latest_counts(tables: Tables, wants: Wants, advance: Advance) -> tuple[Counter[Kind], Counter[Kind]]:
    """Return the numbers of existing and of deleted resources by kind. Keeps all keys in memory, but no document."""
    is_live: dict[str, bool] = {}
    for message in _all(tables, tables.latest, advance):
        key = key_of(message).decode(errors="replace")
        if message.value() is None:
            is_live.pop(key, None)
        elif _is_resource(key) and wants(named(key)):
            is_live[key] = not _decoded(decode_latest, message).is_deleted
    live: Counter[Kind] = Counter(named(key).kind for key, lives in is_live.items() if lives)
    deleted: Counter[Kind] = Counter(named(key).kind for key, lives in is_live.items() if not lives)
    return live, deleted


def seen_count(tables: Tables, advance: Advance) -> int:
    """Return the number of stored versions."""
    keys: set[bytes] = set()
    for message in _all(tables, tables.seen, advance):
        (keys.discard if message.value() is None else keys.add)(key_of(message))
    return len(keys)


def drift_rows(tables: Tables, advance: Advance) -> Iterator[DriftRow]:
    """Yield what has drifted in each partition, so that the same field may come several times."""
    prefix = DRIFT.decode()
    for key, message in _newest(tables, tables.latest, lambda key: key.startswith(prefix), advance):
        about = named(key.removeprefix(prefix))
        for kind, field, first in _decoded(lambda row: list(entries(row)), message):
            yield DriftRow(about.provider, about.source, about.resource, about.resource_id, kind, field, first)


def waiting(tables: Tables) -> int:
    """Return the number of deliveries not decided yet, which the tables therefore lack."""
    with topic_reader.consumer(tables.kafka, f"penstock.{tables.app}") as reader:
        return sum(len(part) for part in topic_reader.waiting_ranges(reader, RAW))


def named(key: str) -> Name:
    """Return the parts of a resource key."""
    return Name(key, *key_parts(key))


def _is_resource(key: str) -> bool:
    """Say whether a row of *latest* is a resource, not part of a child index or about drift."""
    return not key.startswith(NO_RESOURCE.decode())


def _newest(
    tables: Tables, topic: str, wants: Callable[[str], bool], advance: Advance
) -> Iterator[tuple[str, Message]]:
    """Yield the newest record of every wanted key, unless it is a deletion."""
    with topic_reader.consumer(tables.kafka) as reader:
        known: set[str] = set()
        for block in topic_reader.newest_blocks(_ranges(tables, reader, topic), None, BLOCK_RECORDS):
            newest: dict[str, Message] = {}
            for message in topic_reader.read(reader, block, advance):
                key = key_of(message).decode(errors="replace")
                if wants(key) and key not in known:
                    newest.pop(key, None)  # so that the key's order is that of its last record
                    newest[key] = message
            known.update(newest)
            yield from ((key, newest[key]) for key in reversed(newest) if newest[key].value() is not None)


def _all(tables: Tables, topic: str, advance: Advance) -> Iterator[Message]:
    with topic_reader.consumer(tables.kafka) as reader:
        yield from topic_reader.read(reader, _ranges(tables, reader, topic), advance)


def _ranges(tables: Tables, reader: Consumer, topic: str) -> list[Range]:
    found = topic_reader.ranges(reader, topic)
    if not found:
        raise Misused(f"there is no topic {topic}: has a worker with [worker] app = {tables.app!r} run on this Kafka?")
    return found


def _version(tag: str, message: Message) -> Version:
    """Return a row of *seen*; its tag is `v` and microseconds since 1970, or `d` and a delivery id."""
    row, stored_at = _decoded(decode_seen, message), _stored_at(message)
    if tag.startswith("d"):
        return Version(None, tag[1:], row, stored_at)
    return Version(EPOCH + timedelta(microseconds=int(tag[1:])), None, row, stored_at)


def _decoded(decode: Callable[[bytes], Any], message: Message) -> Any:
    try:
        return decode(value_of(message))
    except msgspec.DecodeError as error:
        location = f"{message.topic()}/{partition_of(message)}/{offset_of(message)}"
        raise Failed(f"the record {location} cannot be read: {error}; was it written by a newer Penstock?") from error


def _stored_at(message: Message) -> datetime:
    return datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)

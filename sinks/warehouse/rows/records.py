"""The records that the loader reads: a change, an outcome, or a record that is neither."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from schemas.records import Document
from schemas.typed.reading import TypedDocument

Shown = str | TypedDocument | None
"""A resource's document: JSON text, or a record where its topic is typed; None if there is none."""


class Place(Struct, frozen=True):
    """Where a record stands on its topic."""

    topic: str
    partition: int
    offset: int


class LoadedChange(Struct, frozen=True):
    """One change as a topic holds it. `raw_partition` and `raw_offset` are the place of its delivery on `webhooks.raw`."""

    place: Place
    event_id: str
    op: str
    key: str
    tenant: str
    resource_type: str
    resource_id: str
    parent_key: str | None
    changed: tuple[str, ...]
    before: Shown
    after: Shown
    version: datetime | None
    event_time: datetime | None
    received_at: datetime
    emitted_at: datetime
    provider: str
    source: str
    delivery_id: str
    event_type: str
    api_version: str | None
    raw_partition: int
    raw_offset: int

    @property
    def is_deletion(self) -> bool:
        """Say whether the resource is gone."""
        return self.op == "d"

    @property
    def shown(self) -> Shown:
        """Return the newest known document: of a deleted resource, the last one."""
        return self.before if self.is_deletion and self.after is None else self.after


class LoadedOutcome(Struct, frozen=True):
    """One outcome as `deliveries.outcomes` holds it, by the names of its schema."""

    place: Place
    fields: Mapping[str, Any]


class BadRecord(Struct, frozen=True):
    """A record that makes no row: `reason` is a word for machines, `detail` says what was expected, without any content."""

    place: Place
    reason: str
    detail: str
    value: bytes


Record = LoadedChange | LoadedOutcome | BadRecord


def is_overtaken(change: LoadedChange, by: LoadedChange) -> bool:
    """Say whether another change of the same resource came later, though it was read before: on another topic or lane.

    All deliveries of a resource stand on one partition of `webhooks.raw`, so their offsets order its changes. A larger number of
    partitions, or a topic made anew, starts other offsets: then the later emission counts.
    """
    return (
        change.raw_partition == by.raw_partition
        and change.raw_offset < by.raw_offset
        and change.emitted_at <= by.emitted_at
    )


def change_of(place: Place, record: Document) -> LoadedChange:
    """Return the change in a decoded record of a change topic; raise KeyError or TypeError if it is none."""
    source = record["source"]
    return LoadedChange(
        place,
        record["event_id"],
        record["op"],
        record["resource_key"],
        record.get("tenant", ""),
        record["resource_type"],
        record["resource_id"],
        record.get("parent_key"),
        tuple(record["changed"]),
        record["before"],
        record["after"],
        record["version"],
        record["event_time"],
        record["received_at"],
        record["emitted_at"],
        source["provider"],
        source["source"],
        source["delivery_id"],
        source["event_type"],
        source["api_version"],
        source["partition"],
        source["offset"],
    )

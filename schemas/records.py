"""The records that travel between Penstock's parts: values without behaviour.

They are frozen msgspec structs rather than dataclasses: a delivery makes about eight of them, and a frozen slotted dataclass
takes eleven times as long to build (decision 0002). All times are aware UTC.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

Document = dict[str, Any]
"""A JSON object as parsed: exact integers, other numbers as `Decimal`, everything else as Python's own types."""

OutcomeName = Literal["changed", "duplicate", "stale", "unchanged", "filtered", "dead"]
Operation = Literal["c", "u", "d", "r"]


class RawDelivery(Struct, frozen=True):
    """One verified delivery as it lies on `webhooks.raw`.

    `headers` are the provider's own, names in lower case, secrets removed. `key` is the record's Kafka key, the root
    resource. `topic`, `partition` and `offset` are where it lies; the ingress, which does not know yet, leaves the defaults.
    """

    delivery_id: str
    provider: str
    source: str
    event_type: str
    received_at: datetime
    key: str
    body: bytes
    content_type: str = "application/json"
    event_time: datetime | None = None
    api_version: str | None = None
    headers: Mapping[str, str] = {}
    topic: str = "webhooks.raw"
    partition: int = -1
    offset: int = -1


class ChildRule(Struct, frozen=True):
    """Where a document lists resources of their own, and when that list is whole, so that what is missing is gone.

    `field` is a top-level field: an array of objects with an `id` each, or an object with `data` and `has_more` around it, which
    is whole unless there is more. Of an array as long as `limit` the rest may have been left out. `id_list_field` is a field that
    names every child by its gid, also those left out. `member` is a field with one child that a whole list holds, too.
    `is_relation`: the id tells children apart only within their parent, so it becomes `parent:child`. `version` is an
    element's own update time; without one it has its parent's. `is_shared`: see `Snapshot`.
    """

    resource_type: str
    field: str
    is_relation: bool = False
    is_shared: bool = False
    version: str | None = None
    limit: int | None = None
    id_list_field: str | None = None
    member: str | None = None


class Snapshot(Struct, frozen=True):
    """One resource as one delivery shows it.

    `document` is None when the delivery says that the resource is gone (`is_deleted`) and shows no content.
    `version` is the provider's own update time of the resource; None where it sends none, and then `event_time`, the time at
    which the provider says the event happened, orders it. `volatile` names top-level fields whose change alone is no change.
    `parent` is (resource type, resource id) of the resource this one belongs to. `children` says where the document lists
    resources of their own. `is_shared`: its parent lists it and topics of its own show it, each with fields that the
    other lacks, so a field that is not shown keeps its stored value. `removed` are children, as (resource type, resource
    id), that the delivery says are gone, even where the document still lists them.
    `state_rank` grows with states that are never left again (an invoice once paid is not open any more); it orders
    snapshots of the
    same time, and 0 says nothing.
    """

    resource_type: str
    resource_id: str
    document: Document | None
    version: datetime | None = None
    event_time: datetime | None = None
    is_deleted: bool = False
    volatile: frozenset[str] = frozenset()
    parent: tuple[str, str] | None = None
    children: tuple[ChildRule, ...] = ()
    is_shared: bool = False
    removed: tuple[tuple[str, str], ...] = ()
    state_rank: int = 0


class Change(Struct, frozen=True):
    """One real change of one resource: what a data team consumes.

    `before` and `after` are JSON texts, None where there was or is nothing. `changed` is a tuple of JSON Pointers (RFC 6901).
    `event_id` is the UUIDv5 of resource, version, fingerprint and operation, so the same change always has the same id.
    """

    event_id: str
    op: Operation
    resource_key: str
    resource_type: str
    resource_id: str
    changed: tuple[str, ...]
    before: bytes | None
    after: bytes | None
    version: datetime | None
    event_time: datetime | None
    parent_key: str | None = None


class Outcome(Struct, frozen=True):
    """What became of one delivery: exactly one per record of `webhooks.raw`, with a fixed reason and a detail for people."""

    outcome: OutcomeName
    reason: str
    detail: str = ""
    event_ids: tuple[str, ...] = ()


class SeenVersion(Struct, frozen=True, array_like=True):
    """Table *seen*: what has arrived for one version of one resource, oldest first.

    `fingerprints` holds each content in its order of arrival (a flip back is a new entry), `delivery_ids` every delivery;
    both only the last ones (`streams.steps.dedup.MAX_KEPT`). `dropped` counts the contents that were forgotten.
    """

    fingerprints: tuple[bytes, ...]
    delivery_ids: tuple[str, ...]
    dropped: int = 0


class LatestState(Struct, frozen=True, array_like=True):
    """Table *latest*: the newest known state of one resource.

    `document` is JSON text, None once deleted. `version_us` and `event_time_us` are microseconds since 1970,
    UTC.
    `children_in_sync`: nothing but this document's lists was heard of its children, so an element that stays the same
    needs no look.
    `state_rank` is the snapshot's.
    """

    version_us: int | None
    event_time_us: int | None
    fingerprint: bytes
    document: bytes | None
    is_deleted: bool = False
    event_id: str = ""
    children_in_sync: bool = False
    state_rank: int = 0


class Correction(Struct, frozen=True):
    """What a replay found wrong about one resource: the body of a delivery of Penstock's own on `webhooks.raw` (decision 0012).

    `before` is what consumers have, `after` what is right, JSON texts, None where there is nothing. It holds only while the
    stored state comes from the change `replaces` ("" for none). `event_type` is that of the delivery that showed `after`;
    routes go by it. `parent` is (resource type, resource id). `volatile` names the fields that do not count as changed.
    """

    resource_type: str
    resource_id: str
    parent: tuple[str, str] | None
    event_type: str
    replaces: str
    before: str | None
    after: str | None
    version: datetime | None = None
    event_time: datetime | None = None
    state_rank: int = 0
    volatile: tuple[str, ...] = ()


def resource_key(provider: str, source: str, resource_type: str, resource_id: str) -> str:
    """Return the name of a resource everywhere: Kafka key, table key, `explain`.

    Provider, source and type never contain `|`, so the id, which may, comes last.
    """
    return f"{provider}|{source}|{resource_type}|{resource_id}"

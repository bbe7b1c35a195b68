"""The records that Penstock's components exchange: values without behaviour.

They are frozen msgspec structs rather than dataclasses: a delivery creates about eight of them, and a frozen slotted dataclass
takes eleven times as long to build (decision 0002). All times are aware UTC.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from msgspec import Struct

from schemas.topics import RAW

Document = dict[str, Any]
"""A parsed JSON object: exact integers, other numbers as `Decimal`, everything else as built-in types."""

OutcomeName = Literal["changed", "duplicate", "stale", "unchanged", "filtered", "dead", "pending"]
Operation = Literal["c", "u", "d", "r"]
OriginName = Literal["webhook", "retry", "edited", "drop", "replay", "fetch", "reconcile", "backfill", "write"]
"""How a delivery came: from its provider, from a person who mends dead letters, from a replay, or from a read of the API.

A read answers deliveries (`fetch`), or a list of the provider showed what no delivery told of (`reconcile`, `backfill`).
`write` declares what the user's own program is about to write at the provider.
"""

ChangeOrigin = Literal["webhook", "retry", "edited", "replay", "fetch", "reconcile", "backfill", "self"]
"""How a change came: as the delivery that showed it, or `self` if the user's own program caused it at the provider."""

PHASE: Final = 1_000  # persisted in the ranks of *latest*
"""What `state_rank` counts in thousands is compared before the time."""

CREATION: Final = -1  # persisted in the ranks of *latest*
"""The rank of the first state of a resource: nothing of the same second is earlier."""


class RawDelivery(Struct, frozen=True):
    """One verified delivery as stored on `webhooks.raw`.

    `headers` are those of the provider, with lower-case names and without secrets. `key` is the record's Kafka key, the root
    resource. `topic`, `partition` and `offset` are its position; the ingress does not know it yet and leaves the defaults.
    `tenant` is the account at the provider within the source, "" where ids are unique without it; it never contains `|`.
    `is_old` marks a record of version 0.1, whose key has no tenant.
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
    topic: str = RAW
    partition: int = -1
    offset: int = -1
    tenant: str = ""
    is_old: bool = False


class ChildRule(Struct, frozen=True):
    """Where a document lists child resources, and when that list is complete, so that a missing child is gone.

    `field` is a top-level field: an array of objects with an `id` each, or an object with `data` and `has_more` around it, which
    is complete unless there is more. An array of `limit` elements may be truncated. `id_list_field` is a field that names every
    child by its gid, including truncated ones. `member` is a field with one child that a complete list contains too.
    `is_relation`: the id is unique only within the parent, so it becomes `parent:child`. `version` is an element's own
    update time; without one, the parent's applies. `is_shared`: see `Snapshot`.
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

    `document` is None when the delivery reports a deletion (`is_deleted`) without content.
    `version` is the provider's own update time of the resource. If the provider sends none it is None, and `event_time`, the
    time of the event as the provider reports it, orders the snapshot. `volatile` names top-level fields whose change alone is
    no change. `parent` is (resource type, resource id) of the resource that this one belongs to. `children` says where the
    document lists child resources. `is_shared`: both its parent's list and its own event types show it, each with fields that
    the other lacks, so a field that is not shown keeps its stored value. `removed` are children, as (resource type, resource
    id), that the delivery reports as gone, even if the document still lists them.
    `is_partial`: the document is a rendering that leaves fields out; a field that is not shown keeps its stored value.
    `partial_lists` names top-level fields of such a document whose arrays may be truncated: elements that are not shown stay.
    `may_be_partial`: the sender may have been told to leave fields out, so a document that lacks a top-level field of the
    stored one is partial.
    `state_rank` grows with irreversible states (a paid invoice is never open again); it orders snapshots of the same time, and
    those without a time; 0 means no rank, and less than 0 that nothing of the same time is earlier (a creation). From `PHASE`
    on, its thousands are a phase, which goes before the time (a completed job never runs again, whatever its times say).
    `is_reference`: the document only names the resource, which has to be read to be known.
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
    is_partial: bool = False
    may_be_partial: bool = False
    partial_lists: frozenset[str] = frozenset()
    is_reference: bool = False


class Change(Struct, frozen=True):
    """One real change of one resource: the event that consumers read.

    `before` and `after` are JSON texts, None if there was or is nothing. `changed` is a tuple of JSON Pointers (RFC 6901).
    `event_id` is the UUIDv5 of resource, version, fingerprint and operation, so the same change always has the same id.
    `origin` says how it came; no id depends on it.
    `record_before` and `record_after` are the documents as records of the resource's column table (schemas.typed.resource), None
    where there is no such record at hand.
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
    record_before: bytes | None = None
    record_after: bytes | None = None
    origin: ChangeOrigin = "webhook"


class Outcome(Struct, frozen=True):
    """The outcome of one delivery: exactly one per record of `webhooks.raw`, with a fixed reason and a readable detail."""

    outcome: OutcomeName
    reason: str
    detail: str = ""
    event_ids: tuple[str, ...] = ()


class Lineage(Struct, frozen=True):
    """How a delivery came, and from which one: what its outcome and its dead letter say beyond the delivery itself.

    `cause` is the position or id of the delivery that it answers. `attempt` counts from 1. `first_at` is when the first attempt
    was decided, None if this is it. `edited_by` is the person who changed the body.
    """

    origin: OriginName = "webhook"
    cause: str | None = None
    attempt: int = 1
    first_at: datetime | None = None
    edited_by: str | None = None


class SeenVersion(Struct, frozen=True, array_like=True):
    """Table *seen*: what has arrived for one version of one resource, oldest first.

    `fingerprints` holds each content in order of arrival (a flip back is a new entry), `delivery_ids` every delivery. Both keep
    only the last `streams.steps.dedup.MAX_KEPT` entries; `dropped` counts the discarded contents. `api_versions` are those of
    the deliveries, each once.
    """

    fingerprints: tuple[bytes, ...]
    delivery_ids: tuple[str, ...]
    dropped: int = 0
    api_versions: tuple[str, ...] = ()


MIXED: Final = ""
"""The API version of a document that was merged from several."""


ShownBy = Literal["", "reference", "read"]
"""How a stored document came, as far as it matters."""


class LatestState(Struct, frozen=True, array_like=True):
    """Table *latest*: the newest known state of one resource.

    `document` is JSON text, None once deleted. `version_us` and `event_time_us` are microseconds since 1970, UTC.
    `children_in_sync`: the stored children are as this document lists them, so an unchanged element needs no lookup.
    `state_rank` is the snapshot's. `api_version` is that of the document, None if no delivery named one, `MIXED` if it was merged
    from several. `record` is the document as a record of the resource's column table, None where none was made, and `columns` the
    fingerprint of that table: with a grown table the record is made again. `shown_by` says that the document
    only names the resource, or that it was read; rows of earlier versions say neither.
    """

    version_us: int | None
    event_time_us: int | None
    fingerprint: bytes
    document: bytes | None
    is_deleted: bool = False
    event_id: str = ""
    children_in_sync: bool = False
    state_rank: int = 0
    api_version: str | None = None
    record: bytes | None = None
    columns: bytes = b""
    shown_by: ShownBy = ""


class Correction(Struct, frozen=True):
    """A replay's correction of one resource: the body of a delivery that Penstock writes to `webhooks.raw` (decision 0012).

    `before` is what consumers have, `after` what is right: JSON texts, None if there is nothing. It applies only while the
    stored state comes from the change `replaces` ("" for none). `event_type` is that of the delivery that showed `after`;
    routes select by it. `parent` is (resource type, resource id). `volatile` names the fields that do not count as changed.
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


NO_RESOURCE: Final = b"\0"  # persisted in the keys of *latest*
"""How the keys of rows begin that are not about a resource: child indexes and drift. No resource key does."""


class KeyParts(NamedTuple):
    """The parts of a resource key; all are "" but the id for a key that is none, such as the id of a delivery."""

    provider: str
    source: str
    tenant: str
    resource_type: str
    resource_id: str


def resource_key(provider: str, source: str, tenant: str, resource_type: str, resource_id: str) -> str:
    """Return the key of a resource, as used in Kafka keys, table keys and `explain`.

    Provider, source, tenant and type never contain `|`. The id may, so it comes last.
    """
    return f"{provider}|{source}|{tenant}|{resource_type}|{resource_id}"


def key_parts(key: str) -> KeyParts:
    """Return the parts that `resource_key` joined."""
    parts = key.split("|", 4)
    return KeyParts(*parts) if len(parts) == len(KeyParts._fields) else KeyParts("", "", "", "", key)

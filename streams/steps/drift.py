"""Where a provider's documents leave their columns: new, retyped and vanished fields, each reported once.

What is known of a source's resource type in one API version is a row of *latest*, in each partition that has seen it. So it is
restored with the table, and `penstock schema drift` reads it from the changelog.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, Literal

import msgspec
from msgspec import Struct

from schemas import codec
from schemas.records import NO_RESOURCE, LatestState, RawDelivery, Snapshot, resource_key
from schemas.typed.columns import is_column_name
from schemas.typed.encode import Encoded
from streams.steps.child_index import Rows

DRIFT: Final = NO_RESOURCE + b"drift\0"  # prefix of the rows' keys: persisted
MAX_FIELDS: Final = 500  # of one row: names may come from an object that is keyed by ids
MAX_NAME: Final = 200  # characters of a field's name

DriftKind = Literal["new", "retyped", "vanished"]
"""A field without a column, one whose value does not fit its column, one that the resource's last document had."""


class Drift(Struct, frozen=True):
    """A field that was seen to drift for the first time."""

    resource_type: str
    kind: DriftKind
    field: str


class FirstSeen(Struct, frozen=True, array_like=True):
    """The delivery that showed a drift first, the resource that it showed, and when it was received, in us since 1970."""

    delivery_id: str
    resource_key: str
    received_us: int


_decode = msgspec.msgpack.Decoder(dict[str, FirstSeen]).decode
_names = lru_cache(256)(lambda row: frozenset(_decode(row)))  # a row rarely changes, and each change looks into one
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def drifts(
    snapshot: Snapshot,
    encoded: Encoded,
    changed: Iterable[str],
    latest: LatestState | None,
    columns: Collection[str],
    *,
    is_merged: bool,
) -> list[Drift]:
    """Return how a new document differs from its columns and, in these, from the resource's last document.

    `changed` are the pointers of the change. A rendering that is known to leave fields out shows nothing about them, and
    a field whose name can be no column is not new.
    """
    kind = snapshot.resource_type
    found = [Drift(kind, "new", name[:MAX_NAME]) for name in encoded.unknown if is_column_name(name)]
    found += [Drift(kind, "retyped", name[:MAX_NAME]) for name in encoded.misfits]
    if snapshot.document is None or snapshot.is_partial or snapshot.is_shared:
        return found
    gone = _kept(latest) if is_merged else _top_level(changed)
    found += [
        Drift(kind, "vanished", name[:MAX_NAME]) for name in gone if name in columns and name not in snapshot.document
    ]
    return found


def first_seen(
    found: Sequence[Drift], delivery: RawDelivery, resource_type: str, key: str, rows: Rows
) -> tuple[Drift, ...]:
    """Return the drifts of a resource type that no delivery of the source showed before, in this partition, and remember them.

    `key` is that of the resource which `delivery` shows.
    """
    version = delivery.api_version or ""
    row_key = DRIFT + resource_key(delivery.provider, delivery.source, "", resource_type, version).encode()
    row = rows.get(row_key)
    names = frozenset() if row is None else _names(row)
    new = [drift for drift in dict.fromkeys(found) if f"{drift.kind} {drift.field}" not in names]
    told = new[: max(0, MAX_FIELDS - len(names))]
    if told:
        known = {} if row is None else _decode(row)
        first = FirstSeen(delivery.delivery_id, key, codec.time_us(delivery.received_at) or 0)
        known.update((f"{drift.kind} {drift.field}", first) for drift in told)
        rows.put(row_key, codec.encode_row(known))
    return tuple(told)


def entries(row: bytes) -> Iterator[tuple[str, str, FirstSeen]]:
    """Yield kind and field of what a row remembers, with the delivery that showed it first."""
    for name, first in _decode(row).items():
        kind, _, field = name.partition(" ")
        yield kind, field, first


def _top_level(changed: Iterable[str]) -> list[str]:
    names = [pointer[1:] for pointer in changed if "/" not in pointer[1:]]
    return [name.replace("~1", "/").replace("~0", "~") for name in names]


def _kept(latest: LatestState | None) -> list[str]:
    return [] if latest is None or latest.document is None else list(_fields(latest.document))

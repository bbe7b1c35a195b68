"""The deliveries that wait for a read of their resource, in rows of *latest*, oldest first.

Their resource's key names the rows, which all are in one partition, as the deliveries are. A row holds `PER_ROW` deliveries, so a
burst does not write all of them again for each that comes; rows are used again once their deliveries are answered.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from schemas import codec
from schemas.records import NO_RESOURCE, RawDelivery
from streams.steps.child_index import Rows

PER_ROW: Final = 50
WAITING: Final = NO_RESOURCE + b"waiting\0"  # prefix of keys: persisted


class _Row(Struct, frozen=True, array_like=True):
    """Some of the deliveries; `rows` counts all rows of the resource, and is right in the first one only."""

    rows: int
    deliveries: tuple[RawDelivery, ...] = ()


_decode = msgspec.msgpack.Decoder(_Row).decode


def add(key: str, delivery: RawDelivery, rows: Rows) -> None:
    """Add a delivery behind those that wait already."""
    first = _row(key, 0, rows)
    last = first if first.rows <= 1 else _row(key, first.rows - 1, rows)
    if first.rows and len(last.deliveries) < PER_ROW:
        _put(key, first.rows - 1, _Row(last.rows, (*last.deliveries, delivery)), rows)
        return
    _put(key, first.rows, _Row(1, (delivery,)), rows)
    if first.rows:
        _put(key, 0, _Row(first.rows + 1, first.deliveries), rows)


def take(key: str, up_to: int, rows: Rows) -> Sequence[RawDelivery]:
    """Remove and return the deliveries whose offset is at most `up_to`, oldest first."""
    waiting = listed(key, rows)
    taken = [delivery for delivery in waiting if delivery.offset <= up_to]
    if taken:
        left = [delivery for delivery in waiting if delivery.offset > up_to]
        parts = [tuple(left[start : start + PER_ROW]) for start in range(0, len(left), PER_ROW)]
        for number, part in enumerate(parts):
            _put(key, number, _Row(len(parts), part), rows)
        if not parts:
            _put(key, 0, _Row(0), rows)
    return taken


def listed(key: str, rows: Rows) -> list[RawDelivery]:
    """Return the deliveries that wait, oldest first."""
    first = _row(key, 0, rows)
    return [
        delivery
        for number in range(first.rows)
        for delivery in (first if not number else _row(key, number, rows)).deliveries
    ]


def _row(key: str, number: int, rows: Rows) -> _Row:
    found = rows.get(_key(key, number))
    return _Row(0) if found is None else _decode(found)


def _put(key: str, number: int, row: _Row, rows: Rows) -> None:
    rows.put(_key(key, number), codec.encode_row(row))


def _key(key: str, number: int) -> bytes:
    return WAITING + f"{key}\0{number}".encode()

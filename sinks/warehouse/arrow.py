"""Rows as Arrow tables, the form in which every engine takes them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa

from sinks.warehouse.rows.batch import Offsets
from sinks.warehouse.rows.cells import SqlType, json_cell
from sinks.warehouse.rows.records import BadRecord
from sinks.warehouse.rows.shape import Row, SqlColumn

ARROW_TYPES: Final[dict[SqlType, pa.DataType]] = {
    "boolean": pa.bool_(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "text": pa.string(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "decimal": pa.decimal128(38, 9),
    "json": pa.string(),
    "bytes": pa.binary(),
}

OUTCOME_COLUMNS: Final = (
    SqlColumn("delivery_id", "text"),
    SqlColumn("source", "text"),
    SqlColumn("provider", "text"),
    SqlColumn("tenant", "text"),
    SqlColumn("key", "text"),
    SqlColumn("event_type", "text"),
    SqlColumn("outcome", "text"),
    SqlColumn("reason", "text"),
    SqlColumn("detail", "text"),
    SqlColumn("event_ids", "json"),
    SqlColumn("received_at", "timestamp"),
    SqlColumn("decided_at", "timestamp"),
    SqlColumn("topic", "text"),
    SqlColumn("partition", "integer"),
    SqlColumn("offset", "bigint"),
    SqlColumn("_penstock_synced_at", "timestamp"),
    SqlColumn("origin", "text"),
    SqlColumn("cause", "text"),
)
BAD_COLUMNS: Final = (
    SqlColumn("topic", "text"),
    SqlColumn("partition", "integer"),
    SqlColumn("offset", "bigint"),
    SqlColumn("reason", "text"),
    SqlColumn("detail", "text"),
    SqlColumn("value", "bytes"),
    SqlColumn("_penstock_synced_at", "timestamp"),
)
OFFSET_COLUMNS: Final = (
    SqlColumn("topic", "text"),
    SqlColumn("partition", "integer"),
    SqlColumn("next_offset", "bigint"),
)


def arrow_table(columns: Sequence[SqlColumn], rows: Sequence[Row]) -> pa.Table:
    """Return rows as an Arrow table; raise one of Arrow's errors for a cell that its column cannot hold."""
    cells = list(zip(*rows, strict=True)) or [()] * len(columns)
    arrays = [pa.array(column, ARROW_TYPES[shape.type]) for column, shape in zip(cells, columns, strict=True)]
    return pa.Table.from_arrays(arrays, names=[column.name for column in columns])


def outcome_rows(outcomes: Sequence[Any], synced_at: datetime) -> list[Row]:
    """Return the rows of outcomes, by the names of their schema; a field that an older one lacks has its default, or is null."""

    rows = []
    for outcome in outcomes:
        fields = {
            "origin": "webhook",
            **outcome,
            "event_ids": json_cell(list(outcome["event_ids"])),
            "_penstock_synced_at": synced_at,
        }
        rows.append([fields.get(column.name) for column in OUTCOME_COLUMNS])
    return rows


def bad_rows(bad: Sequence[BadRecord], synced_at: datetime) -> list[Row]:
    """Return the rows of records that make no row elsewhere."""
    return [
        [one.place.topic, one.place.partition, one.place.offset, one.reason, one.detail, one.value, synced_at]
        for one in bad
    ]


def offset_rows(offsets: Offsets) -> list[Row]:
    """Return the rows of offsets."""
    return [[topic, partition, offset] for (topic, partition), offset in offsets.items()]


def utc_text(time: datetime | None) -> str | None:
    """Return a time as text of RFC 3339, UTC."""
    return None if time is None else time.astimezone(UTC).isoformat().replace("+00:00", "Z")

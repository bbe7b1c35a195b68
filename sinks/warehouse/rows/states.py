"""A batch of states: rows for the current tables alone, for a warehouse that is built anew.

A state has the newest document of a resource, and nothing of the delivery that led to it. So its row has no receipt and no place
on `webhooks.raw`, and any change that was not emitted earlier replaces it.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial

from msgspec.structs import replace

from sinks.warehouse.rows.batch import Batch, Offsets, TableRows, batch_of, ends_of, starts_of
from sinks.warehouse.rows.records import LoadedChange, Record
from sinks.warehouse.rows.shape import Layouts, Row, TableName

Uses = Callable[[LoadedChange], bool]
"""Says whether the warehouse has a row for a state: whether its changes reach the loader, and whole."""

UNKNOWN = ("_received_at", "_raw_partition", "_raw_offset")


def states_batch(
    uses: Uses, records: Sequence[Record], stored: Offsets, layouts: Layouts, synced_at: datetime
) -> Batch:
    """Return the batch of some records of `state.*`: a change with `op` d is a tombstone, any other a state."""
    states = _newest([record for record in records if isinstance(record, LoadedChange) and not record.is_deletion])
    kept: list[Record] = [record for record in records if not isinstance(record, LoadedChange)]
    kept += [state for state in states.values() if uses(state)]
    batch = batch_of(kept, stored, layouts, synced_at)
    ends = ends_of(records)
    tables = {table.name: _without_delivery(table) for table in batch.tables}
    for name, keys in _gone(records, uses, layouts).items():
        known = tables.get(name) or TableRows(name, (), (), (), is_of_states=True)
        tables[name] = replace(known, gone=tuple(keys))
    return replace(batch, tables=list(tables.values()), starts=starts_of(ends, stored), ends=ends)


def _newest(states: Iterable[LoadedChange]) -> dict[str, LoadedChange]:
    """Return the newest state of each resource, or its tombstone.

    A partition has them in their order. A resource that has changed its topic has an older one on its former topic: between two
    topics the time of emission decides. A tombstone has only the time at which Kafka received it, which is a little later.
    """
    newest: dict[str, LoadedChange] = {}
    for state in states:
        known = newest.get(state.key)
        if known is None or known.place.topic == state.place.topic or state.emitted_at >= known.emitted_at:
            newest[state.key] = state
    return newest


def _without_delivery(table: TableRows) -> TableRows:
    names = [column.name for column in table.all_columns]
    unknown = frozenset(map(names.index, UNKNOWN))
    return replace(table, rows=list(map(partial(_blanked, unknown), table.rows)), is_of_states=True)


def _blanked(unknown: frozenset[int], row: Row) -> Row:
    return [None if index in unknown else cell for index, cell in enumerate(row)]


def _gone(records: Sequence[Record], uses: Uses, layouts: Layouts) -> dict[TableName, list[str]]:
    """Return the keys of the resources that end with a tombstone, by table."""
    newest = _newest(record for record in records if isinstance(record, LoadedChange))
    keys: dict[TableName, list[str]] = {}
    for tombstone in newest.values():
        if tombstone.is_deletion and uses(tombstone):
            keys.setdefault(layouts.layout(tombstone).name, []).append(tombstone.key)
    return keys

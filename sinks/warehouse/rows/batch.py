"""A batch: what records of many topics mean for each table, and the offsets that go with it.

In the history every change is a row. In the current table the last change of a resource counts, so a batch has one winner per
resource. The engine compares the winners with the rows that it has.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from sinks.warehouse.rows.records import BadRecord, LoadedChange, LoadedOutcome, Record, is_overtaken
from sinks.warehouse.rows.row import document_cells, own_cells, parent_cell
from sinks.warehouse.rows.shape import CHANGE_COLUMNS, ROW_COLUMNS, Layouts, Row, SqlColumn, TableName

Partition = tuple[str, int]
Offsets = Mapping[Partition, int]
"""The offset of the next record to read, by topic and partition."""


class TableRows(Struct, frozen=True):
    """The rows of one table in a batch: `columns` for the current table, with `CHANGE_COLUMNS` behind them for its history.

    `rows` are all changes in the order of reading. `winners` are the indexes of the last change of each resource. Rows of states
    have no history; `gone` are the keys of resources that have no state any more.
    """

    name: TableName
    columns: tuple[SqlColumn, ...]
    rows: Sequence[Row]
    winners: Sequence[int]
    is_of_states: bool = False
    gone: Sequence[str] = ()

    @property
    def all_columns(self) -> tuple[SqlColumn, ...]:
        """Return the columns of the history, in the order of the cells of a row."""
        return (*self.columns, *CHANGE_COLUMNS)


class Batch(Struct, frozen=True):
    """What one transaction writes. `starts` is what the warehouse must have stored before, `ends` what it stores."""

    tables: Sequence[TableRows]
    outcomes: Sequence[Mapping[str, Any]]
    bad: Sequence[BadRecord]
    starts: Offsets
    ends: Offsets
    synced_at: datetime

    @property
    def row_count(self) -> int:
        """Return the number of changes and outcomes."""
        return sum(len(table.rows) for table in self.tables) + len(self.outcomes)


def batch_of(records: Sequence[Record], stored: Offsets, layouts: Layouts, synced_at: datetime) -> Batch:
    """Return the batch of some records, each partition's in its order; a change that makes no row becomes a bad record."""
    gathered = _Gathered(layouts, synced_at)
    for record in records:
        gathered.add(record)
    ends = ends_of(records)
    return Batch(
        [rows.table(name) for name, rows in gathered.tables.items()],
        gathered.outcomes,
        gathered.bad,
        starts_of(ends, stored),
        ends,
        synced_at,
    )


def ends_of(records: Sequence[Record]) -> dict[Partition, int]:
    """Return the offset behind the last of some records, by partition."""
    return {(record.place.topic, record.place.partition): record.place.offset + 1 for record in records}


def starts_of(ends: Offsets, stored: Offsets) -> dict[Partition, int]:
    """Return what must be stored before a batch with these ends."""
    return {partition: stored[partition] for partition in ends if partition in stored}


class _Gathered:
    """Records sorted by what becomes of them."""

    def __init__(self, layouts: Layouts, synced_at: datetime) -> None:
        self.tables: dict[TableName, _Rows] = {}
        self.outcomes: list[Mapping[str, Any]] = []
        self.bad: list[BadRecord] = []
        self._layouts = layouts
        self._synced_at = synced_at

    def add(self, record: Record) -> None:
        """Take one record."""
        match record:
            case BadRecord():
                self.bad.append(record)
            case LoadedOutcome():
                self.outcomes.append(record.fields)
            case LoadedChange():
                try:
                    self._add(record)
                except ValueError as error:  # msgspec's errors are ValueErrors too; neither quotes the document
                    self.bad.append(BadRecord(record.place, "no_document", type(error).__name__, b""))

    def _add(self, change: LoadedChange) -> None:
        layout = self._layouts.layout(change)
        cells, extra = document_cells(layout, change)
        parent = parent_cell(self._layouts, change)
        rows = self.tables.get(layout.name)
        if rows is None:
            rows = self.tables[layout.name] = _Rows(layout.columns)
        rows.add(change, cells, parent, own_cells(change, extra, self._synced_at))


class _Rows:
    """The rows of one table while a batch is gathered. A parent's column is added by the first row that has one."""

    def __init__(self, columns: Sequence[SqlColumn]) -> None:
        self._columns = columns
        self._positions = {column.name.lower(): index for index, column in enumerate(columns)}
        self._parents: dict[SqlColumn, dict[int, Any]] = {}
        self._cells: list[Row] = []
        self._own: list[Row] = []
        self._event_ids: set[str] = set()
        self._winners: dict[str, tuple[LoadedChange, int]] = {}

    def add(self, change: LoadedChange, cells: Row, parent: tuple[SqlColumn, Any] | None, own: Row) -> None:
        """Take the row of one change, unless a copy of it on another topic has been taken."""
        if change.event_id in self._event_ids:
            return
        self._event_ids.add(change.event_id)
        index = len(self._cells)
        if parent is not None:
            self._set_parent(*parent, index, cells)
        self._cells.append(cells)
        self._own.append(own)
        best = self._winners.get(change.key)
        if best is None or not is_overtaken(change, best[0]):
            self._winners[change.key] = (change, index)

    def table(self, name: TableName) -> TableRows:
        """Return the rows, each with a cell for each column."""
        parents = list(self._parents)
        rows = [
            [*cells, *(self._parents[parent].get(index) for parent in parents), *own]
            for index, (cells, own) in enumerate(zip(self._cells, self._own, strict=True))
        ]
        columns = (*self._columns, *parents, *ROW_COLUMNS)
        return TableRows(name, columns, rows, [index for _, index in self._winners.values()])

    def _set_parent(self, column: SqlColumn, cell: Any, index: int, cells: Row) -> None:
        """Note the parent's id, in the document's own column of that name if there is one."""
        position = self._positions.get(column.name.lower())
        if position is None:
            self._parents.setdefault(column, {})[index] = cell
        elif cells[position] is None and self._columns[position].type == column.type:
            cells[position] = cell

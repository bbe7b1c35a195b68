"""The columns of each table: the provider's, the id, the parent's id, and Penstock's own behind them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from msgspec import Struct

from schemas.topics import OTHER
from schemas.typed.columns import Column, ColumnTable
from sinks.warehouse.rows.cells import CELLS, SQL_TYPES, SqlType
from sinks.warehouse.rows.names import parent_column, schema_name, table_name
from sinks.warehouse.rows.records import LoadedChange

Tables = Callable[[str, str], ColumnTable | None]
"""The column table of a provider's resource type."""

Row = list[Any]
"""The cells of a row, in the order of its columns."""

OwnTypes = Mapping[str, Collection[str]]
"""The resource types with topics of their own, by provider."""


class SqlColumn(Struct, frozen=True):
    """One column of a table in the warehouse."""

    name: str
    type: SqlType


ROW_COLUMNS: Final = (
    SqlColumn("_extra", "json"),
    SqlColumn("_key", "text"),
    SqlColumn("_parent_key", "text"),
    SqlColumn("_source", "text"),
    SqlColumn("_tenant", "text"),
    SqlColumn("_api_version", "text"),
    SqlColumn("_version", "timestamp"),
    SqlColumn("_event_time", "timestamp"),
    SqlColumn("_received_at", "timestamp"),
    SqlColumn("_emitted_at", "timestamp"),
    SqlColumn("_event_id", "text"),
    SqlColumn("_raw_partition", "integer"),
    SqlColumn("_raw_offset", "bigint"),
    SqlColumn("_penstock_deleted", "boolean"),
    SqlColumn("_penstock_synced_at", "timestamp"),
)
"""What every row has, in the current table and in its history."""

CHANGE_COLUMNS: Final = (
    SqlColumn("_op", "text"),
    SqlColumn("_changed", "json"),
    SqlColumn("_event_type", "text"),
    SqlColumn("_delivery_id", "text"),
)
"""What only a history has: how the row came about."""

GENERIC_COLUMNS: Final = (SqlColumn("id", "text"), SqlColumn("document", "json"))
"""The columns of a resource without a column table."""

OTHER_COLUMNS: Final = (SqlColumn("resource_type", "text"), *GENERIC_COLUMNS)
"""Those of the table that all types without topics of their own share."""

_OWN_NAMES: Final = frozenset(column.name for column in (*ROW_COLUMNS, *CHANGE_COLUMNS))


class TableName(Struct, frozen=True, order=True):
    """A table in a schema."""

    schema: str
    table: str


class Layout(Struct, frozen=True, dict=True):
    """How the changes of one resource type of one source become rows of one table; `fields` is empty for generic documents."""

    name: TableName
    is_other: bool
    fields: tuple[Column, ...]
    id_column: SqlColumn

    @cached_property
    def columns(self) -> tuple[SqlColumn, ...]:
        """Return the columns for a document, in the order of its cells."""
        if self.is_other:
            return OTHER_COLUMNS
        if not self.fields:
            return GENERIC_COLUMNS
        typed = tuple(SqlColumn(field.name, SQL_TYPES[field.kind]) for field in self.fields)
        return typed if self._has_id_field else (self.id_column, *typed)

    @cached_property
    def field_cells(self) -> dict[str, tuple[int, Callable[[Any], Any]]]:
        """Return the position of each field, and what turns its value into a cell."""
        return {field.name: (index, CELLS[field.kind]) for index, field in enumerate(self.fields)}

    @cached_property
    def id_index(self) -> int:
        """Return the position of the id's column in a typed layout."""
        return next(index for index, column in enumerate(self.columns) if column.name.lower() == "id")

    @property
    def _has_id_field(self) -> bool:
        return any(field.name.lower() == "id" for field in self.fields)


class Layouts:
    """The layout of each resource type, made once. `tables` and `own` come from the column tables and the configuration."""

    def __init__(self, tables: Tables, own: OwnTypes) -> None:
        self._tables = tables
        self._own = own
        self._layouts: dict[tuple[str, str, str], Layout] = {}

    def layout(self, change: LoadedChange) -> Layout:
        """Return the layout of a change's resource type."""
        wanted = (change.provider, change.source, change.resource_type)
        found = self._layouts.get(wanted)
        if found is None:
            found = self._layout(*wanted)
            if not found.is_other:  # other types are unbounded, and need no layout each
                self._layouts[wanted] = found
        return found

    def parent(self, provider: str, parent_type: str) -> SqlColumn:
        """Return the column for the id of a parent of a type: as wide as the parent's own id."""
        name = parent_column(provider, parent_type, self._own.get(provider, ()))
        return SqlColumn(name, _id_type(self._fields(provider, parent_type)))

    def _layout(self, provider: str, source: str, resource_type: str) -> Layout:
        own = self._own.get(provider, ())
        name = TableName(schema_name(source), table_name(provider, resource_type, own))
        if resource_type not in own:
            return Layout(TableName(name.schema, OTHER), True, (), GENERIC_COLUMNS[0])
        fields = self._fields(provider, resource_type)
        return Layout(name, False, fields, SqlColumn("id", _id_type(fields)))

    def _fields(self, provider: str, resource_type: str) -> tuple[Column, ...]:
        table = self._tables(provider, resource_type)
        return () if table is None else tuple(_usable(table.columns))


def _usable(columns: Sequence[Column]) -> Sequence[Column]:
    """Return the columns that a database can have: it ignores case, and Penstock's own names are taken."""
    first: dict[str, Column] = {}
    for column in columns:
        if column.name.lower() not in _OWN_NAMES:
            first.setdefault(column.name.lower(), column)
    return list(first.values())


def _id_type(fields: Sequence[Column]) -> SqlType:
    return SQL_TYPES[next((field.kind for field in fields if field.name.lower() == "id"), "string")]

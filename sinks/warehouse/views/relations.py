"""What a view reads: tables of a source with the columns that its SQL uses. Pure.

A view's SQL names its relations freely. In front of it comes a `WITH` that defines them over the tables that there are, so that a
column or a whole table that is missing, because no such field or resource has come yet, reads as null or as empty.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from sinks.warehouse.engines.statements import quoted, table_sql
from sinks.warehouse.rows.cells import SqlType
from sinks.warehouse.rows.names import HISTORY
from sinks.warehouse.rows.shape import ROW_COLUMNS, SqlColumn, TableName

Known = Mapping[str, Mapping[str, str]]
"""The columns of each current table of one schema, by their names in lower case."""

NULL_TYPES: Final[Mapping[SqlType, str]] = {
    "boolean": "BOOLEAN",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "text": "TEXT",  # in PostgreSQL a view's column stays of its type, and those of tables are text
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "decimal": "DECIMAL(38, 9)",
    "json": "JSON",
}
"""Names of types that both DuckDB and PostgreSQL know."""

_OWN: Final = tuple(column for column in ROW_COLUMNS if column.name != "_extra")


class Relation(Struct, frozen=True):
    """A table as a view reads it, or its history: without `needed` there is no view, `used` may be missing.

    Without any `needed` the whole table may be missing.
    """

    name: str
    table: str
    needed: tuple[SqlColumn, ...] = ()
    used: tuple[SqlColumn, ...] = ()
    is_history: bool = False

    def exists(self, known: Known) -> bool:
        """Say whether all that the view cannot do without is there."""
        columns = known.get(self.table, {})
        return all(column.name in columns for column in self.needed)

    def sql(self, schema: str, known: Known) -> str:
        """Return the query of the relation, with Penstock's own columns."""
        columns = known.get(self.table)
        wanted = (*self.needed, *self.used, *_OWN)
        if columns is None:
            return f"SELECT {', '.join(map(_null, wanted))} WHERE false"
        cells = ", ".join(quoted(column.name) if column.name in columns else _null(column) for column in wanted)
        return f"SELECT {cells} FROM {table_sql(TableName(schema, self.table), HISTORY if self.is_history else '')}"  # noqa: S608 - quoted


def columns(**types: SqlType) -> tuple[SqlColumn, ...]:
    """Return columns from their names and types."""
    return tuple(SqlColumn(name, sql_type) for name, sql_type in types.items())


def _null(column: SqlColumn) -> str:
    return f"CAST(NULL AS {NULL_TYPES[column.type]}) AS {quoted(column.name)}"

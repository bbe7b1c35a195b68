"""Names and views in PostgreSQL, which cuts names off after 63 bytes and never moves a view's columns. Pure."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from sinks.warehouse.engines.statements import fivetran_sql, listed, quoted, versions_sql
from sinks.warehouse.rows.cells import SqlType
from sinks.warehouse.rows.names import HISTORY, VERSIONS, compatible_schema
from sinks.warehouse.rows.shape import SqlColumn, TableName
from sinks.warehouse.views.analytics import analytics_schema, analytics_views
from sinks.warehouse.views.fivetran import compatible_cells
from sinks.warehouse.views.relations import Known

PUBLIC: Final = "public"
MAX_BYTES: Final = 63  # NAMEDATALEN - 1; a longer name is cut off silently, and then two may be one
HASH_CHARS: Final = 8
TYPES: Final[dict[SqlType, str]] = {
    "boolean": "boolean",
    "integer": "integer",
    "bigint": "bigint",
    "text": "text",
    "timestamp": "timestamp with time zone",
    "decimal": "numeric(38,9)",
    "json": "json",  # not jsonb, which refuses \\u0000 and drops repeated names and the spelling of numbers
    "bytes": "bytea",
}


class View(TableName, frozen=True):
    """A view: its query, and the columns of the query by name where a later query has these and others."""

    query: str
    columns: tuple[str, ...] = ()


def fitting(name: str) -> str:
    """Return a name itself, or a shorter one for it with a hash if PostgreSQL would cut it off."""
    if len(name.encode()) <= MAX_BYTES:
        return name
    kept = name.encode()[: MAX_BYTES - HASH_CHARS - 1].decode(errors="ignore")
    return f"{kept}_{sha256(name.encode()).hexdigest()[:HASH_CHARS]}"


def relation(name: TableName, suffix: str = "") -> TableName:
    """Return the schema and name in PostgreSQL of a table, or of its history or validity view."""
    return TableName(fitting(name.schema), fitting(name.table + suffix))


def sql(name: TableName) -> str:
    """Return the quoted name of a relation."""
    return f"{quoted(name.schema)}.{quoted(name.table)}"


def definitions(columns: Sequence[SqlColumn], primary_key: Sequence[str] = ()) -> str:
    """Return the columns of a table, as CREATE TABLE has them."""
    lines = [f"{quoted(column.name)} {TYPES[column.type]}" for column in columns]
    return ", ".join([*lines, f"PRIMARY KEY ({listed(primary_key)})"] if primary_key else lines)


def views(name: TableName, columns: Sequence[str]) -> list[View]:
    """Return the views on a table and its history."""
    versions, compatible = relation(name, VERSIONS), relation(TableName(compatible_schema(name.schema), name.table))
    kept = [column for column in columns if column != "_penstock_deleted"]
    added = ("_op", "_changed", "_valid_from", "_valid_to", "_is_current")
    return [
        View(versions.schema, versions.table, versions_sql(sql(relation(name, HISTORY)), columns), (*kept, *added)),
        View(
            compatible.schema,
            compatible.table,
            fivetran_sql(sql(relation(name)), name.table, columns),
            (*columns, *compatible_cells(name.table, columns)),
        ),
    ]


def views_of_analysts(name: TableName, known: Known) -> list[View]:
    """Return the analysts' views on a table; `known` are the columns of its schema's tables."""
    found = analytics_views(TableName(fitting(name.schema), name.table), known)
    schema = fitting(analytics_schema(name.schema))
    return [View(schema, view.table, query) for view, query in found.items()]


def view_sql(view: View, former: Sequence[str]) -> str:
    """Return the statement that makes a view, or adds its new columns behind those that it had.

    So views of others on it, and rights to it, stay: to drop it would take them along, or fail.
    """
    if not view.columns:
        return f"CREATE OR REPLACE VIEW {sql(view)} AS {view.query}"
    order = [*former, *(column for column in view.columns if column not in former)]
    return f"CREATE OR REPLACE VIEW {sql(view)} AS SELECT {listed(order)} FROM ({view.query}) AS _query"  # noqa: S608 - quoted

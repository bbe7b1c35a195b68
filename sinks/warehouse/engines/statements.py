"""The SQL that every engine shares: identifiers, and the views on a table. Pure."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from sinks.warehouse.rows.names import HISTORY, VERSIONS, compatible_schema
from sinks.warehouse.rows.shape import CHANGE_COLUMNS, TableName

MARK = "Made by Penstock, which replaces it when its definition changes: "
"""How the comment begins that a view of the warehouse has."""

OFFSETS = "_penstock_offsets"
OUTCOMES = "_penstock_outcomes"
BAD_RECORDS = "_penstock_bad_records"


IS_LATE = (
    "coalesce("
    "(n._raw_partition = o._raw_partition AND n._raw_offset < o._raw_offset AND n._emitted_at <= o._emitted_at) "
    "OR (o._raw_partition IS NULL AND n._emitted_at < o._emitted_at) "
    "OR (n._raw_partition IS NULL AND o._raw_partition IS NOT NULL AND n._emitted_at <= o._emitted_at), false)"
)
"""Whether a new row `n` is older than the row `o` that there is (`records.is_overtaken`); never null, so that NOT turns it round.

A row without a place on the raw topic comes from a state. A change as old as it is the one that led to it, and has more.
"""


def quoted(identifier: str) -> str:
    """Return an identifier in quotes. Always: `order`, `index` and `end` are words of SQL."""
    return '"' + identifier.replace('"', '""') + '"'


def listed(columns: Iterable[str]) -> str:
    """Return quoted identifiers, separated by commas."""
    return ", ".join(map(quoted, columns))


def table_sql(name: TableName, suffix: str = "") -> str:
    """Return the quoted name of a table, or of its history or a view."""
    return f"{quoted(name.schema)}.{quoted(name.table + suffix)}"


def versions_sql(history: str, columns: Sequence[str]) -> str:
    """Return the query of the validity view on a history: each state of a resource, and from when to when it was the newest.

    The provider's own time begins a state, else the time of its receipt. A state that was never the newest in the provider's
    time, because a later change has an earlier time, is valid for no time at all.
    """
    starts = "coalesce(_version, _event_time, _received_at)"
    kept = [column for column in columns if column != "_penstock_deleted"]
    order = "PARTITION BY _key ORDER BY _emitted_at, _raw_offset, _event_id"
    return (
        f"SELECT {listed(kept)}, _op, _changed, _valid_from, "  # noqa: S608 - identifiers are quoted
        "CASE WHEN _next_from < _valid_from THEN _valid_from ELSE _next_from END AS _valid_to, _next_from IS NULL AS _is_current "
        f"FROM (SELECT *, {starts} AS _valid_from, lead({starts}) OVER ({order}) AS _next_from "
        f"FROM {history}) AS _ordered WHERE NOT _penstock_deleted"
    )


def fivetran_sql(table: str, name: str, columns: Sequence[str]) -> str:
    """Return the query of the view with the names that models made for Fivetran expect, on a quoted table of this name."""
    from sinks.warehouse.views.fivetran import compatible_cells  # which quotes by this module

    cells = [f"{cell} AS {quoted(column)}" for column, cell in compatible_cells(name, columns).items()]
    return f"SELECT {listed(columns)}, {', '.join(cells)} FROM {table}"  # noqa: S608 - identifiers are quoted


def table_views(name: TableName, columns: Sequence[str]) -> dict[TableName, str]:
    """Return the queries of the views of a table, by their names; they change whenever it gets a column."""
    return {
        TableName(name.schema, name.table + VERSIONS): versions_sql(table_sql(name, HISTORY), columns),
        TableName(compatible_schema(name.schema), name.table): fivetran_sql(table_sql(name), name.table, columns),
    }


def mark(query: str) -> str:
    """Return the comment of the view that was made from a query. So an unchanged view is known without a change to it."""
    return MARK + sha256(query.encode()).hexdigest()[:16]


def history_only() -> list[str]:
    """Return the names of the columns that only a history has."""
    return [column.name for column in CHANGE_COLUMNS]

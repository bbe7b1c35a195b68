"""Reads the warehouse for the console: the result of a statement, and what each table holds."""

from contextlib import closing
from typing import Final

import duckdb
import pyarrow as pa
from duckdb import DuckDBPyConnection

from sinks.warehouse import opening
from sinks.warehouse.arrow import utc_text
from sinks.warehouse.engines.engine import TableStatus
from sinks.warehouse.engines.statements import table_sql
from sinks.warehouse.engines.tables import base_tables
from sinks.warehouse.errors import WrongQuery
from sinks.warehouse.rows.names import HISTORY
from sinks.warehouse.rows.shape import TableName
from sinks.warehouse.settings import WarehouseSettings

STAGED: Final = "_staging"  # behind the name of a schema: where dlt keeps the rows that it merges


def result(settings: WarehouseSettings, sql: str) -> pa.Table:
    """Return the result of a statement as of one snapshot; raise `WrongQuery` for what the engine does not take."""
    if settings.engine == "postgres":
        from sinks.warehouse.engines.postgres import reader

        return reader.result(opening.database(settings), sql)
    with closing(opening.reader(settings)) as connection:
        try:
            executed: DuckDBPyConnection | None = connection.execute(sql)
            if executed is None:  # which DuckDB's types leave out: a text of nothing but comments
                raise WrongQuery("expected a statement, got none")
            return executed.to_arrow_table()
        except duckdb.Error as error:
            raise WrongQuery(str(error)) from error


def statuses(settings: WarehouseSettings) -> list[TableStatus]:
    """Return what each table holds, by schema and name."""
    if settings.engine == "postgres":
        from sinks.warehouse.engines.postgres import reader

        return reader.statuses(opening.database(settings))
    with closing(opening.reader(settings)) as connection:
        return [_status(connection, name) for name in _tables(connection)]


def _tables(connection: DuckDBPyConnection) -> list[TableName]:
    found = set(base_tables(connection))
    schemas = {name.schema for name in found}
    staged = {f"{schema}{STAGED}" for schema in schemas} & schemas
    return sorted(
        name for name in found if TableName(name.schema, name.table + HISTORY) in found and name.schema not in staged
    )


def _status(connection: DuckDBPyConnection, name: TableName) -> TableStatus:
    row = connection.execute(
        "SELECT count(*), count(*) FILTER (WHERE _penstock_deleted), max(_emitted_at), max(_penstock_synced_at) "  # noqa: S608 - quoted
        f"FROM {table_sql(name)}"
    ).fetchone()
    assert row is not None  # noqa: S101 - an aggregate has one row
    return TableStatus(name.schema, name.table, row[0], row[1], utc_text(row[2]), utc_text(row[3]))

"""Reads the warehouse in PostgreSQL for the console, in a transaction that cannot write."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import pyarrow as pa
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.types.string import TextLoader

from sinks.warehouse.arrow import utc_text
from sinks.warehouse.engines.engine import TableStatus
from sinks.warehouse.engines.postgres.connection import connected, words
from sinks.warehouse.engines.postgres.database import Database
from sinks.warehouse.engines.postgres.relations import sql
from sinks.warehouse.engines.postgres.writer import tables
from sinks.warehouse.errors import Unusable, WrongQuery

ARROW_TYPES: Final = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "bytea": pa.binary(),
    "text": pa.string(),
    "varchar": pa.string(),
    "json": pa.string(),
    "jsonb": pa.string(),
}
"""By PostgreSQL's names. A numeric takes the precision of its values, and what else there is becomes text if Arrow lacks it."""


def result(database: Database, statement: str) -> pa.Table:
    """Return the result of one statement as of one snapshot; raise `WrongQuery` for what PostgreSQL does not take.

    Prepared, so that it is one statement: a second one could end the transaction that cannot write.
    """
    with _reading(database) as connection:
        try:
            cursor = connection.execute(statement.encode(errors="surrogateescape"), prepare=True)
            return _arrow(cursor, connection)
        except psycopg.Error as error:
            raise WrongQuery(str(error)) from error


def statuses(database: Database) -> list[TableStatus]:
    """Return what each table holds, by schema and name."""
    with _reading(database) as connection:
        try:
            found = [(name, connection.execute(_status_sql(sql(name))).fetchone()) for name in tables(connection)]
        except psycopg.Error as error:
            raise Unusable(f"the warehouse cannot be read: {words(error)}") from error
    return [
        TableStatus(name.schema, name.table, row[0], row[1], utc_text(row[2]), utc_text(row[3]))
        for name, row in found
        if row is not None
    ]


@contextmanager
def _reading(database: Database) -> Iterator[Connection[TupleRow]]:
    try:
        connection = connected(database, "penstock query")
    except psycopg.Error as error:
        raise Unusable(f"PostgreSQL cannot be reached by [warehouse] dsn: {words(error)}") from error
    try:
        connection.autocommit = False
        connection.prepare_threshold = 0  # with None, psycopg ignores prepare=True too
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.adapters.register_loader("json", TextLoader)
        connection.adapters.register_loader("jsonb", TextLoader)
        yield connection
    finally:
        connection.close()


def _arrow(cursor: psycopg.Cursor[TupleRow], connection: Connection[TupleRow]) -> pa.Table:
    if cursor.description is None:
        raise WrongQuery("expected a statement that returns rows")
    rows = cursor.fetchall()
    cells = list(zip(*rows, strict=True)) or [()] * len(cursor.description)
    kinds = [_kind(connection, column.type_code) for column in cursor.description]
    arrays = [_array(column, kind) for column, kind in zip(cells, kinds, strict=True)]
    return pa.Table.from_arrays(arrays, names=[column.name for column in cursor.description])


def _kind(connection: Connection[TupleRow], oid: int) -> str:
    """Return PostgreSQL's name of a type; none for an array, which is registered with the type of its elements."""
    found = connection.adapters.types.get(oid)
    return found.name if found is not None and found.oid == oid else ""


def _array(cells: tuple[Any, ...], kind: str) -> pa.Array:
    known = ARROW_TYPES.get(kind)
    if kind == "numeric" and not all(cell is None or cell.is_finite() for cell in cells):
        known = pa.float64()  # Arrow's decimals have no NaN and no infinity
        cells = tuple(None if cell is None else float(cell) for cell in cells)
    try:
        return pa.array(cells, known)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return pa.array([None if cell is None else str(cell) for cell in cells], pa.string())


def _status_sql(table: str) -> str:
    return (
        "SELECT count(*), count(*) FILTER (WHERE _penstock_deleted), max(_emitted_at), max(_penstock_synced_at) "  # noqa: S608 - quoted
        f"FROM {table}"
    )

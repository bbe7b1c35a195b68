"""Makes views in PostgreSQL, where others build on them, and where a query that holds one may keep a new one away.

The loader never stops for a view: one that cannot be made is logged, and tried again with the next start or column.
"""

from typing import Final

import psycopg
import structlog
from psycopg import Connection
from psycopg.rows import TupleRow

from sinks.warehouse.engines.postgres.connection import words
from sinks.warehouse.engines.postgres.relations import View, sql, view_sql
from sinks.warehouse.engines.statements import MARK, mark, quoted
from sinks.warehouse.rows.shape import TableName

WAIT: Final = "2s"  # for a transaction that has read the view and goes on; rows wait meanwhile

log = structlog.get_logger()


def make_view(connection: Connection[TupleRow], view: View) -> None:
    """Make a view, or make it anew if its definition has changed. One without Penstock's comment is someone else's and stays."""
    made = _comment(connection, view)
    if made == mark(view.query):
        return
    if made is not None and not made.startswith(MARK):
        log.warning("view_not_made", view=sql(view), detail="another relation has its name: drop or rename that one")
        return
    try:
        with connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = '{WAIT}'")
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(view.schema)}")
            _replace(connection, view)
            connection.execute(f"COMMENT ON VIEW {sql(view)} IS '{mark(view.query)}'")
    except psycopg.Error as error:
        if connection.closed:
            raise
        log.warning("view_not_made", view=sql(view), detail=words(error))


def listed_columns(connection: Connection[TupleRow], name: TableName) -> list[str]:
    """Return the columns of a table or view in their order; none if there is no such relation."""
    rows = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
        "ORDER BY ordinal_position",
        (name.schema, name.table),
    ).fetchall()
    return [column for (column,) in rows]


def _replace(connection: Connection[TupleRow], view: View) -> None:
    """Replace a view; drop it first if a column has another type or is gone, which fails if other views are built on it."""
    former = listed_columns(connection, view)
    try:
        with connection.transaction():
            connection.execute(view_sql(view, former))
    except (psycopg.errors.InvalidTableDefinition, psycopg.errors.UndefinedColumn):
        connection.execute(f"DROP VIEW {sql(view)}")
        connection.execute(view_sql(view, ()))


def _comment(connection: Connection[TupleRow], name: TableName) -> str | None:
    """Return the comment of a relation, empty if it has none; None if there is no such relation."""
    row = connection.execute(
        "SELECT coalesce(obj_description(c.oid, 'pg_class'), '') FROM pg_class AS c "
        "JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s",
        (name.schema, name.table),
    ).fetchone()
    return None if row is None else str(row[0])

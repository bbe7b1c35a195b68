"""Which tables a warehouse in DuckDB's SQL has."""

from duckdb import DuckDBPyConnection

from sinks.warehouse.rows.shape import TableName


def base_tables(connection: DuckDBPyConnection) -> list[TableName]:
    """Return the tables of a connection's default catalogue, views left out, in order."""
    rows = connection.execute(
        "SELECT table_schema, table_name FROM information_schema.tables "
        "WHERE table_type = 'BASE TABLE' AND table_catalog = current_database() ORDER BY ALL"
    ).fetchall()
    return [TableName(schema, table) for schema, table in rows]

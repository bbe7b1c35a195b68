"""What every connection to DuckDB is set to."""

from duckdb import DuckDBPyConnection


def prepared(connection: DuckDBPyConnection) -> DuckDBPyConnection:
    """Return a connection that shows times in UTC and writes nothing by itself.

    DuckDB draws a progress bar on standard output, in the middle of a table or of CSV, once a query takes two seconds.
    """
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")
    return connection

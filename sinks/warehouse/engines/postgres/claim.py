"""The lock of a DuckLake whose catalogue is in PostgreSQL: loaders on other machines see no lock on a folder."""

from contextlib import suppress

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from sinks.warehouse.engines.postgres.connection import claimed, translated
from sinks.warehouse.engines.postgres.database import Database
from sinks.warehouse.errors import Unavailable


class PostgresClaim:
    """A session that holds the advisory lock of a database; raise `Unusable` if another process holds it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection[TupleRow] | None = None
        database.password()
        with suppress(Unavailable):
            self.renew()

    def renew(self) -> None:
        """Return if the lock is held, taken again if the session was lost; raise `Unavailable` while that cannot be known."""
        try:
            with translated():
                if self._connection is None:
                    self._connection = claimed(self._database)
                else:
                    self._connection.execute("SELECT 1")
        except Unavailable:
            self.close()
            raise

    def close(self) -> None:
        """End the session, and the lock with it."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

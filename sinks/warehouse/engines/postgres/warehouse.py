"""PostgreSQL as the warehouse, for the one process that writes."""

from contextlib import suppress
from pathlib import Path

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from sinks.warehouse.engines.engine import Compaction
from sinks.warehouse.engines.postgres.connection import claimed, translated
from sinks.warehouse.engines.postgres.database import Database
from sinks.warehouse.engines.postgres.writer import Writer
from sinks.warehouse.errors import Unavailable, Unusable
from sinks.warehouse.rows.batch import Batch, Partition


class PostgresWarehouse:
    """A warehouse in a database of its own, held by an advisory lock of the session that writes.

    A database that is away at the start is waited for, as at any later time; one that another loader holds is refused.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._opened: tuple[Connection[TupleRow], Writer] | None = None
        database.password()
        with suppress(Unavailable):
            self._open()

    def offsets(self) -> dict[Partition, int]:
        """Return the stored offset of each partition."""
        return self._open().offsets()

    def apply(self, batch: Batch) -> None:
        """Write a batch in one transaction."""
        self._open().apply(batch)

    def reopen(self) -> None:
        """Drop the connection, and the lock with it; the offsets fence the next writer."""
        if self._opened is not None:
            with suppress(psycopg.Error):
                self._opened[0].close()
            self._opened = None

    def compact(self, keep_s: float) -> Compaction:  # noqa: ARG002 - readers keep the versions of rows that they see
        """Vacuum and analyse. PostgreSQL does it by itself too."""
        before, after = self._open().vacuum()
        return Compaction(before, after, "pages")

    def backup(self, target: Path) -> None:
        """Refuse: PostgreSQL has tools of its own."""
        raise Unusable(
            "PostgreSQL keeps this warehouse, so back it up with its own tools: "
            f"pg_dump --format=directory --file={target} --dbname='<dsn>'; pg_restore makes a warehouse of it again"
        )

    def empty(self) -> None:
        """Remove all rows and offsets; tables, views, and the rights to them stay."""
        self._open().empty()

    def filled(self) -> None:
        """Take the note of a rebuild away."""
        self._open().filled()

    def close(self) -> None:
        """Close the connection."""
        self.reopen()

    def _open(self) -> Writer:
        if self._opened is None:
            with translated():
                connection = claimed(self._database)
                try:
                    self._opened = connection, Writer(connection)
                except BaseException:
                    connection.close()
                    raise
        return self._opened[1]

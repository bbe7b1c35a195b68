"""One DuckDB file. A process that has it open for writing shuts all others out, so it is open only while a batch is written."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import duckdb
from duckdb import DuckDBPyConnection

from sinks.warehouse.engines.duckdb_writer import DuckDbWriter, Known, translated
from sinks.warehouse.engines.engine import Compaction
from sinks.warehouse.engines.lock import claim
from sinks.warehouse.engines.session import prepared
from sinks.warehouse.errors import Unusable
from sinks.warehouse.rows.batch import Batch, Partition

FILE: Final = "warehouse.duckdb"
MEMORY: Final = "256MB"
READERS_S: Final = 5.0  # how long to wait for readers before the batch is tried again later
RETRY_S: Final = 0.005


class DuckDbFile:
    """A warehouse in one file of a folder, locked against other loaders. Readers wait for the pause between two batches."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._lock = claim(self._folder)
        self._known = Known()

    def offsets(self) -> dict[Partition, int]:
        """Return the stored offset of each partition."""
        with self._writer() as writer:
            return writer.offsets()

    def apply(self, batch: Batch) -> None:
        """Write a batch in one transaction."""
        with self._writer() as writer:
            writer.apply(batch)

    def reopen(self) -> None:
        """Forget what the file holds; every batch opens it anew."""
        self._known = Known()

    def compact(self, keep_s: float) -> Compaction:  # noqa: ARG002 - a file has no snapshots
        """Write what is in the log into the file; DuckDB reuses freed space by itself."""
        with translated(), closing(_opened(self._folder / FILE)) as connection:
            connection.execute("CHECKPOINT")
        return Compaction(1, 1)

    def backup(self, target: Path) -> None:
        """Copy every table into a file of the same name in another folder."""
        target.mkdir(parents=True, exist_ok=True)
        copy = str(target / FILE).replace("'", "''")
        with translated(), closing(_opened(self._folder / FILE)) as connection:
            connection.execute(f"ATTACH '{copy}' AS copy")
            connection.execute("COPY FROM DATABASE warehouse TO copy")

    def empty(self) -> None:
        """Refuse: this warehouse is rebuilt beside itself, and readers keep the old one meanwhile."""
        raise Unusable("one file is rebuilt beside itself: penstock warehouse rebuild")

    def filled(self) -> None:
        """Do nothing: the folder itself is exchanged."""

    def close(self) -> None:
        """Release the lock."""
        self._lock.close()

    @contextmanager
    def _writer(self) -> Iterator[DuckDbWriter]:
        with translated(), closing(_opened(self._folder / FILE)) as connection:
            yield DuckDbWriter(connection, self._known)


def _opened(file: Path) -> DuckDBPyConnection:
    """Return a connection once no reader has the file open; raise DuckDB's error if one keeps it for too long.

    The loader's own backoff would let readers that come often starve it: they leave pauses that are shorter than its waits.
    """
    deadline_s = time.monotonic() + READERS_S
    while True:
        try:
            return prepared(duckdb.connect(str(file), config={"memory_limit": MEMORY}))
        except duckdb.IOException:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(RETRY_S)

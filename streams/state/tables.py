"""The tables of one partition: an overlay of uncommitted rows over RocksDB on this machine's disk.

The changelog topic is the source of truth, the disk a cache of it. Call `store` only after the Kafka transaction with the same
rows was committed. Killed in between, the restore replays the changelog from the stored offset. The other order would keep
rows of an aborted transaction and drop its changes as duplicates on the next attempt.
Proven by tests/kafka/test_crash.py.
"""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import rocksdict
import structlog

from schemas.topics import TABLE_NAMES, TableName
from streams.errors import Fatal, StoreCorrupted, WorkerError
from streams.pipeline import Tables
from streams.state.rocksdb_store import META, Home, Store, classify, clear
from streams.state.segments import Segments

LATEST: Final = "latest"  # its column family; *seen* has one per segment

Record = tuple[bytes, bytes | None, int]
"""A changelog record: key, row (None for a delete), and its time in milliseconds since 1970."""

log = structlog.get_logger()


class OverlayTable:
    """One table of one partition, as the pipeline reads it: uncommitted rows first, then the disk."""

    def __init__(self, home: Home, stored: Callable[[bytes], bytes | None]) -> None:
        self._home = home
        self._stored = stored
        self.overlay: dict[bytes, bytes] = {}
        self.sealed: dict[bytes, bytes] = {}  # of the batch that is being committed

    def get(self, key: bytes, /) -> bytes | None:
        """Return the row stored under a key, None if there is none; raise `StoreCorrupted` if the store cannot be read."""
        row = self.overlay.get(key)
        if row is None:
            row = self.sealed.get(key)
        if row is not None:
            return row
        try:
            return self._stored(key)
        except Exception as error:
            fault = classify(error, self._home.directory)
            if fault is None:
                raise
            raise fault from error


class PartitionTables:
    """The tables of one partition, the changelog offset up to which each is on disk, and the time of the last row."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._store = Store(home, [LATEST])
        self._segments = Segments(self._store, home.seen_ms)
        self.time_ms = int(self._store.meta("time_ms") or 0)
        latest = self._store.columns[LATEST].get
        self.tables = {"seen": OverlayTable(home, self._segments.get), "latest": OverlayTable(home, latest)}
        self._view = Tables(self.tables["seen"], self.tables["latest"])

    def view(self) -> Tables:
        """Return the tables in the form that `process` takes."""
        return self._view

    def write(self, seen: Mapping[bytes, bytes], latest: Mapping[bytes, bytes]) -> None:
        """Add rows of the current transaction to the overlay; the disk does not change."""
        self.tables["seen"].overlay.update(seen)
        self.tables["latest"].overlay.update(latest)

    def seal(self) -> Mapping[TableName, Mapping[bytes, bytes]]:
        """Seal and return the rows of a decided batch. They stay readable; `store` writes them, but not later rows."""
        for table in self.tables.values():
            table.sealed, table.overlay = table.overlay, {}
        return {name: self.tables[name].sealed for name in TABLE_NAMES}

    def drop(self) -> None:
        """Discard the rows that are not on disk: their transaction was aborted."""
        for table in self.tables.values():
            table.overlay.clear()
            table.sealed.clear()

    def reach(self, time_ms: int) -> None:
        """Advance the time to a delivery's if that is later; rows written from now on carry it."""
        self.time_ms = max(self.time_ms, time_ms)

    def store(self, offsets: Mapping[TableName, int]) -> None:
        """Write the sealed rows of a committed transaction to disk, in one batch with the changelog offsets that follow them.

        Drops expired segments of *seen* afterwards, because committed deliveries no longer need them.
        """
        batch = rocksdict.WriteBatch(raw_mode=True)
        for name in offsets:
            handle = self._segments.handle(self.time_ms) if name == "seen" else self._store.handle(LATEST)
            for key, row in self.tables[name].sealed.items():
                batch.put(key, row, handle)
            self._note(batch, name, offsets[name])
        self._store.write(batch)
        for table in self.tables.values():
            table.sealed = {}
        self._segments.drop_old(self.time_ms)

    def replay(self, name: TableName, records: Iterable[Record]) -> None:
        """Write changelog records to disk; they count as stored only after `checkpoint`."""
        batch = rocksdict.WriteBatch(raw_mode=True)
        if name == "seen":
            self._replay_seen(batch, records)
        else:
            self._replay_latest(batch, records)
        self._store.write_unlogged(batch)
        self._segments.drop_old(self.time_ms)

    def checkpoint(self, name: TableName, origin: str, next_offset: int) -> None:
        """Make the replayed rows of a table durable, with the changelog's topic id and the next offset."""
        self._store.flush(self._segments.names() if name == "seen" else [LATEST])
        batch = rocksdict.WriteBatch(raw_mode=True)
        batch.put(f"{name}.origin".encode(), origin.encode(), self._store.handle(META))
        self._note(batch, name, next_offset)
        self._store.write(batch)

    def next_offset(self, name: TableName) -> int:
        """Return the changelog offset after the last stored row; 0 for a new store."""
        return int(self._store.meta(name) or 0)

    def origin(self, name: TableName) -> str | None:
        """Return the id of the changelog topic that a table was filled from; None for a new store."""
        stored = self._store.meta(f"{name}.origin")
        return None if stored is None else stored.decode()

    def rows(self, name: TableName) -> dict[bytes, bytes]:
        """Return every row on disk; for tests and small tables."""
        return dict(self._segments.rows() if name == "seen" else self._store.columns[LATEST].items())

    def close(self) -> None:
        """Close the store; uncommitted rows are discarded."""
        self.drop()
        self._segments.close()
        self._store.close()

    def _replay_seen(self, batch: Any, records: Iterable[Record]) -> None:
        handle = None
        for key, row, time_ms in records:
            if handle is None or time_ms > self.time_ms:
                self.reach(time_ms)
                handle = self._segments.handle(self.time_ms)
            if row is None:
                self._segments.delete(batch, key)
            else:
                batch.put(key, row, handle)

    def _replay_latest(self, batch: Any, records: Iterable[Record]) -> None:
        handle = self._store.handle(LATEST)
        for key, row, _time_ms in records:
            if row is None:
                batch.delete(key, handle)
            else:
                batch.put(key, row, handle)

    def _note(self, batch: Any, name: TableName, next_offset: int) -> None:
        meta = self._store.handle(META)
        batch.put(name.encode(), str(next_offset).encode(), meta)
        batch.put(b"time_ms", str(self.time_ms).encode(), meta)


def open_tables(home: Home) -> PartitionTables:
    """Return the tables stored in a directory; a store that cannot be used is replaced by an empty one.

    Raises `Fatal` when another process holds the directory, or when the disk is full or may not be written.
    """
    try:
        return PartitionTables(home)
    except StoreCorrupted as fault:
        return empty_tables(home, fault.reason)


def rebuilt(tables: PartitionTables, reason: str) -> PartitionTables:
    """Return empty tables in place of open ones that are unusable."""
    with contextlib.suppress(WorkerError):  # closing flushes memory, which may fail on a corrupted store
        tables.close()
    return empty_tables(tables.home, reason)


def empty_tables(home: Home, reason: str) -> PartitionTables:
    """Return empty tables in a directory that is cleared; the restore fills them from the changelog."""
    log.warning("store_rebuilt", directory=str(home.directory), partition=home.partition, reason=reason)
    clear(home.directory)
    try:
        return PartitionTables(home)
    except StoreCorrupted as fault:
        raise Fatal(f"{fault}, although it was just made: choose another --data-dir") from fault

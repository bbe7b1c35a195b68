"""The spool on disk: one SQLite file, its rows in order of arrival. Blocking; used from one thread.

SpoolUnusable   Terminal: another process holds the file, or the directory cannot be written; the process ends
sqlite3.Error   a full or broken disk later on: the caller refuses the affected deliveries and goes on
"""

import fcntl
import os
import shutil
import sqlite3
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

import msgspec
import structlog
from msgspec import Struct

Headers = list[tuple[str, bytes]]

FORMAT = 2  # of the rows, as SQLite's user_version; version 0.1 left it 0
WAL_PAGES = 4000  # 16 MB between checkpoints: each costs two more fsyncs (measured: with 1,000 pages, 8 % of the rate).
TRIAL_BYTES = 64 * 1024  # As large as some deliveries: a single page might still fit where they do not.
BUSY_TIMEOUT_S = 0.5  # The only other reader is `penstock spool`, and under WAL readers do not block a writer.
SCHEMA = """
CREATE TABLE IF NOT EXISTS spool (
    seq INTEGER PRIMARY KEY, key BLOB NOT NULL, value BLOB NOT NULL, headers BLOB NOT NULL,
    bytes INTEGER NOT NULL, spooled_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS refused (
    seq INTEGER, key BLOB NOT NULL, value BLOB NOT NULL, headers BLOB NOT NULL,
    bytes INTEGER NOT NULL, spooled_at REAL NOT NULL, reason TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS trial (id INTEGER PRIMARY KEY, filler BLOB NOT NULL);
"""

log = structlog.get_logger("ingress")
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Headers)


class SpoolUnusable(Exception):
    """The spool cannot be used; the text says why and what to do."""


class SpoolHeld(SpoolUnusable):
    """Another process holds the file."""


class Row(Struct, frozen=True):
    """One delivery in the spool: the record for the raw topic. `spooled_at` is in Unix seconds."""

    seq: int
    key: bytes
    value: bytes
    headers: bytes
    spooled_at: float

    @property
    def size(self) -> int:
        """Return how many bytes count against the limit."""
        return len(self.key) + len(self.value) + len(self.headers)


class Depth(Struct, frozen=True):
    """The contents of a spool in numbers. If it is empty, `oldest_at` is None and `last_seq` is 0."""

    deliveries: int = 0
    bytes: int = 0
    oldest_at: float | None = None
    last_seq: int = 0
    refused: int = 0


def pack(headers: Headers) -> bytes:
    """Return record headers as one value."""
    return _encoder.encode(headers)


def unpack(headers: bytes) -> Headers:
    """Return the record headers that `pack` encoded."""
    return _decoder.decode(headers)


class SpoolFile:
    """The open file, locked against other processes until it is closed or this process ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = _claim(path)
        try:
            self._connection = _open_or_set_aside(path)
        except SpoolUnusable:
            self._lock.close()
            raise
        except (OSError, sqlite3.Error) as error:
            self._lock.close()
            raise SpoolUnusable(f"{path} cannot be used as a spool: {error}") from error

    def change(self, appended: Sequence[Row], deleted: Iterable[int]) -> list[int]:
        """Append and delete in one transaction; when this returns, it has been fsynced.

        Returns the sizes of the rows that were in fact deleted: a row whose append failed was never in the file.
        """
        sizes: list[int] = []
        with self._connection as connection:
            connection.execute("BEGIN")
            connection.executemany(
                "INSERT INTO spool VALUES (?, ?, ?, ?, ?, ?)",
                [(row.seq, row.key, row.value, row.headers, row.size, row.spooled_at) for row in appended],
            )
            for seq in deleted:
                gone = connection.execute("DELETE FROM spool WHERE seq = ? RETURNING bytes", (seq,)).fetchall()
                sizes += [size for (size,) in gone]
        return sizes

    def refuse(self, seq: int, reason: str) -> None:
        """Move one delivery that Kafka will never take to the table `refused`, where people can inspect it."""
        with self._connection as connection:
            connection.execute("BEGIN")
            connection.execute("INSERT INTO refused SELECT *, ? FROM spool WHERE seq = ?", (reason, seq))
            connection.execute("DELETE FROM spool WHERE seq = ?", (seq,))

    def rows(self, after_seq: int, limit: int, limit_bytes: int) -> list[Row]:
        """Return the next rows in order: at most `limit`, and none after the one that reaches `limit_bytes`."""
        found: list[Row] = []
        cursor = self._connection.execute(
            "SELECT seq, key, value, headers, spooled_at FROM spool WHERE seq > ? ORDER BY seq LIMIT ?",
            (after_seq, limit),
        )
        total_bytes = 0
        for values in cursor:
            found.append(Row(*values))
            total_bytes += found[-1].size
            if total_bytes >= limit_bytes:
                break
        cursor.close()
        return found

    def depth(self) -> Depth:
        """Return the contents in numbers. Reads the whole file: for the start and for people."""
        return depth(self._connection)

    def oldest_at(self) -> float | None:
        """Return when the oldest row was spooled."""
        found = self._connection.execute("SELECT spooled_at FROM spool ORDER BY seq LIMIT 1").fetchone()
        return None if found is None else float(found[0])

    def free_bytes(self) -> int:
        """Return the free space on the disk."""
        return shutil.disk_usage(self.path.parent).free

    def try_to_write(self) -> None:
        """Write as much as some deliveries, over the last trial; raises as writing them would."""
        with self._connection as connection:
            connection.execute("BEGIN")
            connection.execute("INSERT OR REPLACE INTO trial VALUES (1, randomblob(?))", (TRIAL_BYTES,))

    def close(self) -> None:
        """Close the file and release the lock."""
        self._connection.close()
        self._lock.close()


def depth(connection: sqlite3.Connection) -> Depth:
    """Return the contents of an open spool in numbers."""
    deliveries, size, last_seq = connection.execute("SELECT count(*), sum(bytes), max(seq) FROM spool").fetchone()
    oldest = connection.execute("SELECT spooled_at FROM spool ORDER BY seq LIMIT 1").fetchone()
    (refused,) = connection.execute("SELECT count(*) FROM refused").fetchone()
    return Depth(deliveries, size or 0, None if oldest is None else oldest[0], last_seq or 0, refused)


def _claim(path: Path) -> IO[str]:
    """Lock a spool and return the lock; the kernel releases it however this process ends."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # bodies are stored there as received
        lock = path.with_suffix(".lock").open("a")
    except OSError as error:
        raise SpoolUnusable(
            f"{path.parent} cannot hold a spool: {error.strerror}; choose another --data-dir"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise SpoolHeld(
            f"another process holds the spool {path}; give each ingress a --data-dir of its own, or set ingress.spool = false"
        ) from error
    return lock


def _open_or_set_aside(path: Path) -> sqlite3.Connection:
    """Return the opened file; a corrupt database is renamed, never deleted, and an empty one created."""
    try:
        return _open(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode != sqlite3.SQLITE_CORRUPT:
            raise
        kept = f"{path.name}.corrupt-{time.time_ns()}"
        # The write-ahead log first: after a crash in between, the next start must not apply it to a new, empty file.
        for suffix in ("-wal", "-shm", ""):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(path.with_name(kept + suffix))
        log.error("spool_set_aside", file=str(path), kept_as=kept, fault=str(error))
        return _open(path)


def _open(path: Path) -> sqlite3.Connection:
    is_new = not path.exists()
    connection = sqlite3.connect(path, BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(
            "PRAGMA synchronous = FULL"
        )  # NORMAL fsyncs at checkpoints only: a power cut loses answered deliveries
        connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        connection.executescript(SCHEMA)
        _check_format(path, connection)
        if depth(connection).deliveries == 0:
            connection.execute("VACUUM")  # frees the space that a past outage took; instant on an empty table
    except BaseException:
        connection.close()
        raise
    if is_new:
        _sync_directory(path.parent)
    return connection


def _check_format(path: Path, connection: sqlite3.Connection) -> None:
    """Refuse deliveries that version 0.1 spooled: their keys lack the tenant, and a worker would refuse them on Kafka."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found != FORMAT and (waiting := depth(connection).deliveries):
        raise SpoolUnusable(
            f"{path} holds {waiting:,} deliveries of Penstock 0.1: let that version publish them (penstock spool drain), "
            "then start this one"
        )
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def _sync_directory(directory: Path) -> None:
    """Make the new file's directory entry survive a power cut: SQLite syncs it for its journal only."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

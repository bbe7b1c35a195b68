"""One partition's RocksDB on this machine's disk: its options, its identity, and the handling of an unusable store.

The changelog topic has every row, so a store that is damaged, in another format or of another partition is deleted, not
repaired: a backup copy could fill the disk that the rebuild needs. Files that RocksDB did not write are never deleted.

WorkerError     when                                                   effect
StoreCorrupted  the files are damaged, foreign or in another format    the store is rebuilt from the changelog
Fatal           locked by another process, disk full, no permission    the process exits and says what to do
"""

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import rocksdict
from msgspec import Struct

from streams.errors import Fatal, StoreCorrupted, WorkerError

FORMAT: Final = (
    b"3"  # 1 had no segments and no identity, 2 no tenant in its keys; a store of any other format is rebuilt
)
META: Final = "meta"

# One cache and one limit of write buffers per process, regardless of the number of partitions and tables.
CACHE_BYTES: Final = 64 * 1024 * 1024  # blocks, indexes, filters; write buffers are charged to it
WRITE_BUFFERS_BYTES: Final = 32 * 1024 * 1024  # of all partitions together; at the limit the largest is flushed
WRITE_BUFFER_BYTES: Final = 8 * 1024 * 1024  # of one column family
WAL_BYTES: Final = 64 * 1024 * 1024  # per partition: a few rows in an idle segment must not retain the whole log
OPEN_FILES: Final = 128  # per partition; others are opened on demand
BLOCK_BYTES: Final = 8 * 1024  # for rows of 2 kB: half the index size of RocksDB's default of 4 kB

_LOCKED: Final = ("while lock file", "lock hold by current process")
_ADVICE: Final = {
    "no space left": "make room; nothing is lost, the worker goes on where it stopped",
    "quota exceeded": "make room; nothing is lost, the worker goes on where it stopped",
    "file too large": "raise the limit of file sizes (ulimit -f); nothing is lost",
    "too many open files": "raise the limit of open files (ulimit -n)",
    "permission denied": "let the worker's user read and write there",
    "operation not permitted": "let the worker's user read and write there",
    "read-only file system": "mount it writable, or choose another --data-dir",
    "not a directory": "choose another --data-dir",
    "file exists": "choose another --data-dir",
    "cannot allocate memory": "give the worker more memory",
    "input/output error": "the disk fails; choose another --data-dir, the tables are restored from Kafka",
}
_ROCKSDB_FILES: Final = ("CURRENT", "IDENTITY", "LOCK", "LOG", "MANIFEST-", "OPTIONS-", "rocksdict-config.json")
_ROCKSDB_SUFFIXES: Final = (".sst", ".log", ".dbtmp", ".blob")


class Home(Struct, frozen=True):
    """The directory of a partition's tables, their owner, and the retention of *seen*."""

    directory: Path
    app: str
    partition: int
    seen_ms: int

    @property
    def identity(self) -> bytes:
        """Return the text that distinguishes this partition's store from one copied here from elsewhere."""
        return f"{self.app}/{self.partition}".encode()


class Store:
    """An open RocksDB and its column families. Every error of RocksDB is raised as a `WorkerError`."""

    def __init__(self, home: Home, families: Sequence[str]) -> None:
        """Open the store of a partition; a new one gets these column families, an old one keeps its own."""
        self.directory = home.directory
        self._identity = home.identity
        with judging(self.directory):
            found = _families(self.directory)
            names = found or [META, *families]
            self._database = _opened(self.directory, names)
        self.columns = {name: self._database.get_column_family(name) for name in names}
        try:
            self._recognise() if found else self._sign()
        except WorkerError:
            self.close()
            raise

    def add(self, name: str) -> None:
        """Add an empty column family."""
        with judging(self.directory):
            self.columns[name] = self._database.create_column_family(name, _column_options())

    def remove(self, name: str) -> None:
        """Remove a column family with all its rows: files are unlinked, nothing is read or rewritten."""
        self.columns.pop(name).close()
        with judging(self.directory):
            self._database.drop_column_family(name)

    def handle(self, name: str) -> Any:
        """Return the handle that a batch needs to write to a column family."""
        return self._database.get_column_family_handle(name)

    def write(self, batch: Any) -> None:
        """Write a batch atomically. It survives a kill of the process."""
        with judging(self.directory):
            self._database.write(batch)

    def write_unlogged(self, batch: Any) -> None:
        """Write a batch that a kill may lose until `flush` has returned."""
        with judging(self.directory):
            self._database.write(batch, _unlogged())

    def flush(self, names: list[str]) -> None:
        """Flush the batches written without the WAL to disk."""
        with judging(self.directory):
            for name in names:
                self.columns[name].flush(wait=True)

    def meta(self, key: str) -> bytes | None:
        """Return a value of the store's metadata."""
        with judging(self.directory):
            value: bytes | None = self.columns[META].get(key.encode())
            return value

    def close(self) -> None:
        """Close the database and all column families: RocksDB keeps its lock as long as one is open."""
        with judging(self.directory):
            for column in self.columns.values():
                column.close()
            self.columns.clear()
            self._database.close()

    def _sign(self) -> None:
        batch = rocksdict.WriteBatch(raw_mode=True)
        batch.put(b"format", FORMAT, self.handle(META))
        batch.put(b"identity", self._identity, self.handle(META))
        self.write(batch)

    def _recognise(self) -> None:
        found = self.meta("format") or b"1"
        if found != FORMAT:
            raise StoreCorrupted(self.directory, f"its format is {_shown(found)}, this version reads {_shown(FORMAT)}")
        owner = self.meta("identity") or b"nobody"
        if owner != self._identity:
            raise StoreCorrupted(self.directory, f"it belongs to {_shown(owner)}, expected {_shown(self._identity)}")


@contextlib.contextmanager
def judging(directory: Path) -> Iterator[None]:
    """Convert errors of RocksDB and the file system to a `WorkerError` that says what to do."""
    try:
        yield
    except Exception as error:
        fault = classify(error, directory)
        if fault is None:
            raise
        raise fault from error


def classify(error: Exception, directory: Path) -> WorkerError | None:
    """Return the `WorkerError` for an error of RocksDB or the file system, None for a bug in our own code.

    rocksdict raises plain `Exception` for every error that RocksDB reports.
    """
    if type(error) is not Exception and not isinstance(error, OSError):
        return None
    text = str(error)
    lowered = text.lower()
    if any(sign in lowered for sign in _LOCKED):
        return Fatal(
            f"{directory} is held by another process: two workers with one --worker-id? Give each its own. ({text})"
        )
    for sign, advice in _ADVICE.items():
        if sign in lowered:
            return Fatal(f"{directory}: {text}; {advice}")
    return StoreCorrupted(directory, text)


def clear(directory: Path) -> None:
    """Clear a directory for a new store: delete its files if RocksDB wrote them all, else rename the directory."""
    try:
        if not directory.is_dir() or any(not _is_rocksdb_file(path) for path in directory.iterdir()):
            if directory.exists() or directory.is_symlink():
                directory.rename(directory.with_name(f"{directory.name}.set-aside-{time.time_ns()}"))
            return
        for path in directory.iterdir():  # not the directory itself: it may be a mount or a link to a larger disk
            path.unlink()
    except OSError as error:
        raise Fatal(f"{directory}: {error}; let the worker's user write there, or choose another --data-dir") from error


def _is_rocksdb_file(path: Path) -> bool:
    return path.is_file() and (path.name.startswith(_ROCKSDB_FILES) or path.suffix in _ROCKSDB_SUFFIXES)


def _families(directory: Path) -> list[str]:
    """Return the column families of a store, none if it does not exist yet."""
    directory.mkdir(parents=True, exist_ok=True)
    if not any(directory.iterdir()):
        return []
    found: list[str] = rocksdict.Rdict.list_cf(str(directory))
    return found


def _opened(directory: Path, names: list[str]) -> Any:
    options = rocksdict.Options(raw_mode=True)
    options.create_if_missing(True)
    options.create_missing_column_families(True)
    options.set_max_open_files(OPEN_FILES)
    options.set_max_total_wal_size(WAL_BYTES)
    options.set_keep_log_file_num(2)
    options.set_max_log_file_size(1 << 20)
    options.set_stats_dump_period_sec(0)
    options.set_stats_persist_period_sec(0)  # would keep up to 1 MB of history per partition
    options.set_write_buffer_manager(_memory()[1])
    return rocksdict.Rdict(str(directory), options, column_families={name: _column_options() for name in names})


def _column_options() -> Any:
    options = rocksdict.Options(raw_mode=True)
    options.set_write_buffer_size(WRITE_BUFFER_BYTES)
    options.set_max_write_buffer_number(4)
    options.set_compression_type(rocksdict.DBCompressionType.lz4())
    blocks = rocksdict.BlockBasedOptions()
    blocks.set_block_cache(_memory()[0])
    blocks.set_block_size(BLOCK_BYTES)
    blocks.set_bloom_filter(10, False)  # 10 bits per key: one miss in a hundred reads the disk
    blocks.set_cache_index_and_filter_blocks(True)  # else they grow with the rows, outside any limit
    options.set_block_based_table_factory(blocks)
    return options


_shared: Final[list[tuple[Any, Any]]] = []


def _memory() -> tuple[Any, Any]:
    """Return the cache and the limit of write buffers that all stores of the process share."""
    if not _shared:
        cache = rocksdict.Cache(CACHE_BYTES)
        limit = rocksdict.WriteBufferManager.new_write_buffer_manager_with_cache(WRITE_BUFFERS_BYTES, False, cache)
        _shared.append((cache, limit))
    return _shared[0]


def _unlogged() -> Any:
    options = rocksdict.WriteOptions()
    options.disable_wal = True
    return options


def _shown(text: bytes) -> str:
    return text.decode(errors="replace")

"""The tables of one partition: an overlay of uncommitted rows over RocksDB on this machine's disk.

The changelog topic is the truth and the disk a cache of it. `store` may be called only after the Kafka transaction that carries
the same rows was committed: killed in between, the restore replays the changelog from the stored offset; the other order would
keep rows of an aborted transaction and drop its changes as duplicates on the next try.
Proven by tests/kafka/test_crash.py.
"""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import rocksdict
import structlog

from streams.faults import Terminal
from streams.pipeline import Tables

TableName = Literal["seen", "latest"]
TABLE_NAMES: Final[tuple[TableName, ...]] = ("seen", "latest")
META: Final = "meta"
WRITE_BUFFER_BYTES = 16 * 1024 * 1024  # per column family; two of them, flushed in the background
CACHE_BYTES = 64 * 1024 * 1024  # shared by all partitions of the process, indexes and filters included

log = structlog.get_logger()


class OverlayTable:
    """One table of one partition, as the pipeline sees it: uncommitted rows first, then the disk."""

    def __init__(self, column: Any) -> None:
        self._column = column
        self.overlay: dict[bytes, bytes] = {}

    def get(self, key: bytes, /) -> bytes | None:
        """Return the row stored under a key, None where there is none."""
        row = self.overlay.get(key)
        if row is not None:
            return row
        stored: bytes | None = self._column.get(key)
        return stored


class PartitionTables:
    """The tables of one partition and the changelog offset up to which each is on disk."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._database = _open(directory)
        columns = {name: self._database.get_column_family(name) for name in (*TABLE_NAMES, META)}
        self._meta = columns[META]
        self._handles = {name: self._database.get_column_family_handle(name) for name in columns}
        self.tables = {name: OverlayTable(columns[name]) for name in TABLE_NAMES}

    def view(self) -> Tables:
        """Return the tables in the form that `process` takes."""
        return Tables(self.tables["seen"], self.tables["latest"])

    def write(self, seen: Mapping[bytes, bytes], latest: Mapping[bytes, bytes]) -> None:
        """Remember rows that the current transaction will carry; the disk does not change."""
        self.tables["seen"].overlay.update(seen)
        self.tables["latest"].overlay.update(latest)

    def overlays(self) -> Mapping[TableName, Mapping[bytes, bytes]]:
        """Return the rows not yet on disk."""
        return {name: self.tables[name].overlay for name in TABLE_NAMES}

    def drop(self) -> None:
        """Forget the uncommitted rows: their transaction was aborted."""
        for table in self.tables.values():
            table.overlay.clear()

    def store(self, offsets: Mapping[TableName, int]) -> None:
        """Put the rows of a committed transaction on disk, in one batch with the changelog offsets that follow them."""
        batch = self._batch()
        for name in offsets:
            for key, row in self.tables[name].overlay.items():
                batch.put(key, row, self._handles[name])
            batch.put(name.encode(), offsets[name].to_bytes(8, "big"), self._handles[META])
        self._database.write(batch)
        self.drop()

    def restore(self, name: TableName, rows: Iterable[tuple[bytes, bytes | None]], next_offset: int) -> None:
        """Put changelog records on disk, in one batch with the offset that follows them; a row of None is a delete."""
        batch = self._batch()
        for key, row in rows:
            if row is None:
                batch.delete(key, self._handles[name])
            else:
                batch.put(key, row, self._handles[name])
        batch.put(name.encode(), next_offset.to_bytes(8, "big"), self._handles[META])
        self._database.write(batch)

    def next_offset(self, name: TableName) -> int:
        """Return the changelog offset from which the disk is behind; 0 for a new store."""
        stored = self._meta.get(name.encode())
        return 0 if stored is None else int.from_bytes(stored, "big")

    def rows(self, name: TableName) -> dict[bytes, bytes]:
        """Return every row on disk; for tests and small tables."""
        return dict(self._database.get_column_family(name).items())

    def close(self) -> None:
        """Let go of the disk; uncommitted rows are forgotten."""
        self.drop()
        self._database.close()

    def _batch(self) -> Any:
        return rocksdict.WriteBatch(raw_mode=True)


def open_tables(directory: Path) -> PartitionTables:
    """Return the tables stored in a directory; one that cannot be read is thrown away, the changelog has it all.

    Raises `Terminal` when another process holds the directory.
    """
    try:
        return PartitionTables(directory)
    except Exception as error:  # rocksdict raises plain Exception for every RocksDB status
        if "lock" in str(error).lower() and "corrupt" not in str(error).lower():
            raise Terminal(
                f"{directory} is held by another process: two workers with one --worker-id? Give each its own. ({error})"
            ) from error
        log.warning("store_rebuilt", directory=str(directory), error=str(error)[:200])
        return rebuild(directory)


def rebuild(directory: Path) -> PartitionTables:
    """Return empty tables in a directory whose content is thrown away; the restore fills them from the changelog."""
    shutil.rmtree(directory, ignore_errors=True)
    return PartitionTables(directory)


_cache: Final[list[Any]] = []


def _shared_cache() -> Any:
    if not _cache:
        _cache.append(rocksdict.Cache(CACHE_BYTES))
    return _cache[0]


def _open(directory: Path) -> Any:
    directory.mkdir(parents=True, exist_ok=True)
    options = rocksdict.Options(raw_mode=True)
    options.create_if_missing(True)
    options.create_missing_column_families(True)
    options.set_max_open_files(256)
    options.set_keep_log_file_num(2)
    families = {name: _column_options() for name in (*TABLE_NAMES, META)}
    return rocksdict.Rdict(str(directory), options, column_families=families)


def _column_options() -> Any:
    options = rocksdict.Options(raw_mode=True)
    options.set_write_buffer_size(WRITE_BUFFER_BYTES)
    options.set_max_write_buffer_number(2)
    options.set_compression_type(rocksdict.DBCompressionType.lz4())
    blocks = rocksdict.BlockBasedOptions()
    blocks.set_block_cache(_shared_cache())
    blocks.set_bloom_filter(10, False)  # 10 bits a key: one miss in a hundred reads the disk
    blocks.set_cache_index_and_filter_blocks(True)
    options.set_block_based_table_factory(blocks)
    return options

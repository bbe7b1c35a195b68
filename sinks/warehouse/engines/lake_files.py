"""Merges small files of a DuckLake, so that queries see the rows of their snapshot all the while.

Not by `ducklake_merge_adjacent_files`: it replaces the entries of files in the catalogue, and a query that has begun finds
neither the old nor the new ones, or the rows of later snapshots too (DuckLake 1.5.5, measured). Here rows are inserted again
and deleted where they were, in one transaction: its end is a snapshot as any other, and older ones keep their files.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from duckdb import DuckDBPyConnection

from sinks.warehouse.engines.duckdb_writer import transaction
from sinks.warehouse.engines.lake import NAME, text_sql
from sinks.warehouse.engines.statements import table_sql
from sinks.warehouse.engines.tables import base_tables
from sinks.warehouse.rows.shape import TableName

TOGETHER: Final = 4  # so many files of a size become one: each row is written again once per size, not per compaction
GROWTH: Final = 8  # from one size to the next
SMALL_BYTES: Final = 64 * 1024  # files up to this are of one size
LARGE_BYTES: Final = 128 * 1024 * 1024  # these stay as they are


def merge_small_files(connection: DuckDBPyConnection) -> None:
    """Merge the small files of each table where there are several of a size; each merge is a transaction."""
    for name in base_tables(connection):
        for files in _groups(connection, name):
            _merge(connection, name, files)


def _groups(connection: DuckDBPyConnection, name: TableName) -> Iterator[Sequence[str]]:
    listing = f"ducklake_list_files('{NAME}', {text_sql(name.table)}, schema => {text_sql(name.schema)})"
    sizes = defaultdict[int, list[str]](list)
    for path, size in connection.execute(f"SELECT data_file, data_file_size_bytes FROM {listing}").fetchall():  # noqa: S608 - quoted
        if size < LARGE_BYTES:
            sizes[math.ceil(math.log(max(size, SMALL_BYTES) / SMALL_BYTES, GROWTH))].append(path)
    return (files for _, files in sorted(sizes.items()) if len(files) >= TOGETHER)


def _merge(connection: DuckDBPyConnection, name: TableName, files: Sequence[str]) -> None:
    table = table_sql(name)
    of_them = f"filename IN ({', '.join(text_sql(file) for file in files)})"
    with transaction(connection):
        connection.execute(f"INSERT INTO {table} SELECT * FROM {table} WHERE {of_them}")  # noqa: S608 - quoted
        connection.execute(f"DELETE FROM {table} WHERE {of_them}")  # noqa: S608 - quoted

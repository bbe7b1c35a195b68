"""Opens the configured warehouse: for the one process that writes, or for any number that read."""

import time
from pathlib import Path
from typing import Final

import duckdb
from duckdb import DuckDBPyConnection

from sinks.warehouse.engines.duckdb_file import FILE, DuckDbFile
from sinks.warehouse.engines.ducklake import DuckLake
from sinks.warehouse.engines.engine import Warehouse
from sinks.warehouse.engines.lake import CATALOGUE, Lake, attached
from sinks.warehouse.engines.postgres.database import Database
from sinks.warehouse.engines.session import prepared
from sinks.warehouse.errors import Unusable
from sinks.warehouse.settings import WarehouseSettings

READ_TIMEOUT_S: Final = 30.0  # a loader that catches up leaves the file of `duckdb` for a moment between two batches
RETRY_S: Final = 0.01


def writer(settings: WarehouseSettings) -> Warehouse:
    """Return the warehouse, locked for this process; raise `Unusable` if another holds it or it cannot be opened."""
    if settings.engine == "duckdb":
        return DuckDbFile(settings.folder)
    if settings.engine == "postgres":
        from sinks.warehouse.engines.postgres.warehouse import PostgresWarehouse

        return PostgresWarehouse(database(settings))
    if settings.engine == "dlt":
        from sinks.warehouse.engines.dlt_destination import DltDestination

        credentials = None if settings.credentials is None else settings.credentials.text()
        return DltDestination(settings.folder, settings.destination, credentials)
    return DuckLake(lake(settings))


def lake(settings: WarehouseSettings) -> Lake:
    """Return the lake of `engine = "ducklake"`."""
    return Lake(settings.folder, settings.database, settings.storage, settings.may_download)


def database(settings: WarehouseSettings) -> Database:
    """Return the database of a warehouse that needs one."""
    if settings.database is None:
        raise Unusable(f'[warehouse] engine = "{settings.engine}": expected dsn, which names the database')
    return settings.database


def reader(settings: WarehouseSettings) -> DuckDBPyConnection:
    """Return a connection that cannot write to the warehouse; raise `Unusable` if there is none to read."""
    if settings.engine == "dlt" and not settings.has_file:
        raise Unusable(
            f"{settings.shown}: expected an engine that Penstock can read; query it with the destination's own tools"
        )
    name = FILE if settings.has_file else CATALOGUE
    if settings.database is None and not (settings.folder / name).is_file():
        raise Unusable(f"{settings.folder}: expected a warehouse, found no {name}; `penstock load` makes it")
    try:
        if settings.has_file:
            return _file_reader(settings.folder / FILE)
        return attached(lake(settings), is_read_only=True)
    except duckdb.Error as error:
        raise Unusable(f"{settings.shown}: cannot be read: {str(error).partition(chr(10))[0]}") from error


def _file_reader(file: Path) -> DuckDBPyConnection:
    deadline_s = time.monotonic() + READ_TIMEOUT_S
    while True:
        try:
            connection = prepared(duckdb.connect(str(file), read_only=True))
        except duckdb.IOException:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(RETRY_S)
        else:
            return connection

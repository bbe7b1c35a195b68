"""Where a DuckLake has its catalogue and its files, and connections to it."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb
from duckdb import DuckDBPyConnection
from msgspec import Struct

from sinks.warehouse.engines.extensions import load_extensions
from sinks.warehouse.engines.postgres.database import Database
from sinks.warehouse.engines.session import prepared
from sinks.warehouse.engines.storage import Storage

if TYPE_CHECKING:
    from sinks.warehouse.engines.postgres.claim import PostgresClaim

CATALOGUE: Final = "catalogue.sqlite"
DATA: Final = "data"
NAME: Final = "warehouse"
MEMORY: Final = "256MB"  # of DuckDB; a batch needs about 60
BUSY_MS: Final = 5_000  # a reader or a backup holds SQLite's lock for less
OF_CATALOGUE: Final = "catalogue"  # the names of secrets in DuckDB
OF_STORAGE: Final = "storage"


class Lake(Struct, frozen=True):
    """A DuckLake: its folder, and what is elsewhere. `may_download`: DuckDB may fetch its extensions.

    Without `database` the catalogue is a SQLite file in the folder; without `storage` the files are in the folder.
    """

    folder: Path
    database: Database | None = None
    storage: Storage | None = None
    may_download: bool = False

    @property
    def extensions(self) -> tuple[str, ...]:
        """Return DuckDB's extensions in the order of loading: DuckLake attaches its catalogue by the one before it."""
        catalogue = "sqlite_scanner" if self.database is None else "postgres_scanner"
        return (catalogue, "ducklake") if self.storage is None else (catalogue, "httpfs", "ducklake")

    @property
    def data_path(self) -> str:
        """Return where the Parquet files are."""
        return str(self.folder / DATA) if self.storage is None else self.storage.url

    @property
    def shown_catalogue(self) -> str:
        """Return where the catalogue is, for messages."""
        return str(self.folder / CATALOGUE) if self.database is None else f"pg_dump --dbname='{self.database.dsn}'"


def claim_of(database: Database) -> "PostgresClaim":
    """Lock the database of a catalogue for this process."""
    from sinks.warehouse.engines.postgres.claim import PostgresClaim

    return PostgresClaim(database)


def attached(lake: Lake, *, is_read_only: bool) -> DuckDBPyConnection:
    """Return a connection whose default catalogue is the lake; raise `ConfigurationError` for a secret that cannot be read."""
    connection = duckdb.connect()
    try:
        load_extensions(connection, lake.extensions, may_download=lake.may_download)
        connection.execute(f"SET memory_limit = '{MEMORY}'")
        connection.execute(f"SET temp_directory = {text_sql(lake.folder / 'temporary')}")
        _create_secrets(connection, lake)
        options = [
            f"DATA_PATH {text_sql(lake.data_path)}",
            "OVERRIDE_DATA_PATH true",
            *_catalogue_options(lake, is_read_only=is_read_only),
        ]
        connection.execute(f"ATTACH {text_sql(_catalogue(lake))} AS {NAME} ({', '.join(options)})")
        connection.execute(f"USE {NAME}")
        prepared(connection)
        connection.execute("SET preserve_insertion_order = false")  # what an order costs is memory, and rows have none
    except BaseException:
        connection.close()
        raise
    return connection


def text_sql(value: object) -> str:
    """Return a text of SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def _catalogue(lake: Lake) -> str:
    if lake.database is None:
        return f"ducklake:sqlite:{lake.folder / CATALOGUE}"
    from sinks.warehouse.engines.postgres.connection import parameters_without_password

    return f"ducklake:postgres:{parameters_without_password(lake.database)}"


def _catalogue_options(lake: Lake, *, is_read_only: bool) -> list[str]:
    options = ["READ_ONLY"] if is_read_only else []
    if lake.database is not None:
        return options if lake.database.password() is None else [*options, f"META_SECRET {text_sql(OF_CATALOGUE)}"]
    return [*options, *([] if is_read_only else ["META_JOURNAL_MODE 'WAL'"]), f"META_BUSY_TIMEOUT {BUSY_MS}"]


def _create_secrets(connection: DuckDBPyConnection, lake: Lake) -> None:
    """Give DuckDB the secrets as such: it shows none of them in an error, as it shows the string that it attaches."""
    if lake.database is not None and (password := lake.database.password()) is not None:
        connection.execute(f"CREATE SECRET {OF_CATALOGUE} (TYPE postgres, PASSWORD {text_sql(password)})")
    if lake.storage is not None:
        options = [f"{name} {text_sql(value)}" for name, value in lake.storage.options().items()]
        connection.execute(f"CREATE SECRET {OF_STORAGE} ({', '.join(['TYPE s3', *options])})")

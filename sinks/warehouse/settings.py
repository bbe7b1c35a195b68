"""What a warehouse and its loader are configured as."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from broker.registry_http import RegistryAccess, registry_access
from config.model import Configuration, Warehouse
from config.problems import ConfigurationError, Problem
from config.secrets import credential, kafka_options
from providers.registry import PROVIDERS, provider, provider_of
from schemas.topics import OUTCOMES, lane_topic
from sinks.warehouse.engines.postgres.database import Database
from sinks.warehouse.engines.storage import Storage
from sinks.warehouse.limits import Limits
from sinks.warehouse.rows.shape import OwnTypes

CHANGES = "changes."


class Credentials:
    """A reference to what dlt is given to connect to a destination; it is resolved when that is opened."""

    def __init__(self, reference: str, environ: Mapping[str, str]) -> None:
        self._reference = reference
        self._environ = environ

    def text(self) -> str:
        """Return the credentials; raise `ConfigurationError` if they cannot be read."""
        try:
            return credential(self._reference, self._environ)
        except ConfigurationError as error:
            raise ConfigurationError([Problem("", "warehouse.credentials", str(error))]) from error


class WarehouseSettings(Struct, frozen=True):
    """Where rows are kept."""

    engine: Literal["ducklake", "duckdb", "postgres", "dlt"]
    folder: Path
    may_download: bool
    database: Database | None = None
    storage: Storage | None = None
    destination: str = ""
    credentials: Credentials | None = None

    @property
    def has_file(self) -> bool:
        """Say whether rows are in one DuckDB file in the folder."""
        return self.engine == "duckdb" or (
            self.engine == "dlt" and self.destination == "duckdb" and self.credentials is None
        )

    @property
    def is_in_folder(self) -> bool:
        """Say whether all of the warehouse is in its folder, so that one beside it can take its place."""
        return self.database is None and self.storage is None

    @property
    def shown(self) -> str:
        """Return where rows are kept, for messages."""
        if self.engine == "dlt":
            return f"dlt: {self.destination}"
        return str(self.folder) if self.database is None else f"{self.engine}: {self.database.dsn}"


class LoaderSettings(Struct, frozen=True):
    """What the process reads, writes and serves."""

    kafka: Mapping[str, str]
    registry: RegistryAccess
    group: str
    route_topics: frozenset[str]
    own_types: OwnTypes
    warehouse: WarehouseSettings
    limits: Limits
    operations_host: str
    operations_port: int

    def wants(self, topic: str) -> bool:
        """Say whether a topic holds changes, those of routes included, or outcomes."""
        return topic.startswith(CHANGES) or topic == OUTCOMES or topic in self.route_topics


def warehouse_settings(
    configuration: Configuration, data_dir: Path, environ: Mapping[str, str] = os.environ
) -> WarehouseSettings:
    """Return where a configuration keeps rows. The password of a database is resolved whenever it is needed."""
    table = configuration.warehouse
    folder = data_dir / "warehouse" if table.path is None else Path(table.path)
    database = None if table.dsn is None else Database(table.dsn, table.password, environ)
    storage = None if table.data is None or table.s3 is None else Storage(table.data, table.s3, environ)
    credentials = None if table.credentials is None else Credentials(table.credentials, environ)
    return WarehouseSettings(
        table.engine, folder.absolute(), table.download, database, storage, table.destination or "", credentials
    )


def loader_settings(configuration: Configuration, environ: Mapping[str, str], data_dir: Path) -> LoaderSettings:
    """Return a loader's settings; raise `ConfigurationError` for a secret that cannot be read."""
    table = configuration.warehouse
    return LoaderSettings(
        kafka_options(configuration, environ),
        registry_access(configuration, environ),
        f"penstock.{configuration.worker.app}.warehouse",
        frozenset(
            lane_topic(route.topic, route.priority)
            for route in configuration.routes
            if route.topic and route.mode == "changes"
        ),
        own_types(configuration),
        warehouse_settings(configuration, data_dir, environ),
        limits(table),
        table.operations_host,
        table.operations_port,
    )


def limits(table: Warehouse) -> Limits:
    """Return when to write and compact. dlt takes seconds for any load, and databases compact by themselves."""
    rows, wait_s = (100_000, 60.0) if table.engine == "dlt" else (5_000, 2.0)
    return Limits(
        rows if table.batch_rows is None else table.batch_rows,
        wait_s if table.batch_s is None else float(table.batch_s),
        0 if table.engine in {"postgres", "dlt"} else table.compact_every,
    )


def own_types(configuration: Configuration) -> OwnTypes:
    """Return each provider's resource types that have tables: its own, and those that the sources list."""
    own = {name: set(provider(name).resource_types) for name in PROVIDERS}
    for source in configuration.sources:
        own[source.provider].update(provider_of(source).resource_types)
    return {name: frozenset(types) for name, types in own.items()}

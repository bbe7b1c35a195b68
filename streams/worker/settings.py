"""The settings of one worker process, from `penstock.toml` and the environment."""

import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from broker.kafka_options import option_problems
from broker.registry_http import RegistryAccess, registry_access
from config import loading, secrets
from config.model import Configuration, Source
from config.model import Echoes as ConfiguredEchoes
from config.problems import ConfigurationError, Problem, key_text
from config.toml_lines import Location, key_lines, line_of
from providers.http import BaseUrlError, checked_base_url
from providers.registry import provider_of
from schemas.topics import DAY_MS
from streams.steps.echoes import Echoes
from streams.steps.filter import FilterSyntaxError, compile_filter
from streams.steps.hydration import Hydration
from streams.steps.passthrough import RawRoute
from streams.steps.routing import Route, Routes

# Reconnect to a recovered broker within a second; the default is up to ten. `metadata.recovery.strategy` keeps its default:
# with `none` a client is left without any broker when a frozen Kafka lists none.
OUTAGE_OPTIONS = {"reconnect.backoff.max.ms": "1000"}
WORKER_ID = re.compile("[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
OPERATIONS_HOST, OPERATIONS_PORT = "PENSTOCK_WORKER_OPERATIONS_HOST", "PENSTOCK_WORKER_OPERATIONS_PORT"
_PORT = re.compile("[0-9]{1,5}")
_LARGEST_PORT = 65535


class WorkerSettings(Struct, frozen=True):
    """A worker's configuration, its id and its data directory."""

    configuration: Configuration
    kafka: dict[str, str]
    registry: RegistryAccess
    worker_id: str
    data_dir: Path
    operations_host: str = "127.0.0.1"
    operations_port: int = 0

    @property
    def app(self) -> str:
        """Return the name of the pipeline; it is part of the names of the consumer group and the changelogs."""
        return self.configuration.worker.app

    @property
    def group(self) -> str:
        """Return the consumer group."""
        return f"penstock.{self.app}"

    @property
    def tables_dir(self) -> Path:
        """Return the directory of the tables of all workers that share this data directory."""
        return self.data_dir / "state"

    @property
    def state_dir(self) -> Path:
        """Return the directory of this worker's tables."""
        return self.tables_dir / self.app / self.worker_id

    @property
    def reconcile_dir(self) -> Path:
        """Return the directory of the reconciliation's index, which each start makes anew."""
        return self.data_dir / "reconcile" / self.app / self.worker_id

    @property
    def seen_ms(self) -> int:
        """Return how long *seen* keeps a row."""
        return self.configuration.worker.seen_days * DAY_MS

    @property
    def restoring_file(self) -> Path:
        """Return the file that exists while tables are being restored, with the progress."""
        return self.data_dir / "worker.restoring"

    @property
    def ready_file(self) -> Path:
        """Return the file that exists while this worker has its partitions and their tables are open."""
        return self.data_dir / "worker.ready"


def from_environment(environ: Mapping[str, str]) -> WorkerSettings:
    """Return the settings from PENSTOCK_CONFIG, PENSTOCK_WORKER_ID, PENSTOCK_DATA_DIR and PENSTOCK_WORKER_OPERATIONS_….

    Raises `config.model.ConfigurationError` with every problem of the file.
    """
    path = Path(environ.get("PENSTOCK_CONFIG", "penstock.toml"))
    loaded = loading.load(path, environ)
    worker_id = environ.get("PENSTOCK_WORKER_ID") or f"{socket.gethostname()}-0"
    kafka = secrets.kafka_options(loaded, environ)
    port = environ.get(OPERATIONS_PORT) or str(loaded.worker.operations_port)
    problems = [
        *filter_problems(loaded, path),
        *_id_problems(worker_id),
        *option_problems(loaded, kafka),
        *_port_problems(port),
        *_api_problems(loaded),
    ]
    if problems:
        raise ConfigurationError(problems)
    return WorkerSettings(
        loaded,
        OUTAGE_OPTIONS | kafka,
        registry_access(loaded, environ),
        worker_id,
        Path(environ.get("PENSTOCK_DATA_DIR", ".penstock")),
        environ.get(OPERATIONS_HOST) or loaded.worker.operations_host,
        int(port),
    )


def compiled_routes(loaded: Configuration) -> Routes:
    """Return the part of the configuration that the pipeline needs.

    Raises `ConfigurationError` without a line for an invalid filter: `from_environment` has reported it with its line before.
    """
    problems = filter_problems(loaded)
    if problems:
        raise ConfigurationError(problems)
    changes = tuple(
        Route(
            route.name,
            route.source,
            route.provider,
            route.tenant,
            route.resource,
            route.event_type,
            frozenset(route.operations),
            route.topic,
            None if route.filter is None else compile_filter(route.filter),
            route.include_fields,
            route.priority,
            route.reconcile,
            frozenset(route.origins) or None,
            frozenset(route.exclude_origins),
        )
        for route in loaded.routes
        if route.mode == "changes"
    )
    copies = tuple(
        RawRoute(route.name, route.topic or "", route.source, route.provider, route.tenant, route.event_type)
        for route in loaded.routes
        if route.mode == "raw"
    )
    providers = {source.name: provider_of(source) for source in loaded.sources}
    paused = frozenset(
        (source.name, pause.tenant, pause.resource) for source in loaded.sources for pause in source.paused
    )
    api_versions = {source.name: source.api_version for source in loaded.sources if source.api_version is not None}
    hydrations = {source.name: _hydration(source) for source in loaded.sources if source.reads}
    echoes = {source.name: _echoes(source.echoes) for source in loaded.sources if source.echoes is not None}
    return Routes(providers, changes, loaded.worker.children, copies, paused, api_versions, hydrations, echoes)


def _echoes(configured: ConfiguredEchoes) -> Echoes:
    return Echoes(
        frozenset(configured.sender_ids),
        frozenset(configured.installation_ids),
        configured.idempotency_key_prefixes,
        configured.token is not None,
    )


def _hydration(source: Source) -> Hydration:
    types = None if source.hydrate == "auto" else frozenset(source.hydrate)
    return Hydration(types, None if source.api_token is not None else frozenset(source.api_tokens))


def filter_problems(loaded: Configuration, path: Path | None = None) -> list[Problem]:
    """Return the syntax errors of the routes' filters, each with a caret; `path` is the file in which lines are counted."""
    lines = {} if path is None else key_lines(path.read_text(encoding="utf-8"))
    problems = []
    for index, route in enumerate(loaded.routes):
        if route.filter is None:
            continue
        location: Location = ("routes", index, "filter")
        try:
            compile_filter(route.filter)
        except FilterSyntaxError as error:
            line = "" if path is None else f"{path}:{line_of(location, lines)}"
            problems.append(Problem(line, key_text(location), str(error)))
    return problems


def _id_problems(worker_id: str) -> list[Problem]:
    """Return the problems of a worker's id, which is used in a directory name and a transactional id."""
    if WORKER_ID.fullmatch(worker_id):
        return []
    expected = "up to 200 of the characters A-Z a-z 0-9 . _ -, with no dot first"
    return [Problem("--worker-id", "", f"expected {expected}, got {worker_id[:80]!r}")]


def _api_problems(loaded: Configuration) -> Iterator[Problem]:
    """Yield the addresses that no token may be sent to."""
    for index, source in enumerate(loaded.sources):
        if source.reads and source.api_url is not None:
            try:
                checked_base_url(source.api_url)
            except BaseUrlError as error:
                yield loaded.problem(("sources", index, "api_url"), str(error))


def _port_problems(port: str) -> list[Problem]:
    if _PORT.fullmatch(port) and int(port) <= _LARGEST_PORT:
        return []
    return [Problem(OPERATIONS_PORT, "", f"expected a port, 0 to {_LARGEST_PORT}, got {port[:80]!r}")]

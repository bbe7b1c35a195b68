"""`penstock up`: Kafka, the registry, the ingress, a worker and the loader on this machine, until Ctrl-C.

    data directory and ports checked -> downloads (first time) -> Kafka and registry -> ingress, worker, loader -> ready

Messages for people go to stderr. Stdout gets exactly one line, when everything is ready, for scripts to wait for. No child
outlives this process, whatever ends it (`local/guard.py`).
"""

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from config.loading import load
from config.private_files import create_privately, tighten
from local import artifacts, kafka, logs, ports, registry
from local.data_dir import claim
from local.errors import DidNotStart, LocalError, Refused
from local.guard import Child, spawn
from local.java import find_java
from local.pins import KAFKA, REGISTRY
from local.screen import output, say
from local.signals import Signals
from local.supervisor import Service, Supervisor
from simulator.demo_store.address import PREFERRED_PORT, store_address

STOPPED, FAILED, REFUSED, KILLED = 0, 1, 2, 130

# Together under the ten seconds after which a container runtime or service manager kills everything.
_INGRESS_STOP_S, _WORKER_STOP_S, _LOADER_STOP_S, _STORE_STOP_S, _REGISTRY_STOP_S, _KAFKA_STOP_S = (
    2.5,
    2.0,
    1.5,
    0.5,
    1.0,
    2.0,
)
_PROBE_TIMEOUT_S = 1.0
_LARGEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Options:
    """The choices from the command line. A port of 0 picks a free one; without the loader's, none is started."""

    data_dir: Path = Path(".penstock")
    port: int = 8080
    kafka_port: int = 9092
    registry_port: int = 8081
    operations_port: int = 9464
    config: Path | None = None
    sample: bool = False
    kafka_heap_mb: int = kafka.HEAP_MB
    worker_operations_port: int = 9465
    loader_operations_port: int | None = None


Demo = Callable[[Path, int], Path]
"""Makes the demo's configuration in a data directory, unless it is there, and returns its path; the port is for its store."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The addresses and paths, all on 127.0.0.1. `registry_url` is the base of Confluent's API; paths are absolute.

    Without a loader its port is None, and so is that of the demo's store without the demo.
    """

    port: int
    kafka_port: int
    registry_port: int
    operations_port: int
    worker_operations_port: int
    loader_operations_port: int | None
    data_dir: Path
    config: Path
    store_port: int | None = None

    @property
    def ingress_url(self) -> str:
        """Return the base address for deliveries, without `/v1/{source}`."""
        return f"http://{ports.HOST}:{self.port}"

    @property
    def operations_url(self) -> str:
        """Return the ingress's base address for /metrics, /healthz and /readyz."""
        return f"http://{ports.HOST}:{self.operations_port}"

    @property
    def worker_operations_url(self) -> str:
        """Return the worker's base address for /healthz and /readyz."""
        return f"http://{ports.HOST}:{self.worker_operations_port}"

    @property
    def loader_operations_url(self) -> str:
        """Return the loader's base address for /metrics, /healthz and /readyz."""
        return f"http://{ports.HOST}:{self.loader_operations_port}"

    @property
    def store_url(self) -> str | None:
        """Return the address of the demo's BigCommerce store, None if it is not served."""
        return None if self.store_port is None else f"http://{ports.HOST}:{self.store_port}"

    @property
    def bootstrap_servers(self) -> str:
        """Return the address for Kafka clients."""
        return f"{ports.HOST}:{self.kafka_port}"

    @property
    def registry_url(self) -> str:
        """Return the address for registry clients."""
        return registry.api_url(self.registry_port)


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """One of Penstock's Python processes: its command, and its readiness check. The others run without an optional one.

    `is_wanted` says whether it is started.
    """

    name: str
    command: Callable[[Ready], list[str]]
    is_ready: Callable[[Ready], bool]
    stop_s: float
    is_optional: bool = False
    is_wanted: Callable[[Ready], bool] = lambda _: True


def _is_ready(operations_url: str) -> bool:
    try:
        return httpx.get(f"{operations_url}/readyz", timeout=_PROBE_TIMEOUT_S, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _where(ready: Ready) -> tuple[str, ...]:
    deliveries = ("--host", ports.HOST, "--port", str(ready.port))
    return (*deliveries, *_operations(ready.operations_port))


def _operations(port: int) -> tuple[str, ...]:
    return ("--operations-host", ports.HOST, "--operations-port", str(port))


def _penstock(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "console.entry", *arguments]


INGRESS = ChildSpec(
    "ingress",
    lambda ready: _penstock("ingress", "--plain", "--lame-duck", "0", *_where(ready)),
    lambda ready: _is_ready(ready.operations_url),
    _INGRESS_STOP_S,
)
WORKER = ChildSpec(
    "worker",
    lambda ready: _penstock("worker", *_operations(ready.worker_operations_port)),
    lambda ready: _is_ready(ready.worker_operations_url),
    _WORKER_STOP_S,
)


LOADER = ChildSpec(
    "loader",
    lambda ready: _penstock("load", *_operations(ready.loader_operations_port or 0)),
    lambda ready: _is_ready(ready.loader_operations_url),
    _LOADER_STOP_S,
    is_optional=True,
)
STORE = ChildSpec(
    "store",
    lambda _: _penstock("demo-store"),
    lambda ready: ready.store_port is not None and ports.accepts(ready.store_port),
    _STORE_STOP_S,
    is_optional=True,
    is_wanted=lambda ready: ready.store_port is not None,
)


def up(
    options: Options,
    demo_configuration: Demo,
    after_ready: Callable[[Ready], None] | None = None,
    children: tuple[ChildSpec, ...] = (INGRESS, WORKER),
) -> int:
    """Run everything until Ctrl-C or SIGTERM and return the exit code: 0 stopped, 1 a process did not start, 2 refused.

    `demo_configuration` creates the configuration when `options.config` is None. With `options.sample`, `after_ready` is
    called once when all is ready, in its own thread. `children` end in their order, before registry and Kafka.
    A second Ctrl-C kills at once: 130.
    """
    try:
        with Signals() as signals, claim(options.data_dir):
            ready = _prepare(options, demo_configuration)
            _keep_private(ready.data_dir)
            signals.hold()
            supervisor = Supervisor(signals, say)
            try:
                _start(supervisor, ready, children, options.kafka_heap_mb)
                if not signals.is_stop_requested:
                    _announce(_reached(ready, supervisor), after_ready if options.sample else None)
                    supervisor.run()
            finally:
                supervisor.stop()
            return KILLED if signals.is_impatient else STOPPED
    except KeyboardInterrupt:
        return STOPPED
    except LocalError as error:
        say(f"penstock: {error}")
        return FAILED if isinstance(error, DidNotStart) else REFUSED


def _prepare(options: Options, demo_configuration: Demo) -> Ready:
    """Check everything that can fail before a process starts, and download missing files."""
    find_java()
    data_dir = options.data_dir.absolute()
    chosen = {
        "--port": options.port,
        "--kafka-port": options.kafka_port,
        "--registry-port": options.registry_port,
        "--operations-port": options.operations_port,
        "--worker-operations-port": options.worker_operations_port,
    }
    if options.loader_operations_port is not None:
        chosen["--loader-operations-port"] = options.loader_operations_port
    _refuse_taken(chosen)
    if options.config is not None and not options.config.is_file():
        raise Refused(f"There is no configuration {options.config}. Without --config a demo is made.")
    config, store_port = options.config, None
    if config is None:
        config = demo_configuration(data_dir, _free_store_port(chosen))
        store_port = _store_port(config, chosen)
    for bundle in (KAFKA, REGISTRY):
        artifacts.fetch(bundle)
    port, kafka_port, registry_port, operations_port, worker_port, *loader_port = (
        number or ports.free_port() for number in chosen.values()
    )
    return Ready(
        port,
        kafka_port,
        registry_port,
        operations_port,
        worker_port,
        loader_port[0] if loader_port else None,
        data_dir,
        config.absolute(),
        store_port,
    )


def _free_store_port(chosen: dict[str, int]) -> int:
    """Return the port for the store of a new demo: the same one wherever it is free, because it stands in a file."""
    is_free = PREFERRED_PORT not in chosen.values() and ports.is_free(PREFERRED_PORT)
    return PREFERRED_PORT if is_free else ports.free_port()


def _store_port(config: Path, chosen: dict[str, int]) -> int | None:
    """Return the port of the demo's store, None if the user has removed it; refuse one that is taken."""
    address = store_address(load(config, os.environ))
    if address is None:
        return None
    _refuse_taken({**chosen, f"api_url in {config}": address.port})
    return address.port


def _keep_private(data_dir: Path) -> None:
    """Deny other users access to the data directory and all its future files; the download cache may be shared."""
    create_privately()
    refused = tighten(data_dir)
    if refused:
        say(f"other users may use {len(refused)} files, {refused[0]} the first: run chmod go= on them as their owner")


def _refuse_taken(chosen: dict[str, int]) -> None:
    """Refuse ports that do not exist, that were given twice or that another process listens on."""
    for option, port in chosen.items():
        if not 0 <= port <= _LARGEST_PORT:
            raise Refused(f"{option} {port}: expected a number up to {_LARGEST_PORT}, or 0 for any free port.")
        twice = [other for other, same in chosen.items() if port and same == port]
        if len(twice) > 1:
            raise Refused(f"{' and '.join(twice)} are both {port}; each needs a port of its own.")
        if port and not ports.is_free(port):
            holder = ports.holder(port)
            by = f" by process {holder.pid} ({holder.program})" if holder else ""
            raise Refused(f"Port {port} is in use{by}. Stop that, or choose another port with {option}.")


def _start(supervisor: Supervisor, ready: Ready, children: tuple[ChildSpec, ...], heap_mb: int) -> None:
    """Start Kafka and the registry in parallel, then Penstock's own processes. They end in the reverse order."""
    log_dir = ready.data_dir / "logs"
    options = kafka.KafkaOptions(heap_mb=heap_mb)
    kafka_log, registry_log = log_dir / "kafka.log", log_dir / "registry.log"
    kafka_dir, registry_dir = ready.data_dir / "kafka", ready.data_dir / "registry"
    supervisor.start((
        Service(
            "Kafka",
            lambda: kafka.launch(kafka_dir, ready.kafka_port, options, kafka_log),
            lambda: kafka.is_ready(ready.kafka_port),
            kafka_log,
            _KAFKA_STOP_S,
        ),
        Service(
            "registry",
            lambda: registry.launch(registry_dir, ready.registry_port, registry_log),
            lambda: registry.is_ready(ready.registry_port),
            registry_log,
            _REGISTRY_STOP_S,
        ),
    ))  # fmt: skip
    supervisor.start([_service(child, ready, log_dir) for child in reversed(children) if child.is_wanted(ready)])


def _service(child: ChildSpec, ready: Ready, log_dir: Path) -> Service:
    log = log_dir / f"{child.name}.log"
    environment = os.environ | {
        "PENSTOCK_CONFIG": str(ready.config),
        "PENSTOCK_KAFKA_BOOTSTRAP_SERVERS": ready.bootstrap_servers,
        "PENSTOCK_REGISTRY_URL": ready.registry_url,
        "PENSTOCK_DATA_DIR": str(ready.data_dir),
    }

    def launch() -> Child:
        logs.rotate(log)
        return spawn(child.command(ready), log=log, environment=environment)

    return Service(child.name, launch, lambda: child.is_ready(ready), log, child.stop_s, child.is_optional)


def _reached(ready: Ready, supervisor: Supervisor) -> Ready:
    """Return the addresses without those of the loader and the store, if they did not start."""
    if LOADER.name in supervisor.given_up:
        ready = replace(ready, loader_operations_port=None)
    return replace(ready, store_port=None) if STORE.name in supervisor.given_up else ready


def _announce(ready: Ready, after_ready: Callable[[Ready], None] | None) -> None:
    """Print the one line, then run the sample in a thread, because the supervisor must keep running meanwhile."""
    loader = "" if ready.loader_operations_port is None else f" loader={ready.loader_operations_url}"
    store = "" if ready.store_url is None else f" store={ready.store_url}"
    output(
        f"penstock is ready: ingress={ready.ingress_url} kafka={ready.bootstrap_servers} "
        f"registry={ready.registry_url} operations={ready.operations_url} "
        f"worker={ready.worker_operations_url}{loader}{store}"
    )
    if after_ready is not None:
        threading.Thread(target=after_ready, args=(ready,), daemon=True).start()

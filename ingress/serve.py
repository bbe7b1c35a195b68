"""The ingress process: one event loop, one producer, one spool and two ports.

With --reuse-port other instances may share the port for deliveries; they share nothing else.
"""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog
import uvicorn
from starlette.applications import Starlette

from broker.operations import OperationsServer
from config.model import Configuration
from config.private_files import create_privately, tighten
from ingress.admission.body_limits import InFlightLimits
from ingress.app import IngressApp, Lifespan, fallback
from ingress.config_reload import ConfigurationFile, Follower, Sources, warn_of_unverified
from ingress.delivery.failover_publisher import FailoverPublisher
from ingress.delivery.publisher import ProducerError, Publisher
from ingress.delivery.spool import Spool
from ingress.delivery.spool_file import SpoolHeld, SpoolUnusable
from ingress.observability.health import Health, State
from ingress.observability.log import configure_log
from ingress.observability.metrics import Metrics
from ingress.observability.pages import pages
from ingress.receive import Receiver
from ingress.server.listeners import Listen, open_listeners
from ingress.server.memory_bound import MB, memory_bound
from ingress.server.open_files import connections_that_fit
from ingress.server.protocol import protocol_factory, sweep
from ingress.server.server import DrainingServer
from ingress.settings import Settings, ingress_settings
from ingress.sources import sources

KEEP_ALIVE_S = 75  # Longer than a load balancer's usual 60 s: if it does not close first, posts meet a closing socket.
DRAIN_S = 5  # 3.5 s for Kafka's acknowledgement, and a margin; with flushing below the 10 s after which containers are killed.

STOP_S = 9.5  # 0.5 s last call, DRAIN_S, 3 s flushing, 0.2 s for the operations port; containers are killed after 10 s.

GC_THRESHOLD = (
    20_000,
    20,
    20,
)  # A delivery holds 24 tracked objects until it is acknowledged; at 700 every 30th would trigger a collection.

EXIT_OK, EXIT_KAFKA, EXIT_TAKEN = 0, 1, 3

log = structlog.get_logger("ingress")


def serve(
    configuration: Configuration,
    listen: Listen,
    spool_directory: Path | None = None,
    file: ConfigurationFile | None = None,
) -> int:
    """Receive deliveries until SIGTERM or SIGINT, then return the exit code.

    0: told to stop, and everything in flight is answered. 1: the Kafka producer cannot be created or has failed, or the spool
    cannot be opened. 3: another process holds a port or the spool. 130: killed by a second signal. Without `spool_directory`
    there is no spool. The sources follow `file`, which the configuration was read from.
    Raises `ConfigurationError` if a secret, the certificate or its key cannot be used.
    """
    tls = listen.tls
    settings = ingress_settings(configuration, os.environ, spool_directory, has_tls=tls is not None)
    configured = sources(configuration, os.environ) if file is None else file.sources(configuration)
    context = tls.context() if tls else None
    configure_log(configuration.ingress.log_level)  # from here on faults are logged, not raised
    create_privately()
    listeners = open_listeners(listen)
    if listeners is None:
        return EXIT_TAKEN
    warn_of_unverified(configured.values())
    bound = memory_bound(settings, has_tls=tls is not None)
    log.info("memory_bound", megabytes=bound.total // MB, connections=settings.max_connections)
    if spool_directory is not None:
        _keep_private(spool_directory)

    def work() -> int:
        process = Process(settings, configured, _opened_spool(settings, listeners.port), context)
        process.operations_listener = listeners.operations
        process.server.lame_duck_s = listen.lame_duck_s
        if tls is not None and context is not None:
            process.background["following the certificate"] = partial(tls.follow, context)
        if file is not None:
            process.follow(file, configuration, configured)
        if not listeners.begin():
            return EXIT_TAKEN
        log.info("ingress_listening", **listeners.addresses(), sources=sorted(configured), tls=tls is not None)
        return _run(process, listeners.deliveries)

    return _work(work)


def _keep_private(spools: Path) -> None:
    """Remove other users' access to files that an earlier version created."""
    refused = tighten(spools)
    if refused:
        log.warning("open_to_others", files=len(refused), first=str(refused[0]), advice="chmod go= as their owner")


def _work(work: Callable[[], int]) -> int:
    """Return the exit code; log why the process could not work."""
    try:
        return work()
    except ProducerError as error:
        log.error("kafka_fatal", detail=str(error))
        return EXIT_KAFKA
    except SpoolUnusable as error:
        log.error("spool_unusable", detail=str(error))
        return EXIT_TAKEN if isinstance(error, SpoolHeld) else EXIT_KAFKA


def _opened_spool(settings: Settings, port: int) -> Spool | None:
    """Return the spool of this data directory and port, None if there is none; raise `SpoolUnusable`.

    The file is named after the port, so that a restarted ingress finds its deliveries. Other files are left for their own
    ingress, or for an operator: earlier versions named those of further processes `<port>-<number>.sqlite`.
    """
    directory = settings.spool_directory
    if directory is None:
        return None
    spool = Spool(directory / f"{port}.sqlite", settings.spool_bytes)
    advice = "`penstock spool` shows what is in it; `penstock spool drain` publishes it, unless an ingress uses it"
    for other in sorted(directory.glob("*.sqlite")):
        if other.stem != str(port):
            log.warning("other_spool", file=str(other), advice=advice)
    return spool


class Process:
    """Assembles and runs the parts of one ingress process."""

    def __init__(
        self,
        settings: Settings,
        configured: Sources,
        spool: Spool | None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.fault: str | None = None
        self.operations_listener: socket.socket | None = None
        self._spool = spool
        self._follower: Follower | None = None
        self.background: dict[str, Callable[[], Coroutine[object, object, None]]] = {}
        self.metrics = metrics = Metrics(configured.values())
        self._health = Health(
            settings,
            spool=None if spool is None else spool.refusal,
            refused=lambda: None if self._failover is None else self._failover.refusal(),
        )
        self._publisher = Publisher(settings, self.end, self._health.notice)
        metrics.watch(
            "penstock_ingress_unreported", "Records handed to the producer.", lambda: self._publisher.unreported
        )
        metrics.watch("penstock_ingress_ready", "1 while /readyz says 200.", lambda: self.state() == "ready")
        self._failover = None if spool is None else FailoverPublisher(self._publisher, spool)
        if spool is not None:
            _watch_spool(metrics, spool)
        raw_topic = self._failover or self._publisher
        self._receiver = Receiver(settings, configured, raw_topic, metrics, lambda: datetime.now(UTC))
        max_connections = connections_that_fit(settings.max_connections)
        _watch_in_flight(metrics, self._receiver.in_flight)
        lifespan: Lifespan = self._lifespan
        app = IngressApp(self._receiver, fallback(lifespan))
        self.server = DrainingServer(
            uvicorn.Config(
                app,
                loop="uvloop",
                http=protocol_factory(self._receiver.aborted, max_connections, self._receiver.in_flight),
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=DRAIN_S,
            ),
            tls,
            max_connections,
        )
        self._operations = OperationsServer(pages(self.state, metrics.registry))
        self.background |= {
            "watching Kafka": lambda: self._health.watch(self._publisher.producer),
            "hanging up on the slow": lambda: sweep(self.server.server_state.connections),
        }
        if self._failover is not None:
            self.background["draining the spool"] = self._failover.drain

    def follow(self, file: ConfigurationFile, started: Configuration, served: Sources) -> None:
        """Reload the sources from the file while the process runs."""
        self._follower = Follower(file, started, served, self._use, self.metrics.reloads)
        self.background["following the configuration"] = self._follower.follow

    def _use(self, served: Sources) -> None:
        self.metrics.follow(served.values())
        self._receiver.use(served)

    def state(self) -> State:
        """Return `ready` while new deliveries are accepted, otherwise the reason."""
        if self.server.is_leaving:
            return "draining" if self.server.should_exit else "leaving"
        return self._health.state()

    def end(self, fault: str) -> None:
        """Stop with exit code 1: this process can publish nothing more."""
        log.error("kafka_fatal", detail=fault)
        self.fault = fault
        self.server.should_exit = True

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Start and stop everything but the port for deliveries; the operations port opens before it and closes after it."""
        self._publisher.start()
        if self._spool is not None:
            self._spool.start()
        if self._follower is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._follower.ask)
        if self.operations_listener is not None:
            await self._operations.start(self.operations_listener)
        tasks = [self._begun(name, work) for name, work in self.background.items()]
        _spare_the_collector()
        yield
        for task in tasks:
            task.cancel()
        unpublished = await self._publisher.stop()
        if self._spool is not None:
            await self._spool.stop()
        self._receiver.log.sum_up()
        log.info("ingress_stopped", unpublished=unpublished, spooled=self._spool.deliveries if self._spool else 0)
        await self._operations.close()

    def _begun(self, name: str, work: Callable[[], Coroutine[object, object, None]]) -> asyncio.Task[None]:
        task = asyncio.create_task(work(), name=name)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self.end(f"{task.get_name()} failed: {type(task.exception()).__name__}")


def _watch_in_flight(metrics: Metrics, in_flight: InFlightLimits) -> None:
    metrics.watch("penstock_ingress_requests", "Deliveries under way.", lambda: in_flight.requests)
    metrics.watch("penstock_ingress_requests_limit", "ingress.max_concurrent.", lambda: in_flight.max_requests)
    metrics.watch("penstock_ingress_held_bytes", "Bytes of bodies under way.", lambda: in_flight.body_bytes)
    metrics.watch("penstock_ingress_held_limit_bytes", "ingress.bodies_limit_bytes.", lambda: in_flight.max_bytes)


def _watch_spool(metrics: Metrics, spool: Spool) -> None:
    metrics.watch("penstock_spool_deliveries", "Deliveries in the spool.", lambda: spool.deliveries)
    metrics.watch("penstock_spool_bytes", "Bytes of the deliveries in the spool.", lambda: spool.bytes)
    metrics.watch("penstock_spool_limit_bytes", "ingress.spool_bytes.", lambda: spool.limit_bytes)
    metrics.watch("penstock_spool_oldest_age_seconds", "Age of the oldest delivery in the spool.", spool.oldest_age_s)
    metrics.watch(
        "penstock_spool_refused", "Deliveries that Kafka will never accept, out of the queue.", lambda: spool.refused
    )
    metrics.watch_count("penstock_spool_spooled", "Deliveries written to the spool.", lambda: spool.spooled)
    metrics.watch_count("penstock_spool_drained", "Deliveries gone from the spool to Kafka.", lambda: spool.drained)


def _run(process: Process, listener: socket.socket) -> int:
    for stop in (signal.SIGTERM, signal.SIGINT):
        # Until the event loop runs; uvicorn then sets the same.
        signal.signal(stop, process.server.handle_exit)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the event loop handles it: by default it ends the process
    process.server.run(sockets=[listener])
    return EXIT_OK if process.fault is None else EXIT_KAFKA


def _spare_the_collector() -> None:
    """Exempt everything loaded so far from garbage collection: it lives as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)

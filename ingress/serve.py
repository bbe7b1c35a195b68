"""The ingress as a process: one event loop, one producer, and two ports, which it may share (`ingress/processes.py`)."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog
import uvicorn
from starlette.applications import Starlette

from broker.operations import OperationsServer, listening
from config.model import Configuration
from config.private_files import create_privately, tighten
from ingress.admission.body_limits import InFlightLimits
from ingress.app import Door, Lifespan, elsewhere
from ingress.config_reload import ConfigurationFile, Follower, Sources, warn_of_unverified
from ingress.delivery.failover_publisher import FailoverPublisher
from ingress.delivery.publisher import ProducerError, Publisher
from ingress.delivery.spool import Spool
from ingress.delivery.spool_file import SpoolUnusable
from ingress.observability.health import Health, State
from ingress.observability.log import configure_log
from ingress.observability.metrics import Metrics
from ingress.observability.pages import pages
from ingress.processes import ALONE, Slot, run_processes
from ingress.receive import Receiver
from ingress.server.memory_bound import MB, memory_bound
from ingress.server.open_files import connections_that_fit
from ingress.server.protocol import sweep, telling
from ingress.server.server import DrainingServer
from ingress.server.tls import TlsFiles
from ingress.settings import Settings, ingress_settings
from ingress.sources import sources
from ingress.spools import opened_spool, watch_spool
from ingress.together import Board

KEEP_ALIVE_S = (
    75  # Longer than a load balancer's usual 60 s: it must be the one to hang up, or posts meet a closing socket.
)
DRAIN_S = (
    5  # 3.5 s for Kafka to acknowledge and the rest; with flushing under the 10 s after which containers are killed.
)

GC_THRESHOLD = (
    20_000,
    20,
    20,
)  # A delivery keeps 24 tracked objects until Kafka's word; at 700 each 30th would collect.

EXIT_OK, EXIT_KAFKA, EXIT_PORT = 0, 1, 3

log = structlog.get_logger("ingress")


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen: workers are processes that share the ports, a port of 0 is any that is free.

    Deliveries come to `port`, with TLS where there is a certificate; what operators ask for, to `operations_port`, in plain HTTP.
    Told to stop, a process serves on for `lame_duck_s` before it closes them.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    tls: TlsFiles | None = None
    operations_host: str = "127.0.0.1"
    operations_port: int = 9464
    lame_duck_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Listeners:
    """Sockets that listen already."""

    deliveries: socket.socket
    operations: socket.socket


def serve(
    configuration: Configuration,
    listen: Listen,
    spool_directory: Path | None = None,
    file: ConfigurationFile | None = None,
) -> int:
    """Receive deliveries until SIGTERM or SIGINT, then return the exit code.

    0: asked to stop, everything in flight answered. 1: the Kafka producer cannot be made or has died, or the spool cannot
    be opened. 3: a port cannot be had. 130: killed by a second signal. Without a directory for it there is no spool. The sources
    follow `file`, where the configuration came from.
    Raises `ConfigurationError` where a secret, the certificate or its key cannot be used.
    """
    tls, workers = listen.tls, listen.workers
    settings = ingress_settings(configuration, os.environ, spool_directory, has_tls=tls is not None)
    configured = sources(configuration, os.environ) if file is None else file.sources(configuration)
    context = tls.context() if tls else None
    configure_log(configuration.ingress.log_level)  # from here on what goes wrong is in the log, no longer an exception
    create_privately()
    listeners = _listeners(listen)
    if listeners is None:
        return EXIT_PORT
    host, port = listeners.deliveries.getsockname()[:2]
    operations_host, operations_port = listeners.operations.getsockname()[:2]
    log.info(
        "ingress_listening",
        host=host,
        port=port,
        operations_host=operations_host,
        operations_port=operations_port,
        sources=sorted(configured),
        workers=workers,
        tls=tls is not None,
    )
    warn_of_unverified(configured.values())
    bound = memory_bound(settings, has_tls=tls is not None)
    log.info("memory_bound", megabytes=bound.total // MB, connections=settings.max_connections)
    if spool_directory is not None:
        _keep_private(spool_directory)

    def work(slot: Slot) -> int:
        process = Process(settings, configured, opened_spool(settings, port, slot), slot, context)
        process.operations_listener = listeners.operations
        process.server.lame_duck_s = listen.lame_duck_s
        if tls is not None and context is not None:
            process.background["following the certificate"] = partial(tls.follow, context)
        if file is not None:
            process.follow(file, configuration, configured)
        return _run(process, listeners.deliveries)

    if workers == 1:
        return _work(work, ALONE)
    return run_processes(
        workers, (listeners.deliveries, listeners.operations), partial(_work, work), listen.lame_duck_s
    )


def _keep_private(spools: Path) -> None:
    """Close to others what an earlier version has left open to them."""
    refused = tighten(spools)
    if refused:
        log.warning("open_to_others", files=len(refused), first=str(refused[0]), advice="chmod go= as their owner")


def _work(work: Callable[[Slot], int], slot: Slot) -> int:
    """Return the exit code of one process; why it could not work is in the log."""
    try:
        return work(slot)
    except ProducerError as error:
        log.error("kafka_fatal", detail=str(error))
        return EXIT_KAFKA
    except SpoolUnusable as error:
        log.error("spool_unusable", detail=str(error))
        return EXIT_KAFKA


class Process:
    """The parts of one ingress process, put together."""

    def __init__(
        self,
        settings: Settings,
        configured: Sources,
        spool: Spool | None,
        slot: Slot = ALONE,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.fault: str | None = None
        self.operations_listener: socket.socket | None = None
        self._spool = spool
        self._is_first = slot.number == 0
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
        metrics.watch("penstock_ingress_ready", "Processes whose /readyz says 200.", lambda: self.state() == "ready")
        metrics.watch("penstock_ingress_processes", "Processes that serve the port.", lambda: 1)
        metrics.watch("penstock_ingress_workers", "Processes that shall serve the port.", lambda: slot.processes)
        self._board = Board(metrics.registry, slot.scoreboard, slot.number)
        self._failover = None if spool is None else FailoverPublisher(self._publisher, spool)
        if spool is not None:
            watch_spool(metrics, spool)
        raw_topic = self._failover or self._publisher
        self._receiver = Receiver(settings, configured, raw_topic, metrics, lambda: datetime.now(UTC))
        max_connections = connections_that_fit(settings.max_connections)
        _watch_room(metrics, self._receiver.in_flight)
        lifespan: Lifespan = self._lifespan
        door = Door(self._receiver, elsewhere(lifespan))
        self.server = DrainingServer(
            uvicorn.Config(
                door,
                loop="uvloop",
                http=telling(self._receiver.aborted, max_connections, self._receiver.in_flight),
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
        self.server.is_alone = slot.scoreboard is None
        self._operations = OperationsServer(pages(self.state, self._board.registry))
        self.background |= {
            "watching Kafka": lambda: self._health.watch(self._publisher.producer),
            "hanging up on the slow": lambda: sweep(self.server.server_state.connections),
            "posting the metrics": self._board.post_for_ever,
        }
        if self._failover is not None:
            self.background["draining the spool"] = self._failover.drain

    def follow(self, file: ConfigurationFile, started: Configuration, served: Sources) -> None:
        """Let the sources follow the file while the process runs."""
        self._follower = Follower(file, started, served, self._use, self.metrics.reloads, is_first=self._is_first)
        self.background["following the configuration"] = self._follower.follow

    def _use(self, served: Sources) -> None:
        self.metrics.follow(served.values())
        self._receiver.use(served)

    def state(self) -> State:
        """Return whether new deliveries are welcome, and if not, why."""
        if self.server.is_leaving:
            return "draining" if self.server.should_exit else "leaving"
        return self._health.state()

    def end(self, fault: str) -> None:
        """Stop with exit code 1: nothing more can be published by this process."""
        log.error("kafka_fatal", detail=fault)
        self.fault = fault
        self.server.should_exit = True

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Run everything between the first delivery and the last; the operations port opens before it and closes behind it."""
        self._publisher.start()
        if self._spool is not None:
            self._spool.start()
        if self._follower is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._follower.ask)
            # Before the first request: a process that takes a dead one's place was forked with the sources of long ago.
            await self._follower.reload("start")
        self._board.appear()  # first: a page of metrics without this process would be wrong
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
        self._board.post()
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


def _listeners(listen: Listen) -> Listeners | None:
    """Return both sockets, None where one cannot be had; the log says which, and with what option to choose another."""
    wanted = (
        ("--port", listen.host, listen.port),
        ("--operations-port", listen.operations_host, listen.operations_port),
    )
    opened: list[socket.socket] = []
    for option, host, port in wanted:
        try:
            opened.append(listening(host, port))
        except OSError as error:
            reason = error.strerror or str(error)
            advice = f"end what listens there, or choose another with {option}; 0 is any that is free"
            log.error("cannot_listen", host=host, port=port, reason=reason, advice=advice)
            for listener in opened:
                listener.close()
            return None
    return Listeners(*opened)


def _watch_room(metrics: Metrics, in_flight: InFlightLimits) -> None:
    metrics.watch("penstock_ingress_requests", "Deliveries under way.", lambda: in_flight.requests)
    metrics.watch("penstock_ingress_requests_limit", "ingress.max_concurrent.", lambda: in_flight.max_requests)
    metrics.watch("penstock_ingress_held_bytes", "Bytes of bodies under way.", lambda: in_flight.body_bytes)
    metrics.watch("penstock_ingress_held_limit_bytes", "ingress.bodies_limit_bytes.", lambda: in_flight.max_bytes)


def _run(process: Process, listener: socket.socket) -> int:
    for stop in (signal.SIGTERM, signal.SIGINT):
        # Before the event loop runs; from then on uvicorn sets the same.
        signal.signal(stop, process.server.handle_exit)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the event loop takes it: it would end the process
    process.server.run(sockets=[listener])
    return EXIT_OK if process.fault is None else EXIT_KAFKA


def _spare_the_collector() -> None:
    """Take what is loaded by now out of the garbage collector's sight: it lives as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)

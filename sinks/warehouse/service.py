"""The process of `penstock load`: the loader on a thread, its pages on the event loop, an orderly end at SIGTERM and SIGINT."""

import asyncio
import signal
import sys
from contextlib import closing
from typing import Final

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from broker.log import configure_json
from broker.memory import give_back_memory
from broker.operations import JSON, OperationsServer, Page, Pages, listening
from broker.schema_registry import Registry
from config.private_files import create_privately
from schemas.typed.columns import column_table
from sinks.consumer import SinkConsumer
from sinks.warehouse import opening
from sinks.warehouse.decoding import decoder
from sinks.warehouse.errors import WarehouseError
from sinks.warehouse.loader import Loader
from sinks.warehouse.rows.shape import Layouts
from sinks.warehouse.settings import LoaderSettings

EXIT_STOPPED: Final = 0
EXIT_UNUSABLE: Final = 3  # as of the worker: a supervisor restarts it

log = structlog.get_logger()


def run_loader(settings: LoaderSettings) -> int:
    """Load until SIGTERM or SIGINT, and return the exit code: 0 when told to stop, 3 when it cannot continue.

    Raises `Unusable` before anything is read, if the warehouse cannot be opened.
    """
    give_back_memory()
    create_privately()
    with closing(opening.writer(settings.warehouse)) as warehouse:
        configure_json(sys.stderr)
        with closing(Registry(settings.registry)) as registry:
            consumer = SinkConsumer(settings.kafka, settings.group, settings.wants)
            with closing(consumer):
                layouts = Layouts(column_table, settings.own_types)
                loader = Loader(consumer, decoder(registry), warehouse, layouts, settings.limits)
                return asyncio.run(_serve(settings, loader, consumer))


def pages(loader: Loader, consumer: SinkConsumer) -> Pages:
    """Return the pages by path. /readyz is 200 while rows are written, else 503 with the reason."""

    def healthz() -> Page:
        return Page(b'{"status":"alive"}')

    def readyz() -> Page:
        status = standing(loader, consumer)
        return Page(b'{"status":"%s"}' % status.encode(), JSON, 200 if status == "ready" else 503)

    def scrape() -> Page:
        return Page(generate_latest(loader.metrics.registry), CONTENT_TYPE_LATEST)

    return {"/healthz": healthz, "/readyz": readyz, "/metrics": scrape}


def standing(loader: Loader, consumer: SinkConsumer) -> str:
    """Return `ready`, or a word for what is missing."""
    if loader.stopping.is_set():
        return "stopping"
    if loader.failing is not None:
        return "retrying"
    if not loader.is_started:
        return "starting"
    return "kafka_silent" if consumer.is_silent else "ready"


async def _serve(settings: LoaderSettings, loader: Loader, consumer: SinkConsumer) -> int:
    host, port = settings.operations_host, settings.operations_port
    try:
        listener = listening(host, port)
    except OSError as error:
        log.error("cannot_listen", host=host, port=port, detail=error.strerror or str(error))
        return EXIT_UNUSABLE
    host, port = listener.getsockname()[:2]
    server = OperationsServer(pages(loader, consumer))
    await server.start(listener)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, loader.stopping.set)
    log.info("loader_started", warehouse=settings.warehouse.shown, operations_host=host, operations_port=port)
    try:
        await asyncio.to_thread(loader.run)
    except WarehouseError as error:
        log.error("loader_ends", detail=str(error))
        return EXIT_UNUSABLE
    finally:
        await server.close()
    log.info("loader_stopped")
    return EXIT_STOPPED

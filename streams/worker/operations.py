"""The worker's operations port: liveness, readiness to decide deliveries, and metrics."""

from typing import Any

import msgspec
import structlog
from mode import Service

from broker.operations import OperationsServer, Page, Pages, listening
from streams.errors import Fatal
from streams.worker.consumer import DeliveryConsumer, die
from streams.worker.health import Health, Watch
from streams.worker.metrics import Metrics
from streams.worker.settings import WorkerSettings

log = structlog.get_logger()


class Operations(Service):  # type: ignore[misc]  # mode has no types
    """Serves the pages of one worker from before it joins its group until after it has left."""

    def __init__(self, settings: WorkerSettings, source: DeliveryConsumer, **options: Any) -> None:
        super().__init__(**options)
        self._settings = settings
        limit_s = settings.configuration.worker.undecided_limit_s
        self._health = Health(source.partitions, limit_s, lambda: bool(source.should_stop))
        self._watch = Watch(settings, source.partitions, self._health)
        self._server = OperationsServer(pages(self._health, source.metrics))

    async def on_start(self) -> None:
        """Open the port and start watching Kafka; exit with code 3 if the port cannot be opened."""
        host, port = self._settings.operations_host, self._settings.operations_port
        try:
            listener = listening(host, port)
        except OSError as error:
            die(
                Fatal(
                    f"cannot listen on {host}:{port}: {error.strerror or error}; end what listens there, or choose another port "
                    "with --operations-port, 0 for any that is free"
                )
            )
        host, port = listener.getsockname()[:2]
        log.info("worker_listening", operations_host=host, operations_port=port)
        await self._server.start(listener)
        self._watch.start()

    async def on_stop(self) -> None:
        """Close the port."""
        self._watch.stop()
        await self._server.close()


def pages(health: Health, metrics: Metrics) -> Pages:
    """Return the pages by path. /healthz answers while the event loop runs; /readyz returns 503 with the reason unless ready."""

    def healthz() -> Page:
        return Page(b'{"status":"alive"}')

    def readyz() -> Page:
        standing = health.standing()
        return Page(msgspec.json.encode(standing), status=200 if standing.status == "ready" else 503)

    return {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics.page}

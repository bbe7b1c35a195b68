"""The hydration of one worker: a thread with an event loop of its own, and one session after another.

Of its own, because the worker's loop decides batches for a hundred milliseconds at a time.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import structlog
from confluent_kafka import KafkaException
from prometheus_client import CollectorRegistry

from broker.errors import Transient
from broker.retry_policy import RetryPolicy
from broker.topic_admin import Topics
from config.model import Configuration
from schemas.topics import DELAYS_S, RAW, delay_topic, fetches_topic, standings_topic
from streams.hydrate.clients import Clients
from streams.hydrate.metrics import Metrics
from streams.hydrate.policy import Limits
from streams.hydrate.session import Session

PAUSE: Final = RetryPolicy((KafkaException, Transient), first_s=0.5, longest_s=10.0)
STOP_S: Final = 10.0

log = structlog.get_logger()


class Hydrator:
    """Reads until stopped. `new_session` connects to Kafka and creates topics; it may raise `KafkaException` or `Transient`."""

    def __init__(self, new_session: Callable[[], Session]) -> None:
        self._new_session = new_session
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hydration", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the reads and leave the group; waits for at most some seconds, because Kafka may be away."""
        self._stopping.set()
        self._thread.join(STOP_S)

    def _run(self) -> None:
        asyncio.run(self._sessions())

    async def _sessions(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                session = await asyncio.to_thread(self._new_session)
            except (KafkaException, Transient) as error:
                failures += 1
                await self._pause(failures, error)
                continue
            try:
                while not self._stopping.is_set():
                    await session.turn()
                    failures = 0
            except (KafkaException, Transient) as error:
                failures += 1
                await self._pause(failures, error)
            except Exception:
                log.exception("hydration_broke")
                failures += 1
                await asyncio.sleep(PAUSE.backoff_s(failures))
            finally:
                await _closed(session)

    async def _pause(self, failures: int, error: Exception) -> None:
        pause_s = round(PAUSE.backoff_s(failures), 3)
        log.warning("hydration_interrupted", error=str(error), retry_in_s=pause_s)
        await asyncio.to_thread(partial(self._stopping.wait, pause_s))


def hydrator_of(
    loaded: Configuration,
    kafka: Mapping[str, str],
    worker_id: str,
    environ: Mapping[str, str],
    registry: CollectorRegistry,
) -> Hydrator | None:
    """Return the hydration of a worker, None if nothing is configured to be read."""
    if not any(source.reads for source in loaded.sources):
        return None
    app, metrics = loaded.worker.app, Metrics(registry)
    limits = Limits(loaded.hydration.max_attempts, loaded.hydration.max_age_h * 3_600.0)

    def new_session() -> Session:
        topics = Topics(dict(kafka), loaded.kafka.partitions, replication=loaded.kafka.replication)
        for topic in (RAW, fetches_topic(app), *(delay_topic(app, name) for name in DELAYS_S), standings_topic(app)):
            topics.ensure(topic)
        return Session(kafka, app, worker_id, Clients(loaded, environ), limits, metrics)

    return Hydrator(new_session)


async def _closed(session: Session) -> None:
    try:
        await asyncio.wait_for(session.close(), STOP_S)
    except (KafkaException, TimeoutError) as error:
        log.warning("session_not_closed", error=type(error).__name__)

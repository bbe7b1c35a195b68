"""The reconciliation of one worker: a thread with an event loop of its own, and one session after another."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import structlog
from confluent_kafka import KafkaException
from prometheus_client import CollectorRegistry

from broker.errors import BrokerError
from broker.retry_policy import RetryPolicy
from broker.topic_admin import Topics
from config.model import Configuration
from schemas.topics import (
    changelog_topic,
    fetches_topic,
    listed_ids_topic,
    progress_topic,
    reconciliation_topic,
    reports_topic,
)
from streams.errors import WorkerError
from streams.reconcile.index import Index
from streams.reconcile.listers import Listers
from streams.reconcile.metrics import Metrics
from streams.reconcile.session import Session, Setting

PAUSE: Final = RetryPolicy((KafkaException, BrokerError, WorkerError), first_s=0.5, longest_s=30.0)
STOP_S: Final = 10.0

log = structlog.get_logger()


class Reconciler:
    """Compares until stopped. `new_session` connects to Kafka and creates topics; it may raise what `PAUSE` retries."""

    def __init__(self, new_session: Callable[[], Session]) -> None:
        self._new_session = new_session
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reconciliation", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Leave the group; waits for at most some seconds, because Kafka may be away."""
        self._stopping.set()
        self._thread.join(STOP_S)

    def _run(self) -> None:
        asyncio.run(self._sessions())

    async def _sessions(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                session = await asyncio.to_thread(self._new_session)
            except (KafkaException, BrokerError, WorkerError) as error:
                failures += 1
                await self._pause(failures, str(error))
                continue
            try:
                while not self._stopping.is_set():
                    await session.turn()
                    failures = 0
            except (KafkaException, BrokerError, WorkerError) as error:
                failures += 1
                await self._pause(failures, str(error))
            except Exception:
                log.exception("reconciliation_broke")
                failures += 1
                await asyncio.sleep(PAUSE.backoff_s(failures))
            finally:
                await _closed(session)

    async def _pause(self, failures: int, error: str) -> None:
        pause_s = round(PAUSE.backoff_s(failures), 3)
        log.warning("reconciliation_interrupted", error=error, retry_in_s=pause_s)
        await asyncio.to_thread(partial(self._stopping.wait, pause_s))


def reconciler_of(
    setting: Setting, directory: Path, environ: Mapping[str, str], registry: CollectorRegistry
) -> Reconciler | None:
    """Return the reconciliation of a worker, None if nothing is configured to be read. `directory` is for its index."""
    loaded = setting.configuration
    if not any(source.reads for source in loaded.sources):
        return None
    metrics, kept = Metrics(registry), list[Index]()

    def new_session() -> Session:
        ensure_topics(setting.options, loaded)
        if not kept:
            kept.append(Index(setting.options, changelog_topic(setting.app, "latest"), directory))
        return Session(setting, Listers(loaded, environ), kept[0], metrics)

    return Reconciler(new_session)


def ensure_topics(options: Mapping[str, str], loaded: Configuration) -> None:
    """Create the topics of reconciliation unless they exist."""
    app = loaded.worker.app
    topics = Topics(dict(options), loaded.kafka.partitions, replication=loaded.kafka.replication)
    partitions = topics.partitions(reconciliation_topic(app))
    for topic in (fetches_topic(app), reports_topic(app)):
        topics.ensure(topic)
    for topic in (progress_topic(app), listed_ids_topic(app)):  # the owner of an account's inbox has these, too
        topics.widen(topic, partitions)


async def _closed(session: Session) -> None:
    try:
        await asyncio.wait_for(session.close(), STOP_S)
    except (KafkaException, TimeoutError) as error:
        log.warning("session_not_closed", error=type(error).__name__)

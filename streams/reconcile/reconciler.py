"""The reconciliation of one worker: one session after another, as `broker/sessions.py` runs them."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

import structlog
from confluent_kafka import KafkaException
from prometheus_client import CollectorRegistry

from broker.errors import BrokerError
from broker.retry_policy import RetryPolicy
from broker.sessions import Sessions
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

log = structlog.get_logger()


def reconciler_of(
    setting: Setting, directory: Path, environ: Mapping[str, str], registry: CollectorRegistry
) -> Sessions | None:
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

    interrupted = partial(log.warning, "reconciliation_interrupted")
    return Sessions("reconciliation", new_session, PAUSE, interrupted, partial(log.exception, "reconciliation_broke"))


def ensure_topics(options: Mapping[str, str], loaded: Configuration) -> None:
    """Create the topics of reconciliation unless they exist."""
    app = loaded.worker.app
    topics = Topics(dict(options), loaded.kafka.partitions, replication=loaded.kafka.replication)
    partitions = topics.partitions(reconciliation_topic(app))
    for topic in (fetches_topic(app), reports_topic(app)):
        topics.ensure(topic)
    for topic in (progress_topic(app), listed_ids_topic(app)):  # the owner of an account's inbox has these, too
        topics.widen(topic, partitions)

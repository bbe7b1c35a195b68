"""The hydration of one worker: one session after another, as `broker/sessions.py` runs them."""

from collections.abc import Mapping
from functools import partial
from typing import Final

import structlog
from confluent_kafka import KafkaException
from prometheus_client import CollectorRegistry

from broker.errors import Transient
from broker.retry_policy import RetryPolicy
from broker.sessions import Sessions
from broker.topic_admin import Topics
from config.model import Configuration
from schemas.topics import DELAYS_S, RAW, delay_topic, fetches_topic, standings_topic
from streams.hydrate.clients import Clients
from streams.hydrate.metrics import Metrics
from streams.hydrate.policy import Limits
from streams.hydrate.session import Session

PAUSE: Final = RetryPolicy((KafkaException, Transient), first_s=0.5, longest_s=10.0)

log = structlog.get_logger()


def hydrator_of(
    loaded: Configuration,
    kafka: Mapping[str, str],
    worker_id: str,
    environ: Mapping[str, str],
    registry: CollectorRegistry,
) -> Sessions | None:
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

    interrupted = partial(log.warning, "hydration_interrupted")
    return Sessions("hydration", new_session, PAUSE, interrupted, partial(log.exception, "hydration_broke"))

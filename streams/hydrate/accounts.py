"""The clients of accounts, and the sessions that use them, as the configuration says."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry

from broker.topic_admin import Topics
from config.model import Configuration, Source
from config.secrets import credential
from providers.api import Api
from providers.clients import Account, client_of
from schemas.topics import DELAYS_S, RAW, delay_topic, fetches_topic, standings_topic
from streams.hydrate.hydrator import Hydrator
from streams.hydrate.metrics import Metrics
from streams.hydrate.policy import Limits
from streams.hydrate.session import Session


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

    def api_of(provider: str, name: str, tenant: str) -> Api | None:
        source = loaded.source(name)
        if source is None or source.provider != provider or not source.reads:
            return None
        return source_client(source, tenant, environ)

    def new_session() -> Session:
        topics = Topics(dict(kafka), loaded.kafka.partitions, replication=loaded.kafka.replication)
        for topic in (RAW, fetches_topic(app), *(delay_topic(app, name) for name in DELAYS_S), standings_topic(app)):
            topics.ensure(topic)
        return Session(kafka, app, worker_id, api_of, limits, metrics)

    return Hydrator(new_session)


def source_client(source: Source, tenant: str, environ: Mapping[str, str]) -> Api | None:
    """Return the client of a tenant, None if there are no credentials for it. The token is resolved for every request."""
    reference = source.api_tokens.get(tenant, source.api_token)
    if reference is None:
        return None
    account = Account(tenant, lambda: credential(reference, environ), source.api_url, source.api_client_id)
    return client_of(source.provider, account)

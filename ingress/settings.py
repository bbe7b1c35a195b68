"""The ingress's settings: those from the configuration, and fixed numbers, each with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from config.model import BODIES_LIMIT_BYTES, BODY_LIMIT_BYTES, MAX_CONCURRENT, Configuration, Replication
from config.secrets import kafka_options
from ingress.admission.networks import NO_NETWORKS, Networks
from schemas.topics import RAW

ACK_TIMEOUT_S = (
    3.5  # Shopify closes after 5 s, connecting and reading included; this leaves 0.5 s for verifying and answering.
)
SPOOL_AFTER_S = 2.0  # Leaves 1.5 s for the spool, so a leader election (1.9 to 5.8 s) costs no sender a retry.
RETRY_AFTER_S = (
    10  # Longer than a leader election in Kafka (measured: 1.9 to 5.8 s), shorter than every provider's first retry.
)
BY_DEFAULT = Replication()


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one ingress process, without its sources; `kafka` holds librdkafka options, maybe with a password."""

    kafka: Mapping[str, str] = field(repr=False)
    raw_topic: str = RAW
    partitions: int = 4
    replication: Replication = BY_DEFAULT
    body_limit_bytes: int = BODY_LIMIT_BYTES
    bodies_limit_bytes: int = BODIES_LIMIT_BYTES
    max_concurrent: int = MAX_CONCURRENT
    max_connections: int = 2 * MAX_CONCURRENT
    trusted_proxies: Networks = NO_NETWORKS
    ack_timeout_s: float = ACK_TIMEOUT_S
    spool_bytes: int = 0  # 0: no spool
    spool_directory: Path | None = None


def ingress_settings(
    configuration: Configuration,
    environ: Mapping[str, str],
    spool_directory: Path | None = None,
    *,
    has_tls: bool = False,
) -> Settings:
    """Return the settings of a configuration; raise `ConfigurationError` if a secret for Kafka cannot be read.

    There is no spool without a directory for it, or if the configuration turns it off.
    """
    has_spool = spool_directory is not None and configuration.ingress.has_spool
    return Settings(
        kafka=kafka_options(configuration, environ),
        partitions=configuration.kafka.partitions,
        replication=configuration.kafka.replication,
        body_limit_bytes=configuration.ingress.body_limit_bytes,
        bodies_limit_bytes=configuration.ingress.bodies_at_once_bytes,
        max_concurrent=configuration.ingress.max_concurrent,
        max_connections=configuration.ingress.connections_at_once(has_tls=has_tls),
        trusted_proxies=Networks.of(configuration.ingress.trusted_proxies),
        ack_timeout_s=SPOOL_AFTER_S if has_spool else ACK_TIMEOUT_S,
        spool_bytes=configuration.ingress.spool_bytes if has_spool else 0,
        spool_directory=spool_directory if has_spool else None,
    )

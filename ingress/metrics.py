"""The ingress's metrics. Labels are bounded by the configuration: never an id, never a name that a stranger chose."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from ingress.answers import Answer
from ingress.sources import Source

ACK_BUCKETS_S = (
    0.001,
    0.002,
    0.003,
    0.005,
    0.01,
    0.02,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.0,
    3.5,
)  # the last is ACK_TIMEOUT_S


class Metrics:
    """All metrics of one ingress process, in a registry of their own.

    Children are looked up once per source: finding one by its labels costs more than counting.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.answers = Counter(  # adds up to all requests to /v1/
            "penstock_ingress_answers",
            "Requests to /v1/{source} by how they were answered.",
            ["source", "provider", "result", "reason"],
            registry=self.registry,
        )
        self.body_bytes = Counter(  # bytes
            "penstock_ingress_body_bytes", "Bytes of accepted bodies.", ["source", "provider"], registry=self.registry
        )
        self.acknowledgement_s = Histogram(  # seconds
            "penstock_ingress_acknowledgement_seconds",
            "Time from having read the whole body to having Kafka's acks=all.",
            ["source", "provider"],
            buckets=ACK_BUCKETS_S,
            registry=self.registry,
        )
        self.secret_uses = Counter(  # an old secret without uses can be retired
            "penstock_ingress_secret_uses",
            "Verified deliveries by the place, counted from 0, of the secret that signed them.",
            ["source", "secret"],
            registry=self.registry,
        )

    def watch(self, unreported: Callable[[], float], is_ready: Callable[[], bool]) -> None:
        """Show two facts that others know: records not yet reported on by Kafka, and readiness."""
        in_flight = Gauge("penstock_ingress_unreported", "Records handed to the producer.", registry=self.registry)
        in_flight.set_function(unreported)
        ready = Gauge("penstock_ingress_ready", "1 when /readyz says 200.", registry=self.registry)
        ready.set_function(is_ready)


class SourceMetrics:
    """The metrics of one source; of none (names that nobody configured) when `source` is None."""

    def __init__(self, metrics: Metrics, source: Source | None) -> None:
        self._answers = metrics.answers
        self._labels = ("", "") if source is None else (source.name, source.provider.name)
        self._accepted = metrics.answers.labels(*self._labels, "accepted", "")
        self._body_bytes = metrics.body_bytes.labels(*self._labels)
        self._acknowledgement_s = metrics.acknowledgement_s.labels(*self._labels)
        places = [] if source is None else [secret.place for secret in source.secrets]
        self._uses = [metrics.secret_uses.labels(self._labels[0], str(place)) for place in places]

    def count_accepted(self, body_bytes: int, waited_s: float) -> None:
        """Count one delivery that is on Kafka."""
        self._accepted.inc()
        self._body_bytes.inc(body_bytes)
        self._acknowledgement_s.observe(waited_s)

    def count(self, answer: Answer) -> None:
        """Count any other answer."""
        self._answers.labels(*self._labels, answer.result, answer.reason).inc()

    def count_secret(self, place: int) -> None:
        """Count one use of a secret."""
        self._uses[place].inc()

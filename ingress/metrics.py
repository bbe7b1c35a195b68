"""The ingress's metrics. Labels are bounded by the configuration: never an id, never a name that a stranger chose.

Counted in plain numbers on the event loop's one thread and turned into Prometheus' families when somebody asks:
`prometheus_client`'s own counters lock and dispatch: 2.8 us a delivery against 0.4 us (measured).
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from ingress.answers import ACCEPTED, Answer
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


class Tally:
    """What happened at one source; under names that nobody configured when `source` is None."""

    def __init__(self, source: Source | None) -> None:
        self.source = "" if source is None else source.name
        self.provider = "" if source is None else source.provider.name
        self.accepted = 0
        self.body_bytes = 0
        self.waited_s = 0.0
        self.waited = [0] * (len(ACK_BUCKETS_S) + 1)
        self.secret_uses = [0] * (0 if source is None else len(source.secrets))
        self.others: Counter[tuple[str, str]] = Counter()

    def accept(self, body_bytes: int, waited_s: float) -> None:
        """Count one delivery that is on Kafka."""
        self.accepted += 1
        self.body_bytes += body_bytes
        self.waited_s += waited_s
        self.waited[bisect_left(ACK_BUCKETS_S, waited_s)] += 1

    def spool(self, body_bytes: int) -> None:
        """Count one delivery that is in the spool: accepted, and in no histogram of Kafka's times."""
        self.accepted += 1
        self.body_bytes += body_bytes

    def count(self, answer: Answer) -> None:
        """Count any other answer."""
        self.others[answer.result, answer.reason] += 1

    def use_secret(self, place: int) -> None:
        """Count one delivery signed with the secret at that place of the configuration."""
        self.secret_uses[place] += 1


class Metrics(Collector):
    """All metrics of one ingress process, in a registry of their own."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self.tallies: Mapping[str, Tally] = {source.name: Tally(source) for source in sources}
        self.unknown = Tally(None)
        self.hung_up: Counter[str] = Counter()
        self.registry = CollectorRegistry()
        self._gauges: list[tuple[str, str, Callable[[], float]]] = []
        self._counters: list[tuple[str, str, Callable[[], float]]] = []
        self.registry.register(self)
        ProcessCollector(registry=self.registry)

    def watch(self, name: str, description: str, value: Callable[[], float]) -> None:
        """Show a fact that somebody else knows."""
        self._gauges.append((name, description, value))

    def watch_count(self, name: str, description: str, value: Callable[[], float]) -> None:
        """Show a number that only grows."""
        self._counters.append((name, description, value))

    def collect(self) -> Iterator[Metric]:
        """Return the present values, each declared with its type, unit and labels."""
        answers = CounterMetricFamily(  # adds up to all requests to /v1/
            "penstock_ingress_answers",
            "Requests to /v1/{source} by how they were answered.",
            labels=["source", "provider", "result", "reason"],
        )
        body_bytes = CounterMetricFamily(  # bytes
            "penstock_ingress_body_bytes", "Bytes of accepted bodies.", labels=["source", "provider"]
        )
        waited = HistogramMetricFamily(  # seconds
            "penstock_ingress_acknowledgement_seconds",
            "Time from handing a delivery to the producer to having Kafka's acks=all.",
            labels=["source", "provider"],
        )
        uses = CounterMetricFamily(  # an old secret without uses can be retired
            "penstock_ingress_secret_uses",
            "Verified deliveries by the place, counted from 0, of the secret that signed them.",
            labels=["source", "secret"],
        )
        for tally in [*self.tallies.values(), self.unknown]:
            labels = [tally.source, tally.provider]
            for (result, reason), count in tally.others.items():
                answers.add_metric([*labels, result, reason], count)
            for place, count in enumerate(tally.secret_uses):
                uses.add_metric([tally.source, str(place)], count)
            if tally is not self.unknown:
                answers.add_metric([*labels, ACCEPTED.result, ACCEPTED.reason], tally.accepted)
                body_bytes.add_metric(labels, tally.body_bytes)
                waited.add_metric(labels, _cumulative(tally.waited), tally.waited_s)
        hung_up = CounterMetricFamily(  # not among the answers: nobody knows what they were about
            "penstock_ingress_hung_up", "Connections ended before a request had its headers here.", labels=["reason"]
        )
        for reason, count in self.hung_up.items():
            hung_up.add_metric([reason], count)
        yield from (answers, body_bytes, waited, uses, hung_up)
        for name, description, value in self._gauges:
            yield GaugeMetricFamily(name, description, value())
        for name, description, value in self._counters:
            yield CounterMetricFamily(name, description, value())


def _cumulative(counts: list[int]) -> list[tuple[str, float]]:
    """Return Prometheus' buckets: how many took at most so long, the last for all."""
    bounds = [*map(str, ACK_BUCKETS_S), "+Inf"]
    return [(bound, float(sum(counts[: place + 1]))) for place, bound in enumerate(bounds)]

"""The ingress's metrics. The configuration bounds the labels: never an id, never a name that a stranger chose.

They are counted as plain numbers on the event loop's one thread, and converted to Prometheus' families on each scrape:
`prometheus_client`'s own counters lock and dispatch, at 2.8 us a delivery against 0.4 us (measured).
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from ingress.answers import ACCEPTED, Answer
from ingress.sources import Secret, Source

ReloadResult = Literal["applied", "unchanged", "refused"]

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
    """The counts of one source; `source` is None for names that are not configured."""

    def __init__(self, source: Source | None) -> None:
        self.source = "" if source is None else source.name
        self.provider = "" if source is None else source.provider.name
        self.configured = source
        self.accepted = 0
        self.body_bytes = 0
        self.waited_s = 0.0
        self.waited = [0] * (len(ACK_BUCKETS_S) + 1)
        self.unread_times = 0
        self.secret_uses: Counter[str] = Counter()
        self.expired_uses: Counter[str] = Counter()
        self.others: Counter[tuple[str, str]] = Counter()

    def accept(self, body_bytes: int, waited_s: float) -> None:
        """Count one delivery that is on Kafka."""
        self.accepted += 1
        self.body_bytes += body_bytes
        self.waited_s += waited_s
        self.waited[bisect_left(ACK_BUCKETS_S, waited_s)] += 1

    def spool(self, body_bytes: int) -> None:
        """Count one delivery that is in the spool: accepted, but not in the histogram of Kafka's times."""
        self.accepted += 1
        self.body_bytes += body_bytes

    def count(self, answer: Answer) -> None:
        """Count any other answer."""
        self.others[answer.result, answer.reason] += 1

    def use_secret(self, secret: Secret) -> None:
        """Count one delivery that this secret signed."""
        self.secret_uses[secret.ref] += 1

    def refuse_expired(self, secret: Secret) -> None:
        """Count one delivery that was refused because it was signed with this expired secret."""
        self.expired_uses[secret.ref] += 1


class Reloads:
    """The results of reloading the configuration."""

    def __init__(self) -> None:
        self.results: Counter[str] = Counter({"applied": 0, "unchanged": 0, "refused": 0})
        self.is_last_successful = True

    def count(self, result: ReloadResult) -> None:
        """Count one reload."""
        self.results[result] += 1
        self.is_last_successful = result != "refused"


class Metrics(Collector):
    """All metrics of one ingress process, in a separate registry."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self.tallies: Mapping[str, Tally] = {}
        self.unknown = Tally(None)
        self.aborted: Counter[str] = Counter()
        self.reloads = Reloads()
        self._known: dict[tuple[str, str], Tally] = {}
        self.follow(sources)
        self.registry = CollectorRegistry()
        self._gauges: list[tuple[str, str, Callable[[], float]]] = []
        self._counters: list[tuple[str, str, Callable[[], float]]] = []
        self.registry.register(self)
        ProcessCollector(registry=self.registry)

    def follow(self, sources: Iterable[Source]) -> None:
        """Export these sources from now on.

        A removed source is no longer exported, or alerts on silent sources would never end. Its numbers are kept, so that
        its counters never decrease if it returns, and in-flight deliveries are counted.
        """
        shown = {}
        for source in sources:
            tally = self._known.setdefault((source.name, source.provider.name), Tally(source))
            tally.configured = source
            shown[source.name] = tally
        self.tallies = shown

    def tally(self, source: str, provider: str) -> Tally:
        """Return the tally of a source that is or was configured."""
        return self._known[source, provider]

    def watch(self, name: str, description: str, value: Callable[[], float]) -> None:
        """Export a gauge whose value is read on each scrape."""
        self._gauges.append((name, description, value))

    def watch_count(self, name: str, description: str, value: Callable[[], float]) -> None:
        """Export a counter whose value is read on each scrape."""
        self._counters.append((name, description, value))

    def collect(self) -> Iterator[Metric]:
        """Return the current values, each with its type, unit and labels."""
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
        unread_times = CounterMetricFamily(  # the source's time_path is wrong, or the sender has changed its notation
            "penstock_ingress_unread_times",
            "Verified deliveries whose update time could not be read, so that something else orders them.",
            labels=["source", "provider"],
        )
        for tally in [*self.tallies.values(), self.unknown]:
            labels = [tally.source, tally.provider]
            for (result, reason), count in tally.others.items():
                answers.add_metric([*labels, result, reason], count)
            if tally is not self.unknown:
                answers.add_metric([*labels, ACCEPTED.result, ACCEPTED.reason], tally.accepted)
                body_bytes.add_metric(labels, tally.body_bytes)
                waited.add_metric(labels, _cumulative(tally.waited), tally.waited_s)
                unread_times.add_metric(labels, tally.unread_times)
        aborted = CounterMetricFamily(  # not among the answers: they never became requests
            "penstock_ingress_connections_aborted",
            "Connections ended before a request had its headers here.",
            labels=["reason"],
        )
        for reason, count in self.aborted.items():
            aborted.add_metric([reason], count)
        yield from (answers, body_bytes, waited, unread_times, aborted)
        yield from _secret_metrics(self.tallies.values())
        yield from _reload_metrics(self.reloads)
        for name, description, value in self._gauges:
            yield GaugeMetricFamily(name, description, value())
        for name, description, value in self._counters:
            yield CounterMetricFamily(name, description, value())


def _secret_metrics(tallies: Iterable[Tally]) -> Iterator[Metric]:
    labels = ["source", "secret", "ref"]  # the secret's index in the list, from 0, and its origin
    uses = CounterMetricFamily(  # an old secret that is not used can be retired
        "penstock_ingress_secret_uses", "Verified deliveries by the secret that signed them.", labels=labels
    )
    refused = CounterMetricFamily(  # a sender still signs with it
        "penstock_ingress_expired_secret_uses",
        "Deliveries refused because their secret's last day is over.",
        labels=labels,
    )
    expiry = GaugeMetricFamily(  # seconds since 1970
        "penstock_ingress_secret_expiry_timestamp_seconds", "When a secret with `until` is refused.", labels=labels
    )
    unverified = GaugeMetricFamily(
        "penstock_ingress_source_unverified", '1 for a source with verify = "none".', labels=["source", "provider"]
    )
    for tally in tallies:
        source = tally.configured
        if source is None:
            continue
        unverified.add_metric([source.name, tally.provider], 0 if source.is_verified else 1)
        for secret in source.secrets:
            values = [source.name, str(secret.index), secret.ref]
            uses.add_metric(values, tally.secret_uses[secret.ref])
            expires_at = secret.expires_at()
            if expires_at is not None:
                expiry.add_metric(values, expires_at.timestamp())
                refused.add_metric(values, tally.expired_uses[secret.ref])
    yield from (uses, refused, expiry, unverified)


def _reload_metrics(reloads: Reloads) -> Iterator[Metric]:
    read = CounterMetricFamily(
        "penstock_ingress_configuration_reloads", "Readings of penstock.toml by what became of them.", labels=["result"]
    )
    for result, count in reloads.results.items():
        read.add_metric([result], count)
    yield read
    yield GaugeMetricFamily(
        "penstock_ingress_configuration_last_reload_successful",
        "0 while penstock.toml cannot be used and the sources of an earlier reading are served.",
        int(reloads.is_last_successful),
    )


def _cumulative(counts: list[int]) -> list[tuple[str, float]]:
    """Return Prometheus' cumulative buckets, the last for all values."""
    bounds = [*map(str, ACK_BUCKETS_S), "+Inf"]
    return [(bound, float(sum(counts[: index + 1]))) for index, bound in enumerate(bounds)]

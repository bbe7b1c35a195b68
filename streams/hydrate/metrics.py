"""What one worker counts of its reads. Labels are providers and sources of the configuration, never tenants or resources."""

from collections import Counter as Numbers
from collections.abc import Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from schemas.fetches import FetchRequest
from streams.hydrate.policy import Again, Decision, Publish


class Shown(Protocol):
    """What is shown of an account."""

    stopped: str | None
    requests: int


class Metrics:
    """Counters and gauges of the hydration, in the registry of the worker's `/metrics`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._results = Counter(
            "penstock_fetch_results",
            "Reads that ended, by result: found, gone, failed (what waited is dead), again (tried once more).",
            ["source", "result"],
            registry=registry,
        )
        self._answered = Histogram(
            "penstock_fetch_seconds",
            "Time from the oldest delivery that waits for a read to the read's delivery.",
            ["source"],
            buckets=(0.5, 1, 2, 5, 10, 30, 60, 300, 1_800, 7_200, 86_400),
            registry=registry,
        )
        self._waiting = Gauge(
            "penstock_fetch_waiting", "Resources that wait for a read in this worker.", registry=registry
        )
        self._stopped = Gauge(
            "penstock_fetch_stopped_accounts",
            "Accounts whose credentials are refused, so that nothing of them is read.",
            ["source"],
            registry=registry,
        )
        self._requests = Counter(
            "penstock_fetch_requests", "Requests made to providers' APIs.", ["source"], registry=registry
        )
        self._counted: dict[str, int] = {}

    def ended(self, request: FetchRequest, decision: Decision) -> None:
        """Count what a read brought."""
        match decision:
            case Publish(result):
                self._results.labels(request.source, result.status).inc()
                self._answered.labels(request.source).observe((result.read_at_us - request.since_us) / 1e6)
            case Again():
                self._results.labels(request.source, "again").inc()

    def show(self, accounts: Mapping[str, Shown], waiting: int) -> None:
        """Show what waits, how many requests were made, and which accounts are stopped."""
        self._waiting.set(waiting)
        stopped = Numbers[str]()
        for key, account in accounts.items():
            source = key.split("|")[1]
            stopped[source] += account.stopped is not None
            new = account.requests - self._counted.get(key, 0)
            if new > 0:
                self._requests.labels(source).inc(new)
            self._counted[key] = account.requests
        for source, number in stopped.items():
            self._stopped.labels(source).set(number)

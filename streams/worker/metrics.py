"""The worker's metrics. Labels are names of the configuration and of the column tables, so there is a finite number of them."""

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, ProcessCollector, generate_latest

from broker.operations import Page
from schemas.records import RawDelivery
from streams.steps.drift import Drift


class Metrics:
    """What one worker counts."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        """Where the hydration adds what it counts."""
        ProcessCollector(registry=registry)
        self._drift = Counter(
            "penstock_schema_drift",
            "Fields seen for the first time that are new, retyped or vanished, by partition.",
            ["source", "resource", "kind"],
            registry=registry,
        )

    def drifted(self, delivery: RawDelivery, drift: Drift) -> None:
        """Count a field that a delivery showed to have left its column."""
        self._drift.labels(delivery.source, drift.resource_type, drift.kind).inc()

    def page(self) -> Page:
        """Return /metrics in Prometheus's text format."""
        return Page(generate_latest(self.registry), CONTENT_TYPE_LATEST)

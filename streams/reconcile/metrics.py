"""What one worker counts of its reconciliations. Labels are sources of the configuration, never tenants or resources."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from schemas.reconciliation import Report


class Metrics:
    """Counters and gauges of reconciliation and backfill, in the registry of the worker's `/metrics`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._pages = Counter(
            "penstock_reconcile_pages",
            "Pages of providers' lists that were gone through.",
            ["source"],
            registry=registry,
        )
        self._looked_at = Counter(
            "penstock_reconcile_looked_at", "Resources that these pages had.", ["source"], registry=registry
        )
        self._missed = Counter(
            "penstock_reconcile_missed",
            "Changes that no webhook told of, by what became of them: repaired, deleted, unread. Alert on any.",
            ["source", "result"],
            registry=registry,
        )
        self._asked = Gauge(
            "penstock_reconcile_asked",
            "Resources that the provider's list lacks, so many in the last run that a person has to decide.",
            ["source", "listing"],
            registry=registry,
        )
        self._ended = Counter(
            "penstock_reconcile_runs",
            "Lists that were gone through, by how that ended: complete, failed, refused, dry.",
            ["source", "status"],
            registry=registry,
        )
        self._completed = Gauge(
            "penstock_reconcile_completed_seconds",
            "When a list of the source was last complete, in seconds since 1970. Alert if it is older than two days.",
            ["source"],
            registry=registry,
        )

    def paged(self, source: str, looked_at: int) -> None:
        """Count a page."""
        self._pages.labels(source).inc()
        self._looked_at.labels(source).inc(looked_at)

    def ended(self, report: Report) -> None:
        """Count what a run found in a list."""
        self._ended.labels(report.source, report.status).inc()
        if report.kind != "reconcile":
            return
        for result, number in (
            ("repaired", report.repaired),
            ("deleted", report.deleted),
            ("unread", report.unread),
        ):
            self._missed.labels(report.source, result).inc(0 if report.is_first else number)
        self._asked.labels(report.source, report.listing).set(report.asked)
        if report.status == "complete":
            self._completed.labels(report.source).set(report.ended_us / 1e6)

"""The loader's metrics. Labels are tables, of which the column tables and the configuration allow a finite number."""

from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from sinks.warehouse.rows.batch import Batch

BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """What one loader counts."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.bad = Counter("penstock_loader_bad_records", "Records that make no row.", ["reason"], registry=registry)
        self.retries = Counter(
            "penstock_loader_retries", "Attempts to write a batch that failed and were repeated.", registry=registry
        )
        self._rows = Counter("penstock_loader_rows", "Changes and outcomes written.", registry=registry)
        self._batches = Counter("penstock_loader_batches", "Batches committed.", registry=registry)
        self._commit = Histogram(
            "penstock_loader_commit_seconds", "Time to write and commit a batch.", buckets=BUCKETS_S, registry=registry
        )
        self._freshness = Gauge(
            "penstock_loader_freshness_seconds",
            "From the emission of the oldest change of a table's last batch to its commit.",
            ["table"],
            registry=registry,
        )
        self.lag = Gauge(
            "penstock_loader_lag_records", "Records on Kafka that are not in the warehouse.", registry=registry
        )

    def committed(self, batch: Batch, took_s: float, now: datetime) -> None:
        """Count a batch that was committed."""
        self._rows.inc(batch.row_count)
        self._batches.inc()
        self._commit.observe(took_s)
        for bad in batch.bad:
            self.bad.labels(bad.reason).inc()
        for table in batch.tables:
            if table.is_of_states:  # emitted long ago: how fresh the table is, its changes tell
                continue
            column = [one.name for one in table.all_columns].index("_emitted_at")
            oldest = min(row[column] for row in table.rows)
            name = f"{table.name.schema}.{table.name.table}"
            self._freshness.labels(name).set((now - oldest).total_seconds())

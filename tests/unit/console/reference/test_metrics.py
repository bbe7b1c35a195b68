"""The metrics on the page are those that the code declares, each with its labels."""

import pytest

from console.reference.metrics import MetricDeclaration, declared_metrics, metrics_in
from tests.unit.test_frozen_names import frozen

HELP = "How many."


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            'CounterMetricFamily("penstock_x", "How many.", labels=["source", "reason"])',
            MetricDeclaration("ingress", "penstock_x", "counter", ("source", "reason"), HELP),
        ),
        (
            'def collect():\n    labels = ["source"]\n    yield GaugeMetricFamily("penstock_x", "How many.", labels=labels)',
            MetricDeclaration("ingress", "penstock_x", "gauge", ("source",), HELP),
        ),
        (
            'Histogram("penstock_x", "How many.", ["table"], buckets=[1.0])',
            MetricDeclaration("ingress", "penstock_x", "histogram", ("table",), HELP),
        ),
        (
            'metrics.watch("penstock_x", "How many.", lambda: 1)',
            MetricDeclaration("ingress", "penstock_x", "gauge", (), HELP),
        ),
    ],
)
def test_declaration_is_found_with_its_labels(source: str, expected: MetricDeclaration) -> None:
    """In each notation of the code, labels in a variable included."""
    assert set(metrics_in(source, "ingress")) == {expected}


@pytest.mark.parametrize("source", ["Counter(names)", "self.watch(producer)", 'Counter({"applied": 0})'])
def test_other_calls_declare_nothing(source: str) -> None:
    """A `collections.Counter` is no metric."""
    assert list(metrics_in(source, "ingress")) == []


def test_every_frozen_metric_is_declared_once() -> None:
    """The page has every metric that users alert on; each has a meaning."""
    found = declared_metrics()

    assert sorted(metric.name for metric in found) == frozen()["metrics"]
    assert all(metric.help for metric in found)


def test_counter_is_shown_as_it_is_queried() -> None:
    """Prometheus sees `_total` behind the declared name of a counter."""
    exposed = {metric.exposed for metric in declared_metrics()}

    assert {"penstock_ingress_answers_total", "penstock_ingress_ready"} <= exposed

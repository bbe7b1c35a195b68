"""The metrics that the code declares: found in its source, because most have labels that only traffic fills."""

import ast
from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final, Literal

from msgspec import Struct

PACKAGES: Final = ("broker", "ingress", "local", "sinks", "streams", "subscriptions")
TYPES: Final[Mapping[str, Literal["counter", "gauge", "histogram"]]] = {
    "Counter": "counter",
    "CounterMetricFamily": "counter",
    "watch_count": "counter",
    "Gauge": "gauge",
    "GaugeMetricFamily": "gauge",
    "watch": "gauge",
    "Histogram": "histogram",
    "HistogramMetricFamily": "histogram",
}
"""What a call of this name declares."""


class MetricDeclaration(Struct, frozen=True, order=True):
    """One metric as declared; `exposed` is the name that Prometheus sees."""

    process: str
    name: str
    type: str
    labels: tuple[str, ...]
    help: str

    @property
    def exposed(self) -> str:
        """Return the name in queries: counters end in `_total`."""
        return f"{self.name}_total" if self.type == "counter" else self.name


def metrics_section() -> Iterator[str]:
    """Yield the lines of the section about metrics."""
    yield "| process | metric | type | labels | meaning |"
    yield "|---|---|---|---|---|"
    for metric in declared_metrics():
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        yield f"| {metric.process} | `{metric.exposed}` | {metric.type} | {labels} | {metric.help} |"


def declared_metrics() -> list[MetricDeclaration]:
    """Return every metric of Penstock's processes, sorted."""
    return sorted({metric for package in PACKAGES for metric in _of_package(package)})


def metrics_in(source: str, process: str) -> Iterator[MetricDeclaration]:
    """Yield the metrics that a module declares."""
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    scopes: list[ast.Module | ast.FunctionDef] = [tree, *functions]
    for scope in scopes:
        lists = {
            node.targets[0].id: node.value
            for node in scope.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for call in (node for node in ast.walk(scope) if isinstance(node, ast.Call)):
            metric = _declaration(call, lists, process)
            if metric is not None and (metric.labels or not _has_labels(call)):
                yield metric


def _of_package(package: str) -> Iterator[MetricDeclaration]:
    for file in _modules(resources.files(package)):
        yield from metrics_in(file.read_text(encoding="utf-8"), package)


def _modules(folder: Traversable) -> Iterator[Traversable]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _modules(entry)
        elif entry.name.endswith(".py"):
            yield entry


def _declaration(call: ast.Call, lists: Mapping[str, ast.expr], process: str) -> MetricDeclaration | None:
    """Return the metric that a call declares, None for any other call."""
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    texts = [_text(argument) for argument in call.args[:2]]
    if called not in TYPES or len(texts) < len(("name", "help")) or None in texts:
        return None
    name, description = (str(text) for text in texts)
    return MetricDeclaration(process, name, TYPES[called], _labels(call, lists), description)


def _has_labels(call: ast.Call) -> bool:
    return _labels_of(call) is not None


def _labels(call: ast.Call, lists: Mapping[str, ast.expr]) -> tuple[str, ...]:
    given = _labels_of(call)
    if isinstance(given, ast.Name):
        given = lists.get(given.id)
    elements = given.elts if isinstance(given, ast.List | ast.Tuple) else []
    return tuple(text for element in elements if (text := _text(element)) is not None)


def _labels_of(call: ast.Call) -> ast.expr | None:
    """Return the argument with the labels: `labels` or `labelnames`, or the third one if it is a list."""
    named = (keyword.value for keyword in call.keywords if keyword.arg in {"labels", "labelnames"})
    third = call.args[2] if len(call.args) > len(("name", "help")) else None
    return next(named, third if isinstance(third, ast.List | ast.Tuple) else None)


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None

"""The names that users alert on or read are frozen: log events, metrics, headers of records.

To rename one, say so in CHANGELOG.md and edit tests/fixtures/frozen_names.json.
"""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FROZEN = ROOT / "tests" / "fixtures" / "frozen_names.json"
PACKAGES = (
    "broker",
    "config",
    "ingress",
    "local",
    "providers",
    "schemas",
    "simulator",
    "sinks",
    "streams",
    "subscriptions",
)
LEVELS = frozenset({"debug", "info", "warning", "error", "critical"})
NAME = re.compile(r"penstock_[a-z_]+[a-z]")
METRIC = re.compile(r"penstock_(fetch|ingress|loader|schema|spool|worker)_.+")


def test_log_events_are_frozen() -> None:
    """An event that appears, disappears or is renamed fails here before an alert stops working."""
    assert sorted(log_events()) == frozen()["log_events"]


def test_metrics_are_frozen() -> None:
    """The same for the names of metrics, as they are declared; Prometheus adds `_total` and the like."""
    assert sorted(metrics()) == frozen()["metrics"]


def test_headers_are_frozen() -> None:
    """The headers of records on `webhooks.raw`, of the sender's own posts, and the metadata of Stripe's endpoints."""
    assert sorted(names() - metrics()) == frozen()["headers"]


def test_the_search_finds_what_is_there() -> None:
    """One event and one metric of each notation in the code are among those found."""
    assert {"worker_ends", "not_connected", "connection_aborted", "kafka_silent"} <= log_events()
    assert {"penstock_ingress_connections_aborted", "penstock_spool_bytes"} <= metrics()


def frozen() -> dict[str, list[str]]:
    """Return the committed lists."""
    found: dict[str, list[str]] = json.loads(FROZEN.read_text(encoding="utf-8"))
    return found


def log_events() -> set[str]:
    """Return the first argument of every call that writes a log line, where it is a literal, and every `Kind`'s event."""
    return {name for tree in trees() for call in calls(tree) if (name := event_of(call)) is not None}


def metrics() -> set[str]:
    """Return every text in the code that is the name of a metric."""
    return {name for name in names() if METRIC.fullmatch(name)}


def names() -> set[str]:
    """Return every text in the code with a prefix of metrics or headers."""
    literals = (node.value for tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {text for text in literals if isinstance(text, str) and NAME.fullmatch(text)}


def event_of(call: ast.Call) -> str | None:
    """Return the event that a call names, None for a call that writes no log line."""
    function, arguments = call.func, call.args
    if isinstance(function, ast.Name) and function.id == "partial" and len(arguments) > 1:
        function, arguments = arguments[0], arguments[1:]
    is_log = isinstance(function, ast.Attribute) and function.attr in LEVELS and "log" in ast.unparse(function.value)
    is_kind = isinstance(function, ast.Name) and function.id == "Kind"
    first = arguments[0] if arguments else None
    is_named = isinstance(first, ast.Constant) and isinstance(first.value, str)
    return first.value if (is_log or is_kind) and is_named else None  # type: ignore[union-attr]  # is_named


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Yield every call of a file."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


@cache
def trees() -> tuple[ast.Module, ...]:
    """Return every file of the packages that log or count."""
    files = (file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py")))
    return tuple(ast.parse(file.read_text(encoding="utf-8")) for file in files)

"""The results as tables for people and as JSON for everything else."""

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from local.pins import KAFKA, REGISTRY

RESULTS = Path(__file__).parent / "results"
Row = list[object]


def write(name: str, figures: dict[str, Any], command: str) -> Path:
    """Write the figures of a benchmark, with the machine and the command that made them, and return the file."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    document = {
        "benchmark": name,
        "command": command,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(),
        "figures": figures,
    }
    path.write_text(json.dumps(document, indent=2) + "\n")
    return path


def show(name: str, figures: dict[str, Any], is_markdown: bool) -> None:
    """Print a benchmark's tables, for the screen or for docs/performance.md."""
    console = Console(width=120)
    for table in {"ingress": _ingress, "pipeline": _pipeline, "latency": _latency}[name](figures):
        table.box = MARKDOWN if is_markdown else table.box
        console.print(table)


def _machine() -> dict[str, object]:
    import psutil

    return {
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load_before": [round(load, 1) for load in os.getloadavg()],
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "kafka": KAFKA.title,
        "registry": REGISTRY.title,
        "confluent-kafka": version("confluent-kafka"),
    }


def _ingress(figures: dict[str, Any]) -> list[Table]:
    rows = [
        [name, _spread(row["per_s"]), row["p50_ms"], row["p99_ms"], row["cpu_us_per_post"], row["generator_cpu_share"]]
        for name, row in figures["closed_loop"].items()
    ]
    title = f"Posts/s, {figures['body_bytes']} bytes, closed loop; ratio {figures['of_bare_server']}"
    closed = _table(title, ["", "median (min to max)", "p50 ms", "p99 ms", "CPU us", "generator CPU"], rows)
    names = ["rate", "posts", "p50_ms", "p99_ms", "p99_9_ms", "max_ms", "sent_late_p99_ms"]
    opened = [[row[name] for name in names] for row in figures["open_loop"]]
    title = f"Open loop, from the first post; answers {figures['answers']}, records {figures['records_on_raw']}"
    return [closed, _table(title, names, opened)]


def _pipeline(figures: dict[str, Any]) -> list[Table]:
    rows = [
        [
            name,
            _spread(row["per_s"]),
            row["of_bare_loop"],
            row["cpu_us_per_delivery"],
            row["memory_mb"],
        ]
        for name, row in figures["contestants"].items()
    ]
    equal = "equal" if figures["are_all_decisions_equal"] else "DIFFERENT"
    title = f"Deliveries/s, {figures['deliveries']} of {figures['body_bytes']} bytes; all decisions {equal}"
    return [_table(title, ["", "median (min to max)", "of bare", "CPU us", "RSS MB"], rows)]


def _latency(figures: dict[str, Any]) -> list[Table]:
    steps = ["due_to_answered", "answered_to_readable", "due_to_readable"]
    rows = [
        [row["rate"], f"{row['changes_read']}/{row['posts']}", step.replace("_", " "), *row[step].values()]
        for row in figures["rates"]
        for step in steps
    ]
    return [_table("Latency, ms", ["posts/s", "changes", "", "p50", "p99", "p99.9"], rows)]


def _spread(figure: dict[str, int]) -> str:
    return f"{figure['median']:,} ({figure['min']:,} to {figure['max']:,})"


def _table(title: str, names: list[str], rows: list[Row]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in names:
        table.add_column(name)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    return table

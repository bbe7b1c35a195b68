"""The results: JSON as the main format, CSV for curves, tables and plots for people."""

import csv
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import confluent_kafka
from rich.console import Console

from bench.tables import tables
from local.pins import KAFKA, REGISTRY
from simulator.load_figures import Series

RESULTS = Path(__file__).parent / "results"
PLOTS = Path(__file__).parent / "plots.py"
PLOTS_PYTHON = Path(__file__).parents[1] / ".venv-bench" / "bin" / "python"
PLOTTED = ("ingress", "sustained", "burst", "endurance", "scaling")
PARTS = ("uvicorn", "uvloop", "httptools", "starlette", "faust-streaming", "fastavro", "msgspec")


def write(name: str, figures: dict[str, Any], made: dict[str, object]) -> Path:
    """Write the figures of a benchmark and how they were `made`, and return the JSON file.

    The `series` become CSV files beside it; the plots use both.
    """
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    series: dict[str, Series] = figures.pop("series", {})
    document = {**made, "figures": figures}
    path.write_text(json.dumps(document, indent=2) + "\n")
    for series_name, rows in series.items():
        with (RESULTS / f"{name}-{series_name}.csv").open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
    return path


def draw(path: Path, benchmark: str) -> None:
    """Draw the plots of a results file as PNG beside it; print a message if the plotting environment is missing."""
    if benchmark not in PLOTTED:
        return
    if not PLOTS_PYTHON.exists():
        print("no plots: run `make bench`, which makes the environment for them", file=sys.stderr)
        return
    drawn = subprocess.run([str(PLOTS_PYTHON), str(PLOTS), str(path)], capture_output=True, text=True, check=False)
    if drawn.returncode:
        reason = drawn.stderr.strip().rpartition("\n")[2]
        print(f"no plots: {reason}; run `make bench`, which brings .venv-bench up to date", file=sys.stderr)


def show(benchmark: str, figures: dict[str, Any], is_markdown: bool) -> None:
    """Print a benchmark's tables, for the screen or for docs/performance.md."""
    console = Console(width=250 if is_markdown else 150)  # a row of Markdown must stay on one line
    for table in tables(benchmark, figures, is_markdown):
        console.print(f"\n{table.title}\n", soft_wrap=True, highlight=False)
        table.title = None
        console.print(table)


def made(benchmark: str, command: str) -> dict[str, object]:
    """Return how this benchmark is made: the command, the time, the machine."""
    date = datetime.now(UTC).isoformat(timespec="seconds")
    return {"benchmark": benchmark, "command": command, "date": date, "machine": _machine()}


def _machine() -> dict[str, object]:
    """Return the properties that the figures depend on, without anything that identifies the machine."""
    import psutil

    return {
        "cores": os.cpu_count(),
        "cpu": _cpu_model(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load_before": [round(load, 1) for load in os.getloadavg()],
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "kafka": KAFKA.title,
        "registry": REGISTRY.title,
        "confluent-kafka": version("confluent-kafka"),
        "librdkafka": confluent_kafka.libversion()[0],
        **{part: version(part) for part in PARTS},
    }


def _cpu_model() -> str:
    """Return the processor's name, if the system reports it."""
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text().splitlines() if listed.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"

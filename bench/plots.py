"""Draws a benchmark's plots as PNG beside its results: `python bench/plots.py bench/results/sustained.json`.

Runs in `.venv-bench`, with only matplotlib and the standard library. The same results give the same bytes: no dates,
no paths, no random identifiers.
"""

import csv
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#666666"  # Okabe and Ito: told apart by every eye
YELLOW = "#f0c75e"
COLOURS = (BLUE, ORANGE, GREEN)
TARGET_MS, TARGET_RATE = 10.0, "1,000/s"
STYLE = {
    "font.size": 10,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 120,
}
NO_METADATA = {"Software": None}
Rows = list[dict[str, Any]]


def main(path: Path) -> None:
    """Draw the plots of a results file."""
    document = json.loads(path.read_text())
    with mpl.rc_context(STYLE):
        for name, figure in _PLOTS[document["benchmark"]](path, document["figures"]).items():
            figure.savefig(path.with_name(f"{path.stem}{name}.png"), metadata=NO_METADATA)
            plt.close(figure)


def _ingress(path: Path, figures: dict[str, Any]) -> dict[str, Figure]:
    """Plot the latency percentiles, each nine as wide as the one before it."""
    figure, axes = plt.subplots(figsize=(8, 4.5))
    rows = _rows(path, "percentiles")
    for rate, colour in zip(sorted({row["rate_per_s"] for row in rows}), COLOURS, strict=False):
        points = [row for row in rows if row["rate_per_s"] == rate]
        nines = [1 / (1 - row["percentile"] / 100) for row in points]
        axes.plot(
            nines, [row["latency_ms"] for row in points], color=colour, label=f"{rate:,.0f} posts/s", linewidth=1.8
        )
    axes.axhline(TARGET_MS, color=GREY, linestyle="--", linewidth=1)
    axes.annotate(f"target for p99 at {TARGET_RATE}", (1, TARGET_MS), (4, 4), textcoords="offset points", color=GREY)
    axes.set(xscale="log", yscale="log", xlabel="percentile of posts", ylabel="latency from when the post was due, ms")
    axes.set_title(f"Ingress: POST to 200 at constant rates, {figures['body_bytes']:,}-byte product, acks=all")
    ticks = {1: "0", 2: "50", 10: "90", 100: "99", 1_000: "99.9", 10_000: "99.99", 100_000: "99.999"}
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.xaxis.set_minor_locator(NullLocator())
    _plain(axes)
    axes.set_xlim(1, max(1 / (1 - row["percentile"] / 100) for row in rows) * 1.1)
    figure.legend(loc="outside lower center", ncols=len(COLOURS))
    return {"": figure}


def _sustained(_path: Path, figures: dict[str, Any]) -> dict[str, Figure]:
    """Plot the 99th percentile of every run of the search."""
    bound_ms = figures["held_means"]["p99_ms_at_most"]
    figure, axes = plt.subplots(figsize=(8, 4.5))
    for is_held, colour, marker, label in ((True, BLUE, "o", "held"), (False, ORANGE, "x", "not held")):
        runs = [run for run in figures["runs"] if run["is_held"] is is_held and run["p99_ms"] is not None]
        sizes = [90 if run["duration_s"] == figures["held_for_s"] else 40 for run in runs]
        points = [run["rate"] for run in runs], [run["p99_ms"] for run in runs]
        axes.scatter(*points, s=sizes, color=colour, marker=marker, label=label, zorder=3)
    axes.axhline(bound_ms, color=GREY, linestyle="--", linewidth=1)
    axes.annotate(
        f"bound: p99 {bound_ms:.0f} ms", (0, bound_ms), (4, 4), textcoords="offset points", color=GREY,
        xycoords=("axes fraction", "data"),
    )  # fmt: skip
    axes.set(yscale="log", xlabel="posts due each second", ylabel="p99 latency from when the post was due, ms")
    held = f"{figures['held_per_s']:,} posts/s held for {figures['held_for_s']:.0f} s"
    axes.set_title(f"Ingress: {held} (large mark); the short runs of the search")
    _plain(axes)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:,.0f}"))
    axes.set_xlim(left=0)
    figure.legend(loc="outside lower center", ncols=2)
    return {"": figure}


def _burst(path: Path, figures: dict[str, Any]) -> dict[str, Figure]:
    """Plot rate and latency through the burst."""
    begin_s, end_s = figures["burst_s"]
    rows = _rows(path, "seconds")
    figure, (rate, latency) = plt.subplots(2, sharex=True, figsize=(8, 5))
    for axes in (rate, latency):
        _shade(axes, begin_s, end_s, "burst")
    _rates(rate, rows)
    _latencies(latency, rows)
    steady, high, _ = figures["rates_per_s"]
    _title(figure, f"Ingress: {steady:,} posts/s, {high:,} posts/s for {end_s - begin_s:.0f} s, {steady:,} posts/s")
    latency.set_xlabel("seconds since the first post")
    return {"": figure}


def _endurance(path: Path, figures: dict[str, Any]) -> dict[str, Figure]:
    """Plot rate, latency and memory for each kind of outage."""
    return {f"-{name}": _one_endurance(path, name, run) for name, run in figures["runs"].items()}


def _one_endurance(path: Path, name: str, run: dict[str, Any]) -> Figure:
    rows = _rows(path, name)
    figure, panels = plt.subplots(3, sharex=True, figsize=(8, 7))
    rate, latency, memory = panels
    begin_s, end_s = run["kafka_away"]
    for axes in panels:
        _shade(axes, begin_s, end_s, f"Kafka {name}")
    _rates(rate, rows)
    _latencies(latency, rows)
    known = [row for row in rows if row["rss_mb"] is not None]
    memory.plot(
        [row["second"] for row in known], [row["rss_mb"] for row in known], color=GREEN, linewidth=1.5, label="RSS"
    )
    memory.set_ylabel("RSS, MB")
    memory.set_ylim(bottom=0)
    _legend(memory)
    missing, accepted = run["raw_topic"]["missing"], run["raw_topic"]["answered_200"]
    _title(figure, f"Ingress, Kafka {name}: {accepted:,} posts answered 200, {missing:,} of them missing on the topic")
    memory.set_xlabel("seconds since the first post")
    return figure


def _scaling(_path: Path, figures: dict[str, Any]) -> dict[str, Figure]:
    """Plot the rate by workers, one line per number of partitions, beside the rate of as many cores as workers."""
    rows = figures["runs"]
    counts = sorted({row["workers"] for row in rows})
    figure, axes = plt.subplots(figsize=(8, 4.5))
    ideal = [rows[0]["per_s"] * count for count in counts]
    axes.plot(counts, ideal, color=GREY, linestyle="--", linewidth=1, label="as many times one worker")
    looks = zip(COLOURS, ("D", "s", "o"), (9, 7, 5), strict=True)  # different enough to be visible where they coincide
    for partitions, (colour, marker, size) in zip(sorted({row["partitions"] for row in rows}), looks, strict=False):
        runs = [row for row in rows if row["partitions"] == partitions]
        points = [row["workers"] for row in runs], [row["per_s"] for row in runs]
        name = "1 partition" if partitions == 1 else f"{partitions} partitions"
        axes.plot(*points, color=colour, marker=marker, markersize=size, linewidth=1.8, label=name, zorder=3)
    axes.axvline(figures["cores"], color=YELLOW, linewidth=3, label=f"the machine's {figures['cores']} cores", zorder=1)
    axes.set(xlabel="worker processes", ylabel="deliveries/s, all workers together", xticks=counts)
    axes.set_title(f"Worker: full job, {figures['body_bytes']:,}-byte product, beside Kafka on the same cores")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:,.0f}"))
    axes.set_ylim(bottom=0)
    figure.legend(loc="outside lower center", ncols=3)
    return {"": figure}


def _rates(axes: Axes, rows: Rows) -> None:
    # The last second is partial: the run ends in it.
    axes.step(_seconds(rows), [row["due"] for row in rows], where="post", color=GREY, linewidth=1, label="due")
    answered = [row["answered"] for row in rows]
    axes.step(_seconds(rows), answered, where="post", color=BLUE, linewidth=1.5, label="answered")
    axes.set_ylabel("posts/s")
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda posts, _: f"{posts:,.0f}"))
    _legend(axes)


def _latencies(axes: Axes, rows: Rows) -> None:
    known = [row for row in rows if row["p99_ms"] is not None]
    axes.plot(_seconds(known), [row["p99_ms"] for row in known], color=ORANGE, linewidth=1.5, label="p99")
    axes.plot(_seconds(known), [row["p50_ms"] for row in known], color=BLUE, linewidth=1.5, label="p50")
    axes.set(yscale="log", ylabel="latency, ms")
    _plain(axes)
    _legend(axes)


def _shade(axes: Axes, begin_s: float, end_s: float, label: str) -> None:
    axes.axvspan(begin_s, end_s, color=YELLOW, alpha=0.35, linewidth=0, label=label)


def _legend(axes: Axes) -> None:
    """Put the legend above the panel, where it hides nothing."""
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, borderaxespad=0.1)


def _title(figure: Figure, text: str) -> None:
    figure.suptitle(text, x=0.01, horizontalalignment="left", fontsize=11)


def _plain(axes: Axes) -> None:
    """Label a logarithmic axis of milliseconds with 10 and 1,000, not powers of ten."""
    axes.yaxis.set_major_formatter(FuncFormatter(lambda ms, _: f"{ms:,g}"))
    axes.yaxis.set_minor_formatter(FuncFormatter(lambda _ms, _: ""))


def _seconds(rows: Rows) -> Sequence[float]:
    return [row["second"] or 0.0 for row in rows]


def _rows(path: Path, series: str) -> Rows:
    with path.with_name(f"{path.stem}-{series}.csv").open(newline="") as file:
        return [{name: float(cell) if cell else None for name, cell in row.items()} for row in csv.DictReader(file)]


_PLOTS: dict[str, Callable[[Path, dict[str, Any]], dict[str, Figure]]] = {
    "ingress": _ingress,
    "sustained": _sustained,
    "burst": _burst,
    "endurance": _endurance,
    "scaling": _scaling,
}

if __name__ == "__main__":
    main(Path(sys.argv[1]))

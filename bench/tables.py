"""The results as tables, for the screen and for docs/performance.md. Pure."""

from collections.abc import Callable
from typing import Any

from rich.box import MARKDOWN
from rich.table import Table

Row = list[object]
Figures = dict[str, Any]

LATENCY = ["p50 ms", "p99 ms", "p99.9 ms"]
GENERATOR = ["generator late p99 ms", "its CPU", "machine's CPU", "generator"]


def tables(benchmark: str, figures: Figures, is_markdown: bool) -> list[Table]:
    """Return the tables of a benchmark."""
    made = _TABLES[benchmark](figures)
    for table in made:
        table.box = MARKDOWN if is_markdown else table.box
    return made


def _ingress(figures: Figures) -> list[Table]:
    rows = [
        [name, _spread(row["per_s"]), *_take(row, ["p50_ms", "p99_ms", "cpu_us_per_post", "generator_cpu_share"])]
        for name, row in figures["closed_loop"].items()
    ]
    title = f"Posts/s, {figures['body_bytes']} bytes, closed loop; {figures['of_bare_server']} of the bare server"
    if figures["two_processes_of_one"]:
        title += f"; two processes {figures['two_processes_of_one']} of one"
    closed = _table(title, ["", "median (min to max)", "p50 ms", "p99 ms", "CPU us", "generator's CPU"], rows)
    opened = [
        [f"{row['rate']:,}", *_latencies(row), row["max_ms"], row["first_second_p99_ms"], *_generator(row)]
        for row in figures["open_loop"]
    ]
    title = f"Open loop, from the first post; {_raw(figures['raw_topic'])}"
    return [closed, _table(title, ["posts/s", *LATENCY, "max ms", "p99 ms, first second", *GENERATOR], opened)]


def _sustained(figures: Figures) -> list[Table]:
    title = f"Held for {figures['held_for_s']:.0f} s: {figures['held_per_s']:,}/s; {_raw(figures['raw_topic'])}"
    rows = [
        [f"{row['rate']:,}", f"{row['duration_s']:.0f}", _verdict(row), *_latencies(row), *_generator(row)]
        for row in figures["runs"]
    ]
    return [_table(title, ["posts/s", "s", "", *LATENCY, *GENERATOR], rows)]


def _burst(figures: Figures) -> list[Table]:
    steady, high, _ = figures["rates_per_s"]
    back_s = figures["back_after_s"]
    back = "never" if back_s is None else f"{back_s} s after the burst"
    title = f"{steady:,}/s, {high:,}/s, {steady:,}/s; p99 at most {figures['back_to_ms']} ms again: {back}; "
    rows = [[name, *span.values()] for name, span in figures["spans"].items()]
    return [_table(title + _raw(figures["raw_topic"]), ["", *LATENCY], rows), _generator_table([("burst", figures)])]


def _endurance(figures: Figures) -> list[Table]:
    spans: list[Row] = []
    memory: list[Row] = []
    for name, run in figures["runs"].items():
        spans.extend([name, span, *latencies.values()] for span, latencies in run["spans"].items())
        answers = ", ".join(f"{count:,} of {status}" for status, count in run["answers"].items())
        counts = _take(run["raw_topic"], ["missing", "twice", "through_spool"])
        memory.append([name, answers, *counts, *run["rss_mb"].values()])
    title = f"{figures['rate']:,}/s for {figures['duration_s']:.0f} s, Kafka away for {figures['kafka_away_s']:.0f} s"
    named = ["Kafka", "answers", "missing", "twice", "through the spool"]
    megabytes = ["RSS MB, first", "before", "largest while away", "largest", "last"]
    return [
        _table(title, ["Kafka", "", *LATENCY], spans),
        _table("Answers, ids on the topic, memory", [*named, *megabytes], memory),
        _generator_table(list(figures["runs"].items())),
    ]


def _pipeline(figures: Figures) -> list[Table]:
    decisions = "equal" if figures["are_all_decisions_equal"] else "DIFFERENT"
    changes = "equal" if figures["are_all_changes_equal"] else "DIFFERENT"
    title = f"Deliveries/s, {figures['deliveries']} of {figures['body_bytes']} bytes; "
    return [_contest(title + f"all decisions {decisions}, all changes {changes}", figures)]


def _small(figures: Figures) -> list[Table]:
    events = "equal" if figures["are_all_events_equal"] else "DIFFERENT"
    title = (
        f"Deliveries/s of the small job, {figures['deliveries']} of {figures['body_bytes']} bytes; all events {events}"
    )
    return [_contest(title, figures)]


def _contest(title: str, figures: Figures) -> Table:
    names = ["", "median (min to max)", "of bare", "second half", "CPU us", "RSS MB"]
    taken = ["of_bare_loop", "second_half_per_s", "cpu_us_per_delivery", "memory_mb"]
    rows = [[name, _spread(row["per_s"]), *_take(row, taken)] for name, row in figures["contestants"].items()]
    return _table(title, names, rows)


def _children(figures: Figures) -> list[Table]:
    taken = ["events", "expected_events", "cpu_us_per_delivery", "cpu_us_per_event", "memory_mb"]
    rows = [
        [name, _spread(row["per_s"]), _spread(row["events_per_s"]), *_take(row, taken)]
        for name, row in figures["runs"].items()
    ]
    title = (
        f"{figures['deliveries']} deliveries of {figures['products']} products with {figures['variants']} variants, "
    )
    names = ["", "deliveries/s", "events/s", "events", "expected", "CPU us/delivery", "CPU us/event", "RSS MB"]
    return [_table(title + f"{figures['body_bytes']} bytes", names, rows)]


def _scaling(figures: Figures) -> list[Table]:
    taken = ["partitions", "workers", "per_s", "of_one", "busiest_worker_cpu_share", "machine_cpu_share"]
    taken += ["cpu_us_per_delivery", "memory_mb"]
    names = [
        "partitions",
        "workers",
        "deliveries/s",
        "of one",
        "busiest worker's core",
        "machine's CPU",
        "CPU us",
        "RSS MB",
    ]
    title = f"Deliveries/s by partitions and workers, on {figures['cores']} cores, {figures['deliveries']} of "
    return [_table(title + f"{figures['body_bytes']} bytes", names, [_take(row, taken) for row in figures["runs"]])]


def _latency(figures: Figures) -> list[Table]:
    steps = ["due_to_answered", "answered_to_readable", "due_to_readable"]
    rows = [
        [row["rate"], f"{row['changes_read']}/{row['posts']}", step.replace("_", " "), *row[step].values()]
        for row in figures["rates"]
        for step in steps
    ]
    return [_table("Latency, ms", ["posts/s", "changes", "", "p50", "p99", "p99.9"], rows)]


def _restore(figures: Figures) -> list[Table]:
    names = ["records_per_s", "megabytes_per_s", "seconds", "worker_cpu_us_per_record"]
    names += ["highest_mb_restoring", "highest_mb", "mb_at_rest"]
    title = f"{figures['products']:,} products of {figures['row_bytes']:.0f} bytes, {figures['records']:,} records"
    shown = ["records/s", "MB/s", "s", "CPU us/record", "most MB, restoring", "most MB, deciding too", "MB at rest"]
    return [_table(title, shown, [_take(figures, names)])]


def _hydrate(figures: Figures) -> list[Table]:
    rows = [
        [
            name,
            row["callbacks"],
            row["reads"],
            row["callbacks_per_read"],
            row["reads_per_s"],
            row["worker_cpu_us_per_callback"],
        ]
        for name, row in (("at once", figures["at_once"]), ("in bursts", figures["bursts"]))
    ]
    shown = ["", "callbacks", "resources read", "callbacks per read", "reads/s", "CPU us of the worker per callback"]
    steady = figures["steady"]
    waits = _table(
        f"From a callback to its outcome, ms, at {steady['rate']}/s",
        ["", *LATENCY],
        [["", *steady["callback_to_outcome"].values()]],
    )
    live = figures["live"]
    beside = _table(
        f"From a complete delivery to its outcome, ms, at {live['rate']}/s",
        ["", *LATENCY],
        [[name, *live[key].values()] for name, key in (("alone", "alone"), ("beside reads", "beside_reads"))],
    )
    return [_table(f"Reads of {figures['products']:,} products of a store without a quota", shown, rows), waits, beside]


def _loader(figures: Figures) -> list[Table]:
    names = ["changes_per_s", "of_worker", "rows_per_s", "cpu_us_per_row", "highest_mb", "files", "megabytes"]
    rows = [[engine, *_take(row, names), *row["queries_ms"].values()] for engine, row in figures["engines"].items()]
    if figures["dlt"] is not None:
        per_s = figures["dlt"]["changes_per_s"]
        rows.append(
            [
                "dlt to DuckDB",
                per_s,
                round(per_s / figures["worker_changes_per_s"], 1),
                "",
                "",
                figures["dlt"]["highest_mb"],
            ]
        )
    queries = [f"{name}, ms" for name in next(iter(figures["engines"].values()))["queries_ms"]]
    title = f"{figures['changes']:,} changes, of which one worker made {figures['worker_changes_per_s']:,}/s"
    shown = [
        "",
        "changes/s",
        "of the worker",
        "rows/s with outcomes",
        "CPU us/row",
        "most MB",
        "files",
        "MB on disk",
        *queries,
    ]
    seen = [
        [engine, f"{row['rows_seen']}/{row['answered_200']}", *row["answered_to_visible"].values()]
        for engine, row in figures["latency"].items()
    ]
    rate = next(iter(figures["latency"].values()))["rate"]
    latencies = _table(
        f"From the answer to a row that another process sees, ms, at {rate}/s",
        ["", "rows", "p50", "p99", "p99.9"],
        seen,
    )
    return [_table(title, shown, rows), latencies]


def _outage(figures: Figures) -> list[Table]:
    rows = [
        [
            f"{way} for {away_s} s",
            row["outages"],
            row["kafka_start_s"],
            *row["decided_s"].values(),
            row["of_kafka_start"],
            *row["drained_s"].values(),
            row["worker_ended"],
        ]
        for way, lengths in figures["ways"].items()
        for away_s, row in lengths.items()
    ]
    title = (
        f"Seconds after Kafka's return; of {figures['deliveries']:,} deliveries "
        f"{figures['without_outcome']} without outcome, {figures['decided_twice']} decided twice"
    )
    names = [
        "Kafka",
        "outages",
        "its own start",
        "decided, p50",
        "worst",
        "of its start",
        "drained, p50",
        "worst",
        "ends",
    ]
    return [_table(title, names, rows)]


_TABLES: dict[str, Callable[[Figures], list[Table]]] = {
    "ingress": _ingress,
    "sustained": _sustained,
    "burst": _burst,
    "endurance": _endurance,
    "pipeline": _pipeline,
    "small": _small,
    "children": _children,
    "scaling": _scaling,
    "latency": _latency,
    "restore": _restore,
    "hydrate": _hydrate,
    "loader": _loader,
    "outage": _outage,
}


def _take(row: Figures, names: list[str]) -> Row:
    return [row[name] for name in names]


def _latencies(row: Figures) -> Row:
    return _take(row, ["p50_ms", "p99_ms", "p99_9_ms"])


def _verdict(row: Figures) -> str:
    return ", ".join(row["lost_by"]) or "held"


def _generator(row: Figures) -> Row:
    return _take(row["generator"], ["late_p99_ms", "cpu_share", "machine_cpu_share", "verdict"])


def _generator_table(rows: list[tuple[str, Figures]]) -> Table:
    return _table("The load generator", ["", *GENERATOR], [[name, *_generator(row)] for name, row in rows])


def _raw(row: Figures) -> str:
    counts = f"{row['answered_200']:,} answered 200, {row['missing']} of them missing on the topic"
    spooled = f", {row['through_spool']:,} through the spool" if "through_spool" in row else ""
    return f"{counts}, {row['twice']} there twice{spooled}"


def _spread(figure: dict[str, int]) -> str:
    return f"{figure['median']:,} ({figure['min']:,} to {figure['max']:,})"


def _table(title: str, names: list[str], rows: list[Row]) -> Table:
    table = Table(title=title)
    for name in names:
        table.add_column(name)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    return table

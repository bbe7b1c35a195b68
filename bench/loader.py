"""The warehouse's loader: its rate beside that of the worker whose changes it loads, its latency, its memory, and queries.

One worker makes the changes; then each engine loads all of them, with the outcomes, into an empty warehouse, while nothing else
runs beside Kafka. dlt loads the same changes where it is installed. Last, ingress, worker and loader run together at 200 posts/s.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from bench.fill import create_raw, fill
from bench.ingress import PATH
from bench.latency import CHANGES
from bench.outcomes import emitted
from bench.peer_job import PARTITIONS
from bench.stack import Failed, Process, Stack, answers_ready, running, running_ingress, running_worker
from local import ports
from schemas.topics import OUTCOMES, RAW, described
from simulator.load_figures import OK, Phase, Posts, percentiles
from simulator.load_generator import open_loop
from simulator.shop_deliveries import SMALL, STEP_S, body_bytes, kept, product, requests

ENGINES = ("ducklake", "duckdb")
ROWS, QUICK_ROWS = 500_000, 20_000
VERSIONS = 5  # of each product
RATE, SECONDS, QUICK_SECONDS = 200, 60, 10
WARM_POSTS = 400
PRODUCTS = 200  # that posts are of
LAST_LOOK_S = 2.0  # for the reader
ROWS_TOTAL = "penstock_loader_rows_total"
TIMEOUT_S = 7_200.0
LOOK_EVERY_S = 0.25
QUERY_TIMES = 5
QUERIES = {
    "changes per day": "SELECT date_trunc('day', _emitted_at) AS day, count(*) FROM bench.product_history GROUP BY 1 ORDER BY 1",
    "newest twenty": "SELECT id, title, updated_at FROM bench.product ORDER BY _version DESC LIMIT 20",
    "history of one": (
        "SELECT title, _valid_from, _valid_to FROM bench.product_versions "
        "WHERE id = (SELECT max(id) FROM bench.product) ORDER BY _valid_from"
    ),
}


def loader(stack: Stack, is_quick: bool, rows: int | None = None) -> dict[str, Any]:
    """Return rates, memory, files, query times and latencies."""
    changes = rows or (QUICK_ROWS if is_quick else ROWS)
    worker_per_s = _made(stack, changes)
    print(f"  the worker made {worker_per_s:,.0f} changes/s", file=sys.stderr)
    engines = {}
    for engine in ENGINES:
        engines[engine] = row = _loaded(stack, engine, changes)
        row["of_worker"] = round(row["changes_per_s"] / worker_per_s, 1)
        print(f"  {engine}: {row['changes_per_s']:,} changes/s", file=sys.stderr)
    peer = _peer(stack)
    latencies = _latencies(stack, QUICK_SECONDS if is_quick else SECONDS)
    return {
        "changes": changes,
        "products": max(1, changes // VERSIONS),
        "body_bytes": body_bytes(SMALL),
        "partitions": PARTITIONS,
        "worker_changes_per_s": round(worker_per_s),
        "engines": engines,
        "dlt": peer,
        "latency": latencies,
    }


def _made(stack: Stack, changes: int) -> float:
    """Let one worker make the changes, and return how many it made per second."""
    create_raw(stack)
    for topic in (CHANGES, OUTCOMES):
        stack.create(topic, PARTITIONS, described(topic).settings)
    products, begin = max(1, changes // VERSIONS), stack.ends(CHANGES)
    fill(stack, (_delivery(number, products) for number in range(changes)))
    with running_worker(stack, "loader") as worker:
        stack.wait_committed("penstock.loader", RAW, TIMEOUT_S, worker)
    made = emitted(stack, CHANGES, begin)
    if made.events != changes:
        raise Failed(f"expected {changes} changes of the worker, got {made.events}")
    return made.per_s


def _delivery(number: int, products: int) -> Any:
    """Return a delivery that is a change: each product in turn, a version more every time. Posts are of other products."""
    version = number // products
    body = product(PRODUCTS + number % products, version * STEP_S, version, SMALL)
    return kept(body, f"loaded-{number}", version * STEP_S)


@contextmanager
def _running_loader(stack: Stack, engine: str, name: str, more: str = "") -> Iterator[Process]:
    """Run a loader into a warehouse of its own; give it once it is ready."""
    directory, port = stack.directory / name, ports.free_port()
    directory.mkdir()
    file = directory / "penstock.toml"
    settings = f'[warehouse]\nengine = "{engine}"\noperations_port = {port}\n{more}'
    file.write_text(stack.configuration("loader").read_text() + settings)
    command = [sys.executable, "-m", "console.cli", "load", "--config", str(file), "--data-dir", str(directory)]
    with running(name, command, directory) as process:
        process.operations_port = port
        process.wait_until(lambda: answers_ready(f"http://{ports.HOST}:{port}/readyz"), "ready")
        yield process


def _loaded(stack: Stack, engine: str, changes: int) -> dict[str, Any]:
    name, highest_mb = f"load-{engine}", 0.0
    with _running_loader(stack, engine, name) as process:
        deadline_s, first = time.monotonic() + TIMEOUT_S, None
        while (rows := _metric(process, ROWS_TOTAL)) < 2 * changes:  # an outcome with each
            process.fail_if(time.monotonic() > deadline_s, f"{rows} rows")
            if rows and first is None:
                first = time.monotonic(), rows, process.cpu_s()
            highest_mb = max(highest_mb, process.memory_mb())
            time.sleep(LOOK_EVERY_S)
        ended_s, cpu_s = time.monotonic(), process.cpu_s()
        process.fail_if(first is None, "all rows at once: too few to measure")
        begun_s, before, cpu_before_s = first or (0.0, 0.0, 0.0)
    seconds = ended_s - begun_s
    rows_per_s = (2 * changes - before) / seconds
    folder = stack.directory / name / "warehouse"
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {
        "changes_per_s": round(rows_per_s / 2),
        "rows_per_s": round(rows_per_s),
        "seconds": round(seconds, 1),
        "cpu_us_per_row": round(1e6 * (cpu_s - cpu_before_s) / (2 * changes - before), 1),
        "highest_mb": round(highest_mb),
        "files": len(files),
        "megabytes": round(sum(file.stat().st_size for file in files) / 1e6),
        "queries_ms": {query: _query_ms(engine, folder, sql) for query, sql in QUERIES.items()},
    }


def _query_ms(engine: Any, folder: Path, sql: str) -> float:
    """Return the median time of a query over a connection that is open, after one that warms up."""
    from sinks.warehouse import opening
    from sinks.warehouse.settings import WarehouseSettings

    times_s = []
    with closing(opening.reader(WarehouseSettings(engine, folder, False))) as reader:
        for _ in range(1 + QUERY_TIMES):
            begun_s = time.perf_counter()
            reader.execute(sql).fetchall()
            times_s.append(time.perf_counter() - begun_s)
    return round(1000 * median(times_s[1:]), 1)


def _peer(stack: Stack) -> dict[str, Any] | None:
    """Return dlt's figures for the same changes; None where it is not installed."""
    if find_spec("dlt") is None:
        print("  dlt is not installed, so it is left out", file=sys.stderr)
        return None
    file = stack.directory / "dlt.txt"
    command = [sys.executable, "-m", "bench.loader_peer", stack.kafka, stack.registry, CHANGES, str(file)]
    environment = {"RUNTIME__DLTHUB_TELEMETRY": "false"}
    with running("dlt", command, stack.directory / "dlt", environment) as process:
        deadline_s, highest_mb = time.monotonic() + TIMEOUT_S, 0.0
        while not file.exists():
            process.fail_if(time.monotonic() > deadline_s, "dlt did not end")
            highest_mb = max(highest_mb, process.memory_mb())
            time.sleep(LOOK_EVERY_S)
        time.sleep(LOOK_EVERY_S)  # it is being written
    changes, seconds = file.read_text().split()
    return {
        "changes_per_s": round(int(changes) / float(seconds)),
        "seconds": round(float(seconds), 1),
        "highest_mb": round(highest_mb),
    }


def _latencies(stack: Stack, seconds: int) -> dict[str, dict[str, Any]]:
    """Return how long after its answer the row of a post is visible to another process, for each engine."""
    each = RATE * seconds
    built = requests(PATH, WARM_POSTS + each * len(ENGINES), PRODUCTS, SMALL)
    found, begin = {}, WARM_POSTS
    with running_ingress(stack, "ingress") as (_, port), running_worker(stack, "loader") as worker:
        open_loop(port, built[:WARM_POSTS].__getitem__, [Phase(RATE, WARM_POSTS / RATE)])
        stack.wait_committed("penstock.loader", RAW, TIMEOUT_S, worker)
        for engine in ENGINES:
            posts = partial(open_loop, port, built[begin : begin + each].__getitem__, [Phase(RATE, seconds)])
            found[engine] = _latency(stack, engine, posts, begin)
            print(f"  {engine}: {found[engine]['answered_to_visible']}", file=sys.stderr)
            begin += each
    return found


def _latency(stack: Stack, engine: str, post: Callable[[], Posts], begin: int) -> dict[str, Any]:
    name, file = f"latency-{engine}", stack.directory / f"seen-{engine}"
    with _running_loader(stack, engine, name) as loading:
        before = _all_rows(stack)
        loading.wait_until(lambda: _metric(loading, ROWS_TOTAL) >= before, "what was there before", TIMEOUT_S)
        command = [sys.executable, "-m", "bench.loader_reader", engine, str(stack.directory / name), str(file)]
        with running(f"seen-{engine}", command, stack.directory) as reader:
            reader.wait_until(lambda: b"reading" in reader.log.read_bytes(), "its first query")
            posts = post()
            answered = posts.status.count(OK)
            loading.wait_until(lambda: _metric(loading, ROWS_TOTAL) >= before + 2 * answered, "every row", TIMEOUT_S)
            time.sleep(LAST_LOOK_S)
    seen = {delivery: float(at_s) for at_s, delivery in (line.split() for line in file.read_text().splitlines())}
    seen_s = [seen.get(f"post-{begin + number}", 0.0) for number in range(len(posts.due_s))]
    times_ms = sorted(1000 * (to - start) for start, to in zip(posts.answered_s, seen_s, strict=True) if start and to)
    return {
        "rate": RATE,
        "answered_200": answered,
        "rows_seen": sum(1 for at_s in seen_s if at_s),
        "answered_to_visible": percentiles(times_ms),
    }


def _all_rows(stack: Stack) -> int:
    """Return how many changes and outcomes there are."""
    return emitted(stack, CHANGES, {}).events + emitted(stack, OUTCOMES, {}).events


def _metric(process: Process, name: str) -> float:
    """Return one of a loader's metrics."""
    text = httpx.get(f"http://{ports.HOST}:{process.operations_port}/metrics", timeout=10.0, trust_env=False).text
    return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name} ")), 0.0)

"""Five million changes into a DuckLake: memory and the number of files stay bounded, and queries stay quick enough for a person.

`PENSTOCK_SOAK_CHANGES` is another number. The figures are printed (`-s`).
"""

import os
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from duckdb import DuckDBPyConnection

from local.screen import say
from sinks.warehouse import opening
from tests.support.processes.loaders import Feed, Loader, history_count, loader, scan_of
from tests.support.waiting import until

pytestmark = [pytest.mark.soak, pytest.mark.kafka, pytest.mark.timeout(14_400)]
CHANGES = int(os.environ.get("PENSTOCK_SOAK_CHANGES", "5000000"))
PRODUCTS = 200_000
IN_A_TRANSACTION = 5_000
AHEAD = 200_000  # the topics hold what is not loaded yet
MOST_MB = 600
MOST_FILES = 400
LOOK_S = 30.0
QUERIES = {
    "changes per day": "SELECT date_trunc('day', _emitted_at), count(*) FROM \"{s}\".product_history GROUP BY 1",
    "newest twenty": 'SELECT id, title FROM "{s}".product ORDER BY _emitted_at DESC LIMIT 20',
    "history of one": 'SELECT title, _valid_from FROM "{s}".product_versions WHERE id = 77 ORDER BY _valid_from',
}


def test_five_million_changes(kafka: str, registry: str, tmp_path: Path) -> None:
    """All of them are there once; looked at every half minute."""
    source = f"many-{uuid.uuid4().hex[:8]}"
    feed = Feed(kafka, registry, source, PRODUCTS, in_a_transaction=IN_A_TRANSACTION)
    with loader(tmp_path, kafka, registry, source, "ducklake") as loading, ThreadPoolExecutor(1) as feeder:
        loading.start()
        began_s, highest_mb, most_files, loaded = time.monotonic(), 0.0, 0, 0
        fed = feeder.submit(_feed, feed, lambda: loaded)
        while not fed.done() or loaded < fed.result():
            time.sleep(LOOK_S)
            loaded = history_count(loading)
            highest_mb, most_files = max(highest_mb, _memory_mb(loading)), max(most_files, _files(loading))
            took_s = time.monotonic() - began_s
            say(f"{loaded:,} after {took_s:,.0f} s, {loaded / took_s:,.0f}/s, {highest_mb:,.0f} MB, {most_files} files")
        with closing(opening.reader(loading.settings)) as reader:
            times_ms = {name: _query_ms(reader, sql.format(s=loading.schema)) for name, sql in QUERIES.items()}
            rows, ids = reader.execute(scan_of(loading)).fetchone() or (0, 0)
        say(f"{rows:,} changes, {highest_mb:,.0f} MB, {most_files} files, queries in ms: {times_ms}")
        until(lambda: loading.stop() == 0, 120, "its end")

    assert rows == ids == fed.result() >= CHANGES
    assert highest_mb < MOST_MB
    assert most_files < MOST_FILES


def _feed(feed: Feed, loaded: Callable[[], int]) -> int:
    """Write until there are enough, a bounded number ahead of the loader; return how many were committed."""
    written = 0
    while written < CHANGES:
        written += feed.write()
        while written - loaded() > AHEAD:
            time.sleep(0.5)
    return written


def _memory_mb(loading: Loader) -> float:
    return psutil.Process(loading.pid).memory_info().rss / 1e6


def _files(loading: Loader) -> int:
    return sum(1 for file in loading.settings.folder.rglob("*") if file.is_file())


def _query_ms(reader: DuckDBPyConnection, sql: str) -> float:
    """Return how long a query takes once it was made before."""
    reader.execute(sql).fetchall()
    began_s = time.perf_counter()
    reader.execute(sql).fetchall()
    return round(1000 * (time.perf_counter() - began_s), 1)

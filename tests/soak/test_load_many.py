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

import pytest
from duckdb import DuckDBPyConnection
from msgspec import Struct

from local.screen import say
from sinks.warehouse import opening
from tests.support.processes.loaders import Feed, Loader, history_count, loader, scan_of

pytestmark = [pytest.mark.soak, pytest.mark.kafka, pytest.mark.timeout(14_400)]
CHANGES = int(os.environ.get("PENSTOCK_SOAK_CHANGES", "5000000"))
PRODUCTS = 200_000
IN_A_TRANSACTION = 5_000
AHEAD = 200_000  # the topics hold what is not loaded yet
MOST_MB = 600
MOST_FILES = 5_000  # those of the last ten minutes stay for readers
LOOK_S = 30.0
QUERIES = {
    "changes per day": "SELECT date_trunc('day', _emitted_at), count(*) FROM \"{s}\".product_history GROUP BY 1",
    "newest twenty": 'SELECT id, title FROM "{s}".product ORDER BY _emitted_at DESC LIMIT 20',
    "history of one": 'SELECT title, _valid_from FROM "{s}".product_versions WHERE id = 77 ORDER BY _valid_from',
}


class Look(Struct, frozen=True):
    """What was there at one moment."""

    loaded: int
    memory_mb: float
    files: int


def test_five_million_changes(kafka: str, registry: str, tmp_path: Path) -> None:
    """All of them are there once; memory and files are looked at every half minute."""
    source = f"many-{uuid.uuid4().hex[:8]}"
    feed = Feed(kafka, registry, source, PRODUCTS, in_a_transaction=IN_A_TRANSACTION)
    with (
        loader(tmp_path, kafka, registry, source, "ducklake") as loading,
        ThreadPoolExecutor(1) as feeder,
    ):
        loading.start()
        began_s, looks = time.monotonic(), [Look(0, 0.0, 0)]
        fed = feeder.submit(_feed, feed, lambda: looks[-1].loaded)
        while not fed.done() or looks[-1].loaded < fed.result():
            time.sleep(LOOK_S)
            looks.append(Look(history_count(loading), _memory_mb(loading), _files(loading)))
            took_s = time.monotonic() - began_s
            say(f"{looks[-1]} after {took_s:,.0f} s, {looks[-1].loaded / took_s:,.0f} changes/s")
        with closing(opening.reader(loading.settings)) as reader:
            times_ms = {name: _query_ms(reader, sql.format(s=loading.schema)) for name, sql in QUERIES.items()}
            rows, ids = reader.execute(scan_of(loading)).fetchone() or (0, 0)
        say(f"{rows:,} changes, queries in ms: {times_ms}")
        assert loading.stop() == 0

    assert rows == ids == fed.result() >= CHANGES
    assert max(look.memory_mb for look in looks) < MOST_MB
    assert max(look.files for look in looks) < MOST_FILES


def _feed(feed: Feed, loaded: Callable[[], int]) -> int:
    """Write until there are enough, a bounded number ahead of the loader; return how many were committed."""
    written = 0
    while written < CHANGES:
        written += feed.write()
        while written - loaded() > AHEAD:
            time.sleep(0.5)
    return written


def _memory_mb(loading: Loader) -> float:
    """Return the most that it has needed so far."""
    lines = Path(f"/proc/{loading.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1e3 for line in lines if line.startswith("VmHWM"))


def _files(loading: Loader) -> int:
    return sum(1 for file in loading.settings.folder.rglob("*") if file.is_file())


def _query_ms(reader: DuckDBPyConnection, sql: str) -> float:
    """Return how long a query takes once it was made before."""
    reader.execute(sql).fetchall()
    began_s = time.perf_counter()
    reader.execute(sql).fetchall()
    return round(1000 * (time.perf_counter() - began_s), 1)

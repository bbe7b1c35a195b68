"""Aimed faults of the loader: kills around a commit, locks, a full disk, a reader that stays, a bad record.

tests/soak/test_load_crash.py kills at random under load; here every run meets each moment.
"""

import signal
import sqlite3
import sys
import uuid
from contextlib import ExitStack, closing
from http import HTTPStatus
from pathlib import Path

import duckdb
import pytest
from confluent_kafka import Producer

from sinks.warehouse import opening
from sinks.warehouse.engines.duckdb_file import FILE
from sinks.warehouse.engines.lake import CATALOGUE
from tests.support.faults.narrow_disk import narrow_disk
from tests.support.oracle.loaded_rows import assert_rows_equal
from tests.support.processes.loaders import (
    TOPIC,
    Feed,
    Loader,
    assert_outcomes,
    changes_of,
    history_count,
    kafka_of_loaders,  # noqa: F401 - the fixture `kafka` of this module
    loader,
    scan_of,
)
from tests.support.waiting import until
from tests.unit.sinks.warehouse.test_engines import files_in_use, files_on_disk

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]
ENGINES = pytest.mark.parametrize("engine", ["ducklake", pytest.param("duckdb", marks=pytest.mark.soak)])
FEW = "batch_rows = 500\nbatch_s = 0.1\n"
WAIT_S = 300.0  # the topics hold what the tests before have written, and the machine may be busy
COMPACTION = {
    "ducklake": (
        ("after", "filename IN"),
        ("after", "CALL ducklake_rewrite_data_files"),
        ("before", "CALL ducklake_cleanup_old_files"),
        ("after", "CALL ducklake_cleanup_old_files"),
    ),
    "duckdb": (("after", "CHECKPOINT"),),
}


@pytest.fixture
def source() -> str:
    """Give a source of the test's own."""
    return f"faults-{uuid.uuid4().hex[:8]}"


@ENGINES
def test_killed_at_a_statement_of_a_batch(kafka: str, registry: str, tmp_path: Path, source: str, engine: str) -> None:
    """SIGKILL before and after the commit, behind all that follows it, and within a compaction: one row each, and no orphan."""
    points = [("before", "COMMIT"), ("after", "COMMIT"), ("after", "SHOW"), *COMPACTION[engine]]
    feed = Feed(kafka, registry, source)
    with loader(tmp_path, kafka, registry, source, engine, FEW + "compact_every = 1\n") as loading:
        for when, text in points:
            feed.write(6)
            start_with(loading, "kill", when, text)
            until(lambda: feed.write() >= 0 and loading.has_ended, 120, f"a kill {when} {text}", poll_s=0.2)
            assert loading.wait(1) == -signal.SIGKILL, (when, text, loading.log.read_text()[-3_000:])
        loading.start()
        assert_complete(loading, kafka, registry, source)
        assert loading.stop() == 0

        with closing(opening.writer(loading.settings)) as warehouse:
            warehouse.compact(0)
        assert files_on_disk(loading.settings) == files_in_use(loading.settings)
        assert_complete(loading, kafka, registry, source)


@ENGINES
def test_commit_of_unknown_end_is_not_repeated(
    kafka: str, registry: str, tmp_path: Path, source: str, engine: str
) -> None:
    """The engine reports an error after it has committed: the same loader finds the batch stored and goes on behind it."""
    feed = Feed(kafka, registry, source)
    feed.write(6)
    with loader(tmp_path, kafka, registry, source, engine, FEW) as loading:
        start_with(loading, "doubt", "after", "COMMIT")
        assert_complete(loading, kafka, registry, source)

        assert loading.events("load_retried")
        assert loading.stop() == 0


@ENGINES
def test_warehouse_that_another_process_holds(
    kafka: str, registry: str, tmp_path: Path, source: str, engine: str
) -> None:
    """While the catalogue or the file is locked, the loader is unready and tries again; released, it loads everything."""
    feed = Feed(kafka, registry, source)
    feed.write(4)
    with loader(tmp_path, kafka, registry, source, engine, FEW) as loading, ExitStack() as held:
        loading.start()
        assert_complete(loading, kafka, registry, source)
        lock(loading, held)
        feed.write(8)
        until(lambda: standing(loading) == "retrying", 120, "a loader that tries again", poll_s=0.2)
        assert loading.get("/readyz").status_code == HTTPStatus.SERVICE_UNAVAILABLE
        held.close()

        until(lambda: standing(loading) == "ready", 120, "a loader that is ready", poll_s=0.2)
        assert_complete(loading, kafka, registry, source)
        assert loading.stop() == 0


@ENGINES
def test_full_disk_loses_nothing(kafka: str, registry: str, tmp_path: Path, source: str, engine: str) -> None:
    """While the warehouse's disk is full, nothing is half written; with space again the same process loads everything."""
    feed = Feed(kafka, registry, source)
    feed.write(4)
    with narrow_disk(tmp_path / "disk", left_bytes=128 * 1024) as disk:
        more = f'batch_s = 0.2\npath = "{tmp_path}/disk/warehouse"\n'
        with loader(tmp_path, kafka, registry, source, engine, more) as loading:
            loading.start()
            assert_complete(loading, kafka, registry, source)
            disk.fill(loading.pid)
            until(lambda: bool(feed.write(4)) and standing(loading) == "retrying", 180, "a full disk", poll_s=0.3)
            assert not loading.has_ended
            disk.make_room(loading.pid)

            until(lambda: standing(loading) == "ready", 120, "a loader that is ready", poll_s=0.2)
            assert_complete(loading, kafka, registry, source)
            assert loading.stop() == 0


def test_reader_is_undisturbed(kafka: str, registry: str, tmp_path: Path, source: str) -> None:
    """Queries one after the other never see fewer rows while the loader commits and compacts, and hinder nothing."""
    feed = Feed(kafka, registry, source)
    feed.write(8)
    with loader(tmp_path, kafka, registry, source, "ducklake", FEW + "compact_every = 1\n") as loading:
        loading.start()
        assert_complete(loading, kafka, registry, source)
        with closing(opening.reader(loading.settings)) as reader:
            scan = scan_of(loading)
            seen = reader.execute(scan).fetchall()
            compactions = len(loading.events("warehouse_compacted"))
            while len(loading.events("warehouse_compacted")) < compactions + 3:
                feed.write(2)
                before, seen = seen, reader.execute(scan).fetchall()
                assert seen >= before
        assert not loading.events("load_retried")
        assert not loading.events("compaction_failed")
        assert_complete(loading, kafka, registry, source)
        assert loading.stop() == 0


@ENGINES
def test_bad_record_amid_a_batch(kafka: str, registry: str, tmp_path: Path, source: str, engine: str) -> None:
    """One transaction has what stands before and behind records that make no row, and keeps these apart, once."""
    feed, bad = Feed(kafka, registry, source), f"no avro of {source}".encode()
    producer = Producer({"bootstrap.servers": kafka})
    feed.write(4)
    for partition in range(4):
        producer.produce(TOPIC, bad, "k", partition=partition)
    producer.flush(30)
    feed.write(4)
    with loader(tmp_path, kafka, registry, source, engine, "batch_s = 0.5\n") as loading:
        loading.start()
        assert_complete(loading, kafka, registry, source)
        kept = loading.rows(f"SELECT reason, partition FROM _penstock_bad_records WHERE value = '{bad.decode()}'::BLOB")  # noqa: S608

        assert sorted(tuple(row.values()) for row in kept) == [("not_avro", number) for number in range(4)]
        assert loading.stop() == 0


def start_with(loading: Loader, kind: str, when: str, text: str) -> None:
    """Start a loader with a fault at the first such statement."""
    loading.start(sys.executable, "-m", "tests.support.faults.loader_crash_points", kind, when, text, "1")


def assert_complete(loading: Loader, kafka: str, registry: str, source: str) -> None:
    """Wait until all changes are there, and assert that everything is there once."""
    changes = changes_of(kafka, registry, source)
    until(lambda: loading.has_ended or not lag(loading), WAIT_S, "nothing is left to load", poll_s=0.3)
    until(lambda: history_count(loading) >= len(changes), WAIT_S, f"{len(changes)} changes", poll_s=1)
    until(lambda: loading.has_ended or not lag(loading), WAIT_S, "nothing is left to load", poll_s=0.3)
    assert_rows_equal(loading, changes)
    assert_outcomes(loading, changes)


def lag(loading: Loader) -> float:
    """Return how many records the loader has not loaded, by its own metrics."""
    lines = loading.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("penstock_loader_lag_records "))


def standing(loading: Loader) -> str:
    """Return what the loader says of itself."""
    return str(loading.get("/readyz").json()["status"])


def lock(loading: Loader, held: ExitStack) -> None:
    """Hold the warehouse as another process may: the catalogue for writing, or the file."""
    folder = loading.settings.folder
    if loading.settings.engine == "duckdb":

        def opened() -> bool:
            try:
                held.enter_context(closing(duckdb.connect(str(folder / FILE), read_only=True)))
            except duckdb.IOException:  # the loader is writing
                return False
            return True

        until(opened, 60, "the file is held")
        return
    catalogue = held.enter_context(closing(sqlite3.connect(folder / CATALOGUE, timeout=30, isolation_level=None)))
    catalogue.execute("BEGIN EXCLUSIVE")

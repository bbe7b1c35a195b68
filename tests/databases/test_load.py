"""`penstock load` into databases: killed, and with the database killed under it, nothing is lost and nothing doubled."""

import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.support.oracle.loaded_rows import assert_rows_equal, kill_at_random
from tests.support.processes.loaders import Feed, Loader, changes_of, history_count, loader
from tests.support.processes.postgres import PASSWORD, PostgresServer, postgres_server
from tests.support.waiting import until

pytestmark = [pytest.mark.databases, pytest.mark.kafka]
SMALL_BATCHES = "batch_rows = 150\nbatch_s = 0.1\ncompact_every = 4\n"  # kills hit commits and compactions
KILLS = 6
DATABASE = 'dsn = "{dsn}"\npassword = "text:{password}"\n'
LARGE_BATCHES = "batch_rows = 2000\nbatch_s = 0.1\n"  # the topic holds what other tests have written
ENGINES = {"postgres": DATABASE, "ducklake": DATABASE, "dlt": 'destination = "duckdb"\n'}
LONGEST_S = {"dlt": 12.0}  # until a kill; one load of dlt takes seconds


def settings_text(server: PostgresServer, engine: str, batches: str = SMALL_BATCHES) -> str:
    """Return the further keys of `[warehouse]` for an engine, with a database of its own."""
    batches = "batch_s = 0.5\n" if engine == "dlt" else batches
    return batches + ENGINES[engine].format(dsn=server.database(), password=PASSWORD)


@contextmanager
def fed(kafka: str, registry: str, source: str, wait_for: threading.Event | None = None) -> Iterator[Feed]:
    """Feed changes while the block runs."""
    feed, stopping = Feed(kafka, registry, source), threading.Event()
    with ThreadPoolExecutor(1) as feeder:
        written = feeder.submit(feed.run, stopping)
        try:
            yield feed
        finally:
            stopping.set()
            written.result()


def assert_complete(loading: Loader, kafka: str, registry: str, source: str) -> None:
    """Wait until every change on the topic is in the history, stop the loader, and compare the rows."""
    changes = changes_of(kafka, registry, source)
    poll_s = 15.0 if loading.settings.engine == "dlt" else 0.5  # a reader of the DuckDB file makes a load of dlt fail
    until(lambda: loading.get("/readyz").status_code == HTTPStatus.OK, 120, "a loader that is ready", poll_s=0.5)
    until(lambda: history_count(loading) >= len(changes), 120, f"{len(changes)} changes in the history", poll_s)
    assert loading.stop() == 0
    assert_rows_equal(loading, changes)
    assert PASSWORD not in loading.log.read_text()


@pytest.mark.parametrize("engine", list(ENGINES))
def test_killed_loader_loses_nothing_and_doubles_nothing(
    kafka: str, registry: str, server: PostgresServer, tmp_path: Path, engine: str
) -> None:
    """SIGKILLs at random moments under load: the history is the topic, the current table its fold."""
    source = f"load-{uuid.uuid4().hex[:8]}"
    with loader(tmp_path, kafka, registry, source, engine, settings_text(server, engine)) as loading:
        with fed(kafka, registry, source):
            kill_at_random(loading, KILLS, LONGEST_S.get(engine, 1.5))
        loading.start()
        assert_complete(loading, kafka, registry, source)


@pytest.mark.parametrize("engine", ["postgres", "ducklake"])
def test_loader_outlives_the_database(kafka: str, registry: str, tmp_path: Path, engine: str) -> None:
    """The database is killed and started again, three times under load: the loader says that it waits, and goes on."""
    source = f"load-{uuid.uuid4().hex[:8]}"
    with (
        postgres_server() as server,
        loader(tmp_path, kafka, registry, source, engine, settings_text(server, engine, LARGE_BATCHES)) as loading,
    ):
        loading.start()
        until(lambda: loading.get("/readyz").status_code == HTTPStatus.OK, 60, "a loader that is ready", poll_s=0.2)
        with fed(kafka, registry, source):
            for number in range(1, 4):
                count = history_count(loading)
                until(lambda count=count: history_count(loading) > count, 60, "rows that are written", poll_s=0.2)  # type: ignore[misc]  # bound now
                server.crash()
                until(lambda number=number: len(loading.events("load_retried")) >= number, 60, "a retry", poll_s=0.1)  # type: ignore[misc]  # likewise
                assert loading.get("/readyz").json() == {"status": "retrying"}
                server.start()
        assert_complete(loading, kafka, registry, source)


def test_console_reads_and_rebuilds(kafka: str, registry: str, server: PostgresServer, tmp_path: Path) -> None:
    """`status` and `query` work while the loader runs; `backup` names pg_dump; a rebuilt warehouse has the same rows."""
    source = f"load-{uuid.uuid4().hex[:8]}"
    with loader(tmp_path, kafka, registry, source, "postgres", settings_text(server, "postgres")) as loading:
        loading.start()
        count = Feed(kafka, registry, source).write(4)
        until(lambda: history_count(loading) >= count, 60, f"{count} changes", poll_s=0.2)
        product = f'"{loading.schema}".product'

        assert f'"schema":"{loading.schema}"' in penstock(loading, "warehouse", "status", "--json")
        counting = f"select count(*) as n from {product}_history"  # noqa: S608 - a name of the test
        assert penstock(loading, "query", counting, "--csv").split() == ["n", str(count)]
        assert "read-only" in penstock(loading, "query", f"truncate {product}", code=2)
        assert loading.stop() == 0

        assert "pg_dump" in penstock(loading, "warehouse", "backup", str(tmp_path / "copy"), code=2)
        assert "pages became" in penstock(loading, "warehouse", "compact")
        assert "rebuilt from" in penstock(loading, "warehouse", "rebuild")
        assert_rows_equal(loading, changes_of(kafka, registry, source))


def penstock(loading: Loader, *arguments: str, code: int = 0) -> str:
    """Return what a command prints; it must end with this code."""
    command = [str(Path(sys.executable).parent / "penstock"), *arguments]
    environment = {
        **os.environ,
        "PENSTOCK_CONFIG": str(loading.configuration),
        "PENSTOCK_DATA_DIR": str(loading.directory),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr

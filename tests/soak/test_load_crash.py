"""The loader is killed with SIGKILL under load, twenty times per engine; afterwards rows are a fold over the changes."""

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http import HTTPStatus
from pathlib import Path

import pytest

from sinks.warehouse import opening
from tests.support.oracle.loaded_rows import assert_rows_equal, kill_at_random
from tests.support.processes.loaders import Feed, Loader, assert_outcomes, changes_of, history_count, loader
from tests.support.processes.postgres import PASSWORD, PostgresServer, postgres_server
from tests.support.waiting import until
from tests.unit.sinks.warehouse.test_engines import files_in_use, files_on_disk

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(1_500)]
KILLS = 20
SMALL_BATCHES = "batch_rows = 150\nbatch_s = 0.1\ncompact_every = 4\n"  # kills hit commits and compactions
DATABASE = 'dsn = "{dsn}"\npassword = "text:{password}"\n'
SETTINGS = {
    "ducklake": SMALL_BATCHES,
    "duckdb": SMALL_BATCHES,
    "postgres": SMALL_BATCHES + DATABASE,
    # A compaction asks PostgreSQL about every file: on a busy machine it takes seconds.
    "ducklake-in-postgres": "batch_rows = 300\nbatch_s = 0.1\ncompact_every = 16\n" + DATABASE,
    "dlt": 'batch_s = 0.5\ndestination = "duckdb"\n',
}
LONGEST_S = {"dlt": 12.0}  # until a kill; one load of dlt takes seconds
POLL_S = {"dlt": 20.0}  # a reader of the DuckDB file makes a load of dlt fail and begin anew


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """Give a running PostgreSQL."""
    with postgres_server() as running:
        yield running


@pytest.fixture(params=list(SETTINGS))
def loading(request: pytest.FixtureRequest, kafka: str, registry: str, tmp_path: Path) -> Iterator[Loader]:
    """Give a loader of each engine, not started."""
    text = SETTINGS[request.param]
    if DATABASE in text:
        server: PostgresServer = request.getfixturevalue("server")
        text = text.format(dsn=server.database(), password=PASSWORD)
    source = f"load-{uuid.uuid4().hex[:8]}"
    with loader(tmp_path, kafka, registry, source, request.param.partition("-")[0], text) as made:
        yield made


def test_killed_loader_loses_nothing_and_doubles_nothing(kafka: str, registry: str, loading: Loader) -> None:
    """Twenty SIGKILLs at random moments: the history is the topic, the current table its fold, and no file is an orphan."""
    engine, source = loading.settings.engine, loading.schema.replace("_", "-")
    feed, stopping = Feed(kafka, registry, source), threading.Event()
    with ThreadPoolExecutor(1) as feeder:
        written = feeder.submit(feed.run, stopping)
        try:
            kill_at_random(loading, KILLS, LONGEST_S.get(engine, 2.5))
        finally:
            stopping.set()
        count = written.result()
    loading.start()
    until(lambda: loading.get("/readyz").status_code == HTTPStatus.OK, 120, "a loader that is ready", poll_s=0.5)
    until(lambda: history_count(loading) >= count, 600, f"{count} changes in the history", POLL_S.get(engine, 2.0))
    assert loading.stop() == 0
    changes = changes_of(kafka, registry, source)

    assert len(changes) == count
    assert_rows_equal(loading, changes)
    assert_outcomes(loading, changes)
    if engine != "dlt":  # what there is to compact is the destination's
        with closing(opening.writer(loading.settings)) as warehouse:
            warehouse.compact(0)
        assert files_on_disk(loading.settings) == files_in_use(loading.settings)
        assert_rows_equal(loading, changes)

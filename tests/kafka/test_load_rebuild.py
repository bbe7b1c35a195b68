"""`penstock warehouse rebuild` from states and what retention has left of the changes, killed on its way, beside readers."""

import subprocess
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from msgspec.structs import replace

from broker import clients, topic_reader
from local.guard import Child, spawn
from schemas.records import Document
from sinks.warehouse.errors import Unusable, WrongQuery
from sinks.warehouse.query import result
from tests.support.processes.loaders import (
    PENSTOCK,
    Feed,
    Loader,
    changes_of,
    kafka_of_loaders,  # noqa: F401 - the fixture `kafka` of this module
    loader,
)
from tests.support.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]
RESOURCE = "location"
TOPIC = f"changes.loaded.{RESOURCE}"  # no other test truncates or reads it
KILLS = 3
CHANGES = 600
SMALL_BATCHES = "batch_rows = 80\nbatch_s = 0.05\n"
CURRENT = 'SELECT _key, _event_id, _version, _extra FROM "{s}".location WHERE NOT _penstock_deleted ORDER BY 1'
DELETED = 'SELECT _key FROM "{s}".location WHERE _penstock_deleted ORDER BY 1'
HISTORY = 'SELECT _event_id FROM "{s}".location_history ORDER BY 1'


@pytest.mark.parametrize("engine", ["ducklake", pytest.param("duckdb", marks=pytest.mark.soak)])
def test_rebuild_has_what_retention_took(kafka: str, registry: str, tmp_path: Path, engine: str) -> None:
    """Killed three times and run to its end, it has every resource, what is left of the history once, and readers all along."""
    source = f"rebuild-{uuid.uuid4().hex[:8]}"
    with loader(tmp_path, kafka, registry, source, engine, SMALL_BATCHES) as loading:
        before = loaded_normally(loading, Feed(kafka, registry, source, 200, RESOURCE))
        truncate(kafka, TOPIC)
        left = [change["event_id"] for change in changes_of(kafka, registry, source, TOPIC)]

        with reading(loading) as failures:
            kills = sum(rebuild_killed(loading) for _ in range(KILLS))
            assert loading.rows(CURRENT) == before[0]
            finish_rebuild(loading)
        after = loading.rows(CURRENT), loading.rows(DELETED)

        assert kills == KILLS
        assert after == before
        assert 0 < len(left) < CHANGES
        assert [row["_event_id"] for row in loading.rows(HISTORY)] == sorted(left)
        assert failures == []
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith("warehouse.")] == []


def loaded_normally(loading: Loader, feed: Feed, resource: str = RESOURCE) -> tuple[list[Document], list[Document]]:
    """Return the current rows and the deleted keys after an ordinary load."""
    count = 0
    while count < CHANGES:
        count += feed.write()
    loading.start()
    until(lambda: len(rows(loading, of(resource, HISTORY))) == count, 120, f"{count} changes", poll_s=0.5)
    assert loading.stop() == 0
    return loading.rows(of(resource, CURRENT)), loading.rows(of(resource, DELETED))


def of(resource: str, statement: str) -> str:
    """Return a statement for another resource than `RESOURCE`."""
    return statement.replace(f".{RESOURCE}", f".{resource}")


def rows(loading: Loader, sql: str) -> list[Document]:
    """Return the result of a statement; nothing while there is no such table."""
    try:
        return loading.rows(sql)
    except (Unusable, WrongQuery):
        return []


def truncate(kafka: str, topic: str) -> None:
    """Remove the older two thirds of the changes, as retention does."""
    with topic_reader.consumer({"bootstrap.servers": kafka}) as reader:
        parts = topic_reader.ranges(reader, topic)
    admin = clients.admin({"bootstrap.servers": kafka})
    cuts = [TopicPartition(topic, part.partition, part.low + len(part) * 2 // 3) for part in parts]
    for done in admin.delete_records(cuts).values():
        done.result(30)


def rebuild_killed(loading: Loader) -> bool:
    """Start a rebuild and kill it once it has written something new; say whether it was killed before its end."""
    before = progress(loading)
    child: Child = spawn([PENSTOCK, "warehouse", "rebuild"], log=loading.log, environment=loading.environment)
    try:
        until(lambda: progress(loading) > before or child.exit_code() is not None, 120, "progress", poll_s=0.2)
        return child.exit_code() is None
    finally:
        child.kill()


def progress(loading: Loader) -> int:
    """Return how many records the unfinished warehouse is based on; 0 before there is one."""
    beside = replace(loading.settings, folder=loading.settings.folder.with_name("warehouse.rebuild"))
    try:
        (row,) = result(beside, "SELECT coalesce(sum(next_offset), 0)::BIGINT AS n FROM _penstock_offsets").to_pylist()
    except (Unusable, WrongQuery):
        return 0
    return int(row["n"])


def finish_rebuild(loading: Loader) -> None:
    """Run a rebuild to its end."""
    done = subprocess.run(
        [PENSTOCK, "warehouse", "rebuild"],
        env=loading.environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rebuilt from" in done.stdout


@contextmanager
def reading(loading: Loader) -> Iterator[list[str]]:
    """Let another thread query all the while; give the list of what went wrong."""
    stopping, failures = threading.Event(), list[str]()

    def read() -> None:
        while not stopping.wait(0.3):
            try:
                if len(loading.rows(CURRENT)) == 0:
                    failures.append("no rows")
            except (Unusable, WrongQuery) as error:
                failures.append(str(error))

    with ThreadPoolExecutor(1) as reader:
        done = reader.submit(read)
        try:
            yield failures
        finally:
            stopping.set()
            done.result()

"""`penstock load` and what analysts run beside it, with a real Kafka and registry."""

import csv
import io
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from confluent_kafka import Producer

from broker.topic_admin import Topics
from tests.support.processes.loaders import (
    TOPIC,
    Feed,
    Loader,
    history_count,
    kafka_of_loaders,  # noqa: F401 - the fixture `kafka` of this module
    loader,
)
from tests.support.waiting import until

pytestmark = pytest.mark.kafka
LATER_TOPIC = "changes.later"


@pytest.fixture(scope="module")
def loading(kafka: str, registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loader]:
    """Give a running loader."""
    source = f"load-{uuid.uuid4().hex[:8]}"
    with loader(tmp_path_factory.mktemp("load"), kafka, registry, source, "ducklake", "batch_s = 0.1\n") as made:
        made.start()
        until(lambda: made.get("/readyz").status_code == HTTPStatus.OK, 60, "a loader that is ready", poll_s=0.2)
        yield made


def penstock(loading: Loader, *arguments: str, code: int = 0) -> tuple[str, str]:
    """Return what a command prints to stdout and stderr; it must end with this code."""
    command = [str(Path(sys.executable).parent / "penstock"), *arguments]
    environment = {
        **os.environ,
        "PENSTOCK_CONFIG": str(loading.configuration),
        "PENSTOCK_DATA_DIR": str(loading.directory),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout, done.stderr


def source_of(loading: Loader) -> str:
    """Return the name of its source."""
    return loading.schema.replace("_", "-")


def test_rows_are_queried_while_the_loader_runs(loading: Loader, kafka: str, registry: str) -> None:
    """Rows of new changes become visible to other processes, in every form; the process is ready and counts them."""
    count = Feed(kafka, registry, source_of(loading)).write(8)
    until(lambda: history_count(loading) >= count, 60, f"{count} changes", poll_s=0.2)

    product = f'"{loading.schema}"."product"'
    table, _ = penstock(loading, "query", f'from "{loading.schema}"."product_history" select count(*) as n')
    rows, _ = penstock(loading, "query", f"from {product} select id order by id limit 3", "--csv")
    file = loading.directory / "result.parquet"
    penstock(loading, "query", f"from {product}", "--parquet", str(file))
    status, _ = penstock(loading, "warehouse", "status", "--json")

    assert str(count) in table
    assert next(csv.reader(io.StringIO(rows))) == ["id"]
    assert file.stat().st_size > 0
    assert (loading.schema, "product") in {
        (one["schema"], one["table"]) for one in map(json.loads, status.splitlines())
    }
    assert loading.get("/readyz").json() == {"status": "ready"}
    assert "penstock_loader_rows_total" in loading.get("/metrics").text


def test_query_that_is_wrong_or_writes_is_refused(loading: Loader) -> None:
    """A mistake ends with 2 and DuckDB's words, without a traceback."""
    _, problem = penstock(loading, "query", "drop table _penstock_offsets", code=2)

    assert "read-only" in problem
    assert "Traceback" not in problem


def test_bad_record_is_isolated(loading: Loader, kafka: str, registry: str) -> None:
    """A record that is no Avro is kept apart and counted, and what follows it is loaded."""
    before = history_count(loading)
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(TOPIC, b"no avro", "k", partition=0)
    producer.flush(30)
    count = Feed(kafka, registry, source_of(loading)).write(8)

    until(lambda: history_count(loading) >= before + count, 60, "what follows the bad record", poll_s=0.2)
    bad = loading.rows("SELECT topic, reason, value FROM _penstock_bad_records WHERE value = 'no avro'::BLOB")

    assert bad == [{"topic": TOPIC, "reason": "not_avro", "value": b"no avro"}]
    assert 'penstock_loader_bad_records_total{reason="not_avro"}' in loading.get("/metrics").text
    shown, told = penstock(loading, "tail", "--from-beginning", "--json", "--max", str(history_count(loading)))
    assert len(shown.splitlines()) == history_count(loading)
    assert f"{TOPIC}/0/" in told
    assert "is skipped: expected a change in Avro" in told


def test_topic_that_is_made_later_is_read(loading: Loader, kafka: str) -> None:
    """A resource's first change makes its topic, while the loader runs."""
    Topics({"bootstrap.servers": kafka}, 1).ensure(LATER_TOPIC)
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(LATER_TOPIC, b"no avro", "k")
    producer.flush(30)

    until(
        lambda: bool(loading.rows(f"SELECT 1 FROM _penstock_bad_records WHERE topic = '{LATER_TOPIC}'")),  # noqa: S608
        60,
        "a record of the new topic",
        poll_s=0.2,
    )


def test_second_loader_is_refused_and_the_first_ends_cleanly(loading: Loader) -> None:
    """Two loaders never share a warehouse; SIGTERM ends one with 0."""
    _, problem = penstock(loading, "load", code=2)

    assert "writes to this warehouse" in problem
    assert loading.stop() == 0
    assert loading.events("loader_stopped")


def test_rebuilt_warehouse_equals_the_old_one(loading: Loader) -> None:
    """From the topics alone the same rows come about; a missing exchange of folders is made up for."""
    loading.end()
    statement = 'SELECT _key, _event_id, _version, _penstock_deleted FROM "{s}".product ORDER BY 1'
    before, count = loading.rows(statement), history_count(loading)

    said, _ = penstock(loading, "warehouse", "rebuild")

    assert "rebuilt from" in said
    assert (loading.rows(statement), history_count(loading)) == (before, count)
    folder = loading.settings.folder
    assert {path.name for path in folder.parent.iterdir() if path.name.startswith("warehouse")} == {folder.name}

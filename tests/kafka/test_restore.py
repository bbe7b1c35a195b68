"""Tables are restored from the changelogs that Kafka really has, and from no others."""

import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]  # public by its documentation
from structlog.testing import capture_logs

from broker.topic_admin import Topics
from schemas.topics import DAY_MS, changelog_topic
from streams.state.restore import Restore
from streams.state.restore_progress import Progress
from streams.state.rocksdb_store import Home
from streams.state.tables import PartitionTables, open_tables
from tests.support.processes.workers import wait_until

pytestmark = pytest.mark.kafka
START_MS = 20_000 * DAY_MS


def key(resource_id: str) -> bytes:
    """Return the key of a resource."""
    return f"generic|acme||thing|{resource_id}".encode()


class Changelogs:
    """The changelogs of one app, with one partition."""

    def __init__(self, kafka: str) -> None:
        self.options: dict[str, str] = {"bootstrap.servers": kafka}
        self.app = f"restore-{uuid.uuid4().hex[:8]}"
        self.names = [changelog_topic(self.app, table) for table in ("seen", "latest")]
        self.admin = AdminClient(dict(self.options))

    def create(self, seen_days: int = 365 * 20) -> None:
        """Create both; records that are years old are kept."""
        for name in self.names:
            Topics(self.options, 1, seen_days).ensure(name)

    def delete(self) -> None:
        """Delete both and wait until they are gone."""
        for deleted in self.admin.delete_topics(self.names).values():
            deleted.result()
        wait_until(lambda: not set(self.names) & set(self.admin.list_topics(timeout=10).topics), "topics to go")

    def write(self, table: str, rows: Mapping[bytes, bytes | None], day: float = 0) -> None:
        """Write rows with the time of a day."""
        producer = Producer(self.options)
        for key, row in rows.items():
            producer.produce(changelog_topic(self.app, table), row, key, 0, timestamp=int(START_MS + day * DAY_MS))
        assert producer.flush(30) == 0

    def restored(self, directory: Path, progress: Progress | None = None) -> PartitionTables:
        """Return a store brought up to date."""
        restore = Restore(self.options, self.app, partial(changelog_topic, self.app), 0, progress or Progress())
        return restore.run(open_tables(Home(directory / "store", self.app, 0, 7 * DAY_MS)))

    def setting(self, table: str, name: str) -> str:
        """Return a setting of a changelog as Kafka has it."""
        resource = ConfigResource(ResourceType.TOPIC, changelog_topic(self.app, table))
        return str(self.admin.describe_configs([resource])[resource].result()[name].value)


@pytest.fixture
def changelogs(kafka: str) -> Iterator[Changelogs]:
    """Give changelogs that do not exist yet and are deleted afterwards."""
    made = Changelogs(kafka)
    yield made
    made.delete()


def test_restore_goes_on_where_the_store_ends(changelogs: Changelogs, tmp_path: Path) -> None:
    """Rows, newer rows and deletes; the second restore reads only new records."""
    changelogs.create()
    changelogs.write("latest", {key("a"): b"1", key("b"): b"1", key("c"): b"1"})
    changelogs.restored(tmp_path).close()
    changelogs.write("latest", {key("b"): b"2", key("c"): None})

    with capture_logs() as logs:
        tables = changelogs.restored(tmp_path)

    assert tables.rows("latest") == {key("a"): b"1", key("b"): b"2"}
    assert [(line["event"], line["records"]) for line in logs] == [("restored", 2)]
    tables.close()


def test_restore_forgets_what_the_worker_would_have_forgotten(changelogs: Changelogs, tmp_path: Path) -> None:
    """The changelog may hold more than the days that *seen* keeps; the segments go by the records' times."""
    changelogs.create()
    for day in range(20):
        changelogs.write("seen", {key(f"day{day}"): b"row", key("again"): b"%d" % day}, day)

    tables = changelogs.restored(tmp_path)

    rows = tables.rows("seen")
    assert {key(f"day{day}") for day in range(13, 20)} <= set(rows)
    assert not {key(f"day{day}") for day in range(9)} & set(rows)
    assert rows[key("again")] == b"19"
    tables.close()


def test_changelog_made_anew_under_its_name_replaces_the_store(changelogs: Changelogs, tmp_path: Path) -> None:
    """The offsets of a re-created changelog mean other records, even where there are as many."""
    changelogs.create()
    changelogs.write("latest", {key("old"): b"1"})
    changelogs.restored(tmp_path).close()
    changelogs.delete()
    changelogs.create()
    changelogs.write("latest", {key("new"): b"1", key("newer"): b"1"})

    with capture_logs() as logs:
        tables = changelogs.restored(tmp_path)

    assert tables.rows("latest") == {key("new"): b"1", key("newer"): b"1"}
    assert [line["event"] for line in logs] == ["store_rebuilt", "restored"]
    assert "is not the one it was filled from" in logs[0]["reason"]
    tables.close()


def test_restore_waits_for_an_open_transaction_in_front_of_committed_rows(
    changelogs: Changelogs, tmp_path: Path
) -> None:
    """A dead worker's open transaction holds the last stable offset below others' commits: the restore ends behind both."""
    changelogs.create()
    dead = Producer({**changelogs.options, "transactional.id": f"dead-{changelogs.app}"})
    dead.init_transactions(30)
    dead.begin_transaction()
    dead.produce(changelogs.names[1], b"aborted", b"a", 0)
    dead.flush(30)
    changelogs.write("latest", {key("b"): b"committed"})
    progress = Progress()
    progress.expect(0)

    with ThreadPoolExecutor(1) as threads:
        restoring = threads.submit(changelogs.restored, tmp_path, progress)
        wait_until(lambda: progress.figures()["waiting"] == 0, "the end to reach is known")
        dead.abort_transaction(30)
        tables = restoring.result(60)

    assert tables.rows("latest") == {key("b"): b"committed"}
    tables.close()


def test_progress_counts_to_the_end(changelogs: Changelogs, tmp_path: Path) -> None:
    """At the end all expected rows are counted as restored, and the file is gone."""
    changelogs.create()
    changelogs.write("latest", {key(str(number)): b"row" for number in range(30_000)})
    file = tmp_path / "worker.restoring"
    progress = Progress(file)
    progress.expect(1)  # another partition, so that the figures stay

    changelogs.restored(tmp_path, progress).close()

    figures = progress.figures()
    assert (figures["done"], figures["total"]) == (30_000, 30_000)
    assert file.exists()
    progress.end(1)
    assert not file.exists()


def test_other_days_change_the_retention_of_the_changelog(changelogs: Changelogs) -> None:
    """`[worker] seen_days` applies to an existing topic, too."""
    changelogs.create(seen_days=7)

    Topics(changelogs.options, 1, seen_days=30).align(changelogs.names[0])

    wait_until(lambda: changelogs.setting("seen", "retention.ms") == str(30 * DAY_MS), "the new retention")
    assert changelogs.setting("seen", "cleanup.policy") == "compact,delete"
    with capture_logs() as logs:
        Topics(changelogs.options, 1, seen_days=30).align(changelogs.names[0])
    assert logs == []

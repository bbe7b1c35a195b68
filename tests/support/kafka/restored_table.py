"""The table *latest* as a new worker would restore it."""

from functools import partial
from pathlib import Path

from schemas.topics import DAY_MS, RAW, changelog_topic
from streams.state.restore import Restore
from streams.state.restore_progress import Progress
from streams.state.rocksdb_store import Home
from streams.state.tables import open_tables
from tests.support.oracle.ledger import committed


def restored(kafka: str, app: str, directory: Path) -> dict[bytes, bytes]:
    """Return the table *latest* as a new worker would restore it from its changelogs, all partitions together."""
    rows: dict[bytes, bytes] = {}
    partitions = {message.partition() or 0 for message in committed(kafka, RAW)}
    for partition in partitions:
        options, topic = {"bootstrap.servers": kafka}, partial(changelog_topic, app)
        restore = Restore(options, app, topic, partition, Progress())
        tables = restore.run(open_tables(Home(directory / str(partition), app, partition, 7 * DAY_MS)))
        rows |= tables.rows("latest")
        tables.close()
    return rows

"""The layers of a partition's tables: rows being decided, above rows being committed, above the disk."""

from pathlib import Path

from schemas.topics import DAY_MS
from streams.state.rocksdb_store import Home
from streams.state.tables import PartitionTables, open_tables


def opened(directory: Path) -> PartitionTables:
    """Return a store on disk with three rows of *latest*: each will be shadowed by one layer more."""
    tables = open_tables(Home(directory / "store", "capture", 0, 7 * DAY_MS))
    tables.write({}, {b"a": b"disk", b"b": b"disk", b"c": b"disk"})
    tables.seal()
    tables.store({"latest": 1})
    return tables


def read(tables: PartitionTables) -> list[bytes | None]:
    """Return the view of a decision."""
    return [tables.view().latest.get(key) for key in (b"a", b"b", b"c", b"d")]


def test_newest_layer_is_read(tmp_path: Path) -> None:
    """A batch is decided on the rows of the one before it, which is not yet on disk."""
    tables = opened(tmp_path)
    tables.write({}, {b"b": b"committing", b"c": b"committing"})
    sealed = tables.seal()
    tables.write({}, {b"c": b"deciding", b"d": b"deciding"})

    assert read(tables) == [b"disk", b"committing", b"deciding", b"deciding"]
    assert sealed == {"seen": {}, "latest": {b"b": b"committing", b"c": b"committing"}}
    tables.close()


def test_committed_rows_are_stored_and_no_others(tmp_path: Path) -> None:
    """Rows decided meanwhile stay in memory until their own commit."""
    tables = opened(tmp_path)
    tables.write({}, {b"b": b"committing", b"c": b"committing"})
    tables.seal()
    tables.write({}, {b"c": b"deciding"})

    tables.store({"latest": 3})

    assert tables.rows("latest") == {b"a": b"disk", b"b": b"committing", b"c": b"committing"}
    assert read(tables) == [b"disk", b"committing", b"deciding", None]
    tables.drop()
    assert read(tables) == [b"disk", b"committing", b"committing", None]
    tables.close()


def test_both_layers_are_dropped(tmp_path: Path) -> None:
    """A batch that Kafka did not take is dropped, with the rows decided on top of it."""
    tables = opened(tmp_path)
    tables.write({}, {b"b": b"committing"})
    tables.seal()
    tables.write({}, {b"c": b"deciding"})

    tables.drop()

    assert read(tables) == [b"disk", b"disk", b"disk", None]
    assert tables.seal() == {"seen": {}, "latest": {}}
    tables.close()

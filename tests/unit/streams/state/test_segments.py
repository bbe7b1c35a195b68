"""*seen* keeps a row for as long as configured, finds its newest copy, and forgets whole segments."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.topics import DAY_MS
from streams.state.rocksdb_store import Home
from streams.state.tables import PartitionTables, open_tables

START_MS = 20_000 * DAY_MS
KEPT_DAYS = 7


def home(directory: Path, days: int = KEPT_DAYS) -> Home:
    """Return the path of a test's tables."""
    return Home(directory / "0", "capture", 0, days * DAY_MS)


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[PartitionTables]:
    """Give empty tables."""
    made = open_tables(home(tmp_path))
    yield made
    made.close()


def write(tables: PartitionTables, day: float, **rows: str) -> None:
    """Commit rows of *seen* on a day."""
    tables.reach(int(START_MS + day * DAY_MS))
    tables.write({key.encode(): row.encode() for key, row in rows.items()}, {})
    tables.seal()
    tables.store({"seen": 1})


def seen(tables: PartitionTables, key: str) -> str | None:
    """Return the row of *seen* under a key."""
    row = tables.view().seen.get(key.encode())
    return None if row is None else row.decode()


def test_row_is_found_in_every_segment(tables: PartitionTables) -> None:
    """This holds on every day of the window, with any writes in between."""
    for day in range(KEPT_DAYS):
        write(tables, day, **{f"day{day}": "row"})

    assert [seen(tables, f"day{day}") for day in range(KEPT_DAYS)] == ["row"] * KEPT_DAYS
    assert seen(tables, "never") is None


def test_newest_copy_of_a_row_wins(tables: PartitionTables) -> None:
    """A version that is shown again days later has rows in two segments."""
    write(tables, 0, key="old")
    write(tables, 6, key="new")

    assert seen(tables, "key") == "new"


@pytest.mark.parametrize("start", [0, 1.3, 3.49, 3.5, 3.51, 6.99])
def test_row_is_kept_for_the_days_and_not_much_longer(tables: PartitionTables, start: float) -> None:
    """It is kept for the configured days at least, half as many more at most, at any position in its segment."""
    write(tables, start, key="row")

    write(tables, start + KEPT_DAYS, other="row")
    assert seen(tables, "key") == "row"

    write(tables, start + KEPT_DAYS * 1.5 + 0.1, other="row")
    assert seen(tables, "key") is None


def test_dropped_segment_leaves_no_file(tables: PartitionTables, tmp_path: Path) -> None:
    """Its files are unlinked at once; nothing is compacted."""
    for day in range(KEPT_DAYS):
        write(tables, day, **{f"{day}-{number}": "x" * 1000 for number in range(2000)})
        tables.checkpoint("seen", "topic", 1)
    before = sum(file.stat().st_size for file in (tmp_path / "0").glob("*.sst"))

    write(tables, 30, key="row")
    tables.checkpoint("seen", "topic", 1)

    after = sum(file.stat().st_size for file in (tmp_path / "0").glob("*.sst"))
    assert before > 50_000
    assert after < before / 10
    assert tables.rows("seen") == {b"key": b"row"}


def test_time_never_runs_back(tables: PartitionTables) -> None:
    """A late delivery's row goes into the newest segment, or an older copy would hide it."""
    write(tables, 5, key="first")
    write(tables, 0, key="late")

    assert seen(tables, "key") == "late"
    assert tables.time_ms == START_MS + 5 * DAY_MS


def test_segments_are_found_again_after_a_restart(tmp_path: Path) -> None:
    """The result is the rows, and the time that decides the next drop."""
    first = open_tables(home(tmp_path))
    write(first, 0, key="row")
    write(first, 4, other="row")
    first.close()

    again = open_tables(home(tmp_path))

    assert seen(again, "key") == seen(again, "other") == "row"
    assert again.time_ms == START_MS + 4 * DAY_MS
    write(again, 12, third="row")
    assert (seen(again, "key"), seen(again, "third")) == (None, "row")
    again.close()


def test_replay_makes_the_same_segments(tables: PartitionTables, tmp_path: Path) -> None:
    """The changelog's records carry the rows' times, so a restored store drops segments at the same moment."""
    records = [(f"day{day}".encode(), b"row", START_MS + day * DAY_MS) for day in range(9)]
    for key, row, time_ms in records:
        write(tables, (time_ms - START_MS) / DAY_MS, **{key.decode(): row.decode()})
    restored = open_tables(Home(tmp_path / "restored", "capture", 0, KEPT_DAYS * DAY_MS))

    restored.replay("seen", records)
    restored.checkpoint("seen", "topic", len(records))

    assert restored.rows("seen") == tables.rows("seen")
    for made in (restored, tables):
        write(made, 11, last="row")
    assert restored.rows("seen") == tables.rows("seen")
    assert seen(restored, "day0") is None
    restored.close()


def test_other_days_than_before_need_no_rebuild(tmp_path: Path) -> None:
    """With a smaller number, the next write drops segments that are too old for it."""
    first = open_tables(home(tmp_path, days=30))
    write(first, 0, key="row")
    first.close()

    again = open_tables(home(tmp_path, days=1))

    assert seen(again, "key") == "row"
    write(again, 16.5, other="row")
    assert seen(again, "key") is None
    again.close()


def test_deleted_key_goes_from_every_segment(tables: PartitionTables) -> None:
    """A tombstone on the changelog must not expose an older copy."""
    write(tables, 0, key="old")
    write(tables, 6, key="new")

    tables.replay("seen", [(b"key", None, START_MS + 6 * DAY_MS)])

    assert seen(tables, "key") is None

"""A store on disk that is damaged, foreign or of another format is replaced by an empty one; nothing else is touched."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import rocksdict
from structlog.testing import capture_logs

from schemas.topics import DAY_MS
from streams.errors import Fatal, StoreCorrupted
from streams.state.rocksdb_store import META, Home
from streams.state.tables import PartitionTables, open_tables
from tests.support.faults.store_damage import overwrite_middle, write_meta

ROWS = 3_000


def home(directory: Path, app: str = "capture", partition: int = 0) -> Home:
    """Return the path of a test's tables."""
    return Home(directory / "store", app, partition, 7 * DAY_MS)


def filled(directory: Path) -> Path:
    """Return the directory of a closed store with some files of rows."""
    tables = open_tables(home(directory))
    for begin in range(0, ROWS, 1000):
        rows = {f"key{number}".encode(): os.urandom(500) for number in range(begin, begin + 1000)}
        tables.reach(20_000 * DAY_MS)
        tables.write(rows, rows)
        tables.seal()
        tables.store({"seen": begin, "latest": begin})
        for name in ("seen", "latest"):
            tables.checkpoint(name, "topic", begin)
    tables.close()
    return directory / "store"


def tables_file(directory: Path) -> Path:
    """Return the largest file of rows."""
    return max(directory.glob("*.sst"), key=lambda file: file.stat().st_size)


def truncate(directory: Path) -> None:
    """Cut a file of rows in half."""
    os.truncate(tables_file(directory), tables_file(directory).stat().st_size // 2)


def scribble(directory: Path) -> None:
    """Overwrite the list of files."""
    for file in directory.glob("MANIFEST-*"):
        file.write_bytes(b"\xff" * file.stat().st_size)


def point_nowhere(directory: Path) -> None:
    """Let the store name a list of files that does not exist."""
    (directory / "CURRENT").write_text("MANIFEST-999999\n")


def lose(directory: Path) -> None:
    """Remove a file of rows."""
    tables_file(directory).unlink()


def lose_current(directory: Path) -> None:
    """Remove the file that names the current list of files."""
    (directory / "CURRENT").unlink()


def flip(directory: Path) -> None:
    """Flip bits in the middle of the files of rows; their sizes and ends stay."""
    for file in directory.glob("*.sst"):
        if file.stat().st_size > 100_000:
            overwrite_middle(file)


def read_all(tables: PartitionTables) -> None:
    """Look up every row."""
    for number in range(ROWS):
        tables.view().latest.get(f"key{number}".encode())


def make_old(directory: Path) -> None:
    """Leave a store in the first version's format: three column families, no format, no identity."""
    rocksdict.Rdict.destroy(str(directory))
    options = rocksdict.Options(raw_mode=True)
    options.create_if_missing(True)
    options.create_missing_column_families(True)
    families = {name: rocksdict.Options(raw_mode=True) for name in ("seen", "latest", META)}
    with rocksdict.Rdict(str(directory), options, column_families=families) as database:
        database.get_column_family("latest")[b"key0"] = b"row"


def make_new(directory: Path) -> None:
    """Claim a format that only a later version has."""
    write_meta(directory, b"format", b"999")


def mix_up(directory: Path) -> None:
    """Replace a file of rows by a foreign file."""
    tables_file(directory).write_bytes(b"SQLite format 3\0" * 1000)


DAMAGES = [
    truncate, scribble, point_nowhere, lose, lose_current, make_old, make_new, mix_up,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damaged_store_is_replaced_with_one_warning(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """It is empty, works, and stays: the next start finds nothing wrong."""
    damage(filled(tmp_path))

    with capture_logs() as logs:
        tables = open_tables(home(tmp_path))
    assert [line["event"] for line in logs] == ["store_rebuilt"]
    assert logs[0]["reason"]
    assert (tables.rows("latest"), tables.next_offset("latest"), tables.origin("latest")) == ({}, 0, None)
    tables.write({}, {b"key": b"row"})
    tables.seal()
    tables.store({"latest": 5})
    tables.close()

    with capture_logs() as logs:
        again = open_tables(home(tmp_path))
    assert (again.rows("latest"), again.next_offset("latest"), logs) == ({b"key": b"row"}, 5, [])
    again.close()


@pytest.mark.parametrize("other", [{"app": "other"}, {"partition": 1}], ids=str)
def test_store_of_another_app_or_partition_is_replaced(tmp_path: Path, other: dict[str, str | int]) -> None:
    """A directory that was copied, or an app that was renamed, must not bring foreign rows."""
    filled(tmp_path)

    with capture_logs() as logs:
        tables = open_tables(Home(tmp_path / "store", **{"app": "capture", "partition": 0, "seen_ms": 1, **other}))  # type: ignore[arg-type]  # mixed by the test

    assert tables.rows("latest") == {}
    assert "belongs to capture/0" in logs[0]["reason"]
    tables.close()


def test_block_damaged_behind_its_back_is_recognised_when_read(tmp_path: Path) -> None:
    """A flipped bit keeps the file's size: opening succeeds, the row's checksum fails."""
    directory = filled(tmp_path)
    flip(directory)
    tables = open_tables(home(tmp_path))

    with pytest.raises(StoreCorrupted) as caught:
        read_all(tables)

    assert caught.value.directory == directory
    assert "checksum" in caught.value.reason
    tables.close()


def test_what_rocksdb_did_not_write_is_set_aside(tmp_path: Path) -> None:
    """A data directory with foreign files: they are kept, under another name."""
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "thesis.tex").write_text("years of work")
    (tmp_path / "store" / "CURRENT").write_text("nonsense")

    tables = open_tables(home(tmp_path))

    (aside,) = tmp_path.glob("store.set-aside-*")
    assert (aside / "thesis.tex").read_text() == "years of work"
    assert tables.rows("latest") == {}
    tables.close()


def test_file_in_the_place_of_a_store_ends_the_process(tmp_path: Path) -> None:
    """It is not a store, so Penstock does not move it; the message has the remedy."""
    (tmp_path / "store").write_text("a file")

    with pytest.raises(Fatal, match="choose another --data-dir"):
        open_tables(home(tmp_path))

    assert (tmp_path / "store").read_text() == "a file"


def test_store_held_by_another_process_ends_this_one(tmp_path: Path) -> None:
    """The store of the other process is not touched."""
    held = open_tables(home(tmp_path))

    with pytest.raises(Fatal, match="--worker-id"):
        open_tables(home(tmp_path))

    held.write({}, {b"key": b"row"})
    held.seal()
    held.store({"latest": 1})
    assert held.rows("latest") == {b"key": b"row"}
    held.close()


FILLS_UP = """
import os, resource, signal, sys
from pathlib import Path
from streams.errors import Fatal
from streams.state.rocksdb_store import Home
from streams.state.tables import open_tables
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
tables = open_tables(Home(Path(sys.argv[1]), "capture", 0, 7 * 86_400_000))
try:
    for number in range(10_000):
        tables.write({}, {b"%d" % number: os.urandom(1000)})
        tables.seal()
        tables.store({"latest": number + 1})
except Fatal as fault:
    print(fault)
    os._exit(3)
"""


def test_full_disk_ends_the_process_and_breaks_nothing(tmp_path: Path) -> None:
    """Files may not grow beyond a limit, as on a full disk: a clear message, and afterwards every row up to the offset."""
    script = [sys.executable, "-c", FILLS_UP, str(tmp_path / "store")]
    ended = subprocess.run(script, capture_output=True, text=True, check=False, timeout=60)

    assert ended.returncode == 3, ended.stderr
    assert "nothing is lost" in ended.stdout
    with capture_logs() as logs:
        tables = open_tables(home(tmp_path))
    count = tables.next_offset("latest")
    assert logs == []
    assert 100 < count < 10_000
    assert set(tables.rows("latest")) == {b"%d" % number for number in range(count)}
    tables.close()


def test_unlogged_rows_count_only_after_a_checkpoint(tmp_path: Path) -> None:
    """A restore killed before its checkpoint begins at the last one."""
    tables = open_tables(home(tmp_path))
    tables.replay("latest", [(b"first", b"row", 0)])
    tables.checkpoint("latest", "topic", 1)
    tables.replay("latest", [(b"second", b"row", 0)])
    copied = tmp_path / "killed"
    subprocess.run(["cp", "-r", str(tmp_path / "store"), str(copied)], check=True)  # noqa: S607  # what a kill leaves
    tables.close()

    killed = PartitionTables(Home(copied, "capture", 0, 1))

    assert killed.rows("latest") == {b"first": b"row"}
    assert (killed.next_offset("latest"), killed.origin("latest")) == (1, "topic")
    killed.close()

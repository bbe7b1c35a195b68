"""Which spool belongs to a process, and what becomes of the spools of slots that are no more."""

import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ingress import spools
from ingress.delivery.spool_file import Row, SpoolFile, SpoolHeld
from ingress.processes import Slot
from ingress.settings import Settings
from ingress.spools import opened_spool


def spooled(path: Path, *values: bytes) -> None:
    """Leave a spool with these deliveries."""
    file = SpoolFile(path)
    file.change([Row(seq, b"key", value, b"\x90", 1000.0 + seq) for seq, value in enumerate(values, start=1)], [])
    file.close()


def values(path: Path) -> list[bytes]:
    """Return what lies in a spool."""
    file = SpoolFile(path)
    found = [row.value for row in file.rows(0, 10_000, 1 << 30)]
    file.close()
    return found


def open_and_close(directory: Path, slot: Slot) -> int:
    """Open the spool of a slot of port 8080 as a process does, and return how many deliveries it found."""
    spool = opened_spool(Settings({}, spool_bytes=1 << 20, spool_directory=directory), 8080, slot)
    assert spool is not None
    spool._file.close()
    return spool.deliveries


def test_slot_finds_its_own_again(tmp_path: Path) -> None:
    """Slot 0 has the file that a single process has, so that --workers can be raised; others have their number in it."""
    spooled(tmp_path / "8080.sqlite", b"zero")
    spooled(tmp_path / "8080-1.sqlite", b"one", b"one")

    assert open_and_close(tmp_path, Slot(0, 2)) == 1
    assert open_and_close(tmp_path, Slot(1, 2)) == 2


def test_only_the_owner_can_look(tmp_path: Path) -> None:
    """Bodies lie in the spool as they came."""
    open_and_close(tmp_path / "data" / "spool", Slot(0, 1))

    assert (tmp_path / "data" / "spool").stat().st_mode & 0o077 == 0


def test_bound_is_shared_out(tmp_path: Path) -> None:
    """ingress.spool_bytes is for the port, however many processes serve it."""
    settings = Settings({}, spool_bytes=1 << 20, spool_directory=tmp_path)

    spool = opened_spool(settings, 8080, Slot(1, 4))

    assert spool is not None
    spool._file.close()
    assert spool.limit_bytes == 1 << 18


def test_spools_of_slots_that_are_no_more_are_taken_over(tmp_path: Path) -> None:
    """With --workers lowered to 2, slot 0 has its own deliveries and then, in order, those of slots 2 and 3."""
    many = [b"%d" % number for number in range(1200)]
    spooled(tmp_path / "8080.sqlite", b"zero")
    spooled(tmp_path / "8080-1.sqlite", b"one")
    spooled(tmp_path / "8080-2.sqlite", *many)
    spooled(tmp_path / "8080-3.sqlite", b"three")
    spooled(tmp_path / "9090-5.sqlite", b"another port")

    with capture_logs() as logs:
        open_and_close(tmp_path, Slot(0, 2))

    assert values(tmp_path / "8080.sqlite") == [b"zero", *many, b"three"]
    assert sorted(path.name for path in tmp_path.glob("*.sqlite")) == ["8080-1.sqlite", "8080.sqlite", "9090-5.sqlite"]
    assert [event["deliveries"] for event in logs if event["event"] == "spool_taken_over"] == [1200, 1]


def test_only_slot_0_takes_over(tmp_path: Path) -> None:
    """Two that took over one spool would publish it twice."""
    spooled(tmp_path / "8080-2.sqlite", b"two")

    open_and_close(tmp_path, Slot(1, 2))

    assert values(tmp_path / "8080-2.sqlite") == [b"two"]


def test_what_kafka_refused_stays_for_people(tmp_path: Path) -> None:
    """A spool with deliveries that were put aside is emptied but not removed."""
    spooled(tmp_path / "8080-1.sqlite", b"too large", b"fine")
    orphan = SpoolFile(tmp_path / "8080-1.sqlite")
    orphan.refuse(1, "record_too_large")
    orphan.close()

    assert open_and_close(tmp_path, Slot(0, 1)) == 1

    orphan = SpoolFile(tmp_path / "8080-1.sqlite")
    assert (orphan.depth().deliveries, orphan.depth().refused) == (0, 1)
    orphan.close()


def test_spool_of_a_dying_process_is_waited_for(tmp_path: Path) -> None:
    """The processes of a killed parent drain for some seconds: their successors wait instead of giving up."""
    dying = SpoolFile(tmp_path / "8080-1.sqlite")
    dying.change([Row(1, b"key", b"last words", b"\x90", 1000.0)], [])
    end = threading.Timer(0.3, dying.close)
    end.start()

    assert open_and_close(tmp_path, Slot(1, 2)) == 1
    end.join()


def test_wait_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who really shares the directory is told so."""
    monkeypatch.setattr(spools, "HELD_S", 0.2)
    other = SpoolFile(tmp_path / "8080-1.sqlite")

    with pytest.raises(SpoolHeld, match="another process holds the spool"):
        open_and_close(tmp_path, Slot(1, 2))

    other.close()

"""The file that makes the demo's store the same after a restart."""

from decimal import Decimal
from pathlib import Path

import pytest

from schemas.records import Document
from simulator.demo_store import journal as module
from simulator.demo_store.address import STORE
from simulator.demo_store.callbacks import Named
from simulator.demo_store.journal import Journal

LAMP, TRAY = Named(STORE, "product", "1"), Named(STORE, "product", "2")


def reopened(path: Path) -> dict[Named, Document | None]:
    """Return what a new process finds."""
    found = Journal(path)
    found.close()
    return dict(found.changed())


def test_the_last_state_of_each_resource_is_kept(tmp_path: Path) -> None:
    """Deletions too, and every digit."""
    path = tmp_path / "store" / "shop.jsonl"
    journal = Journal(path)
    journal.note(LAMP, {"id": 1, "price": Decimal("10.00")})
    journal.note(TRAY, {"id": 2})
    journal.note(LAMP, {"id": 1, "price": Decimal("12.10")})
    journal.note(TRAY, None)
    journal.close()

    assert reopened(path) == {LAMP: {"id": 1, "price": Decimal("12.10")}, TRAY: None}
    assert '"price":12.10' in path.read_text()
    assert len(path.read_text().splitlines()) == 2


def test_a_line_that_was_cut_short_is_dropped(tmp_path: Path) -> None:
    """A kill in the middle of a write loses that change alone, and what is written afterwards is whole."""
    path = tmp_path / "shop.jsonl"
    journal = Journal(path)
    journal.note(LAMP, {"id": 1})
    journal.note(TRAY, {"id": 2})
    journal.close()
    path.write_bytes(path.read_bytes()[:-7])

    again = Journal(path)
    again.note(TRAY, {"id": 22})
    again.close()

    assert reopened(path) == {LAMP: {"id": 1}, TRAY: {"id": 22}}


def test_the_file_stays_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often one resource is changed."""
    monkeypatch.setattr(module, "MAX_SPARE_LINES", 10)
    path = tmp_path / "shop.jsonl"
    journal = Journal(path)
    for number in range(100):
        journal.note(LAMP, {"id": 1, "number": number})
        assert len(path.read_text().splitlines()) <= 12
    journal.close()

    assert reopened(path) == {LAMP: {"id": 1, "number": 99}}

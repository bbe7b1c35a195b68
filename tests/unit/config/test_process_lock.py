"""One process holds a file; what it leaves behind locks nothing."""

import os
from pathlib import Path

import pytest

from config.process_lock import Held, claim


def test_second_claim_names_the_holder(tmp_path: Path) -> None:
    """By the id in the file; a file without one has an unknown holder."""
    with claim(tmp_path / "lock") as lock:
        with pytest.raises(Held, match=f"process {os.getpid()} holds it"):
            claim(tmp_path / "lock")
        lock.truncate(0)
        with pytest.raises(Held) as held:
            claim(tmp_path / "lock")

    assert held.value.holder == "unknown"


def test_file_that_was_left_behind_is_free(tmp_path: Path) -> None:
    """Its text is replaced, also where it was longer."""
    (tmp_path / "lock").write_text("12345678901234567890\n")

    claim(tmp_path / "lock").close()

    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_folder_that_is_missing_is_an_error_of_the_system(tmp_path: Path) -> None:
    """The caller says what it needs the folder for."""
    with pytest.raises(FileNotFoundError):
        claim(tmp_path / "missing" / "lock")

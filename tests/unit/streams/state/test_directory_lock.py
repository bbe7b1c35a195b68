"""A worker's directory has one worker; a killed one holds no lock."""

import os
from pathlib import Path

import pytest

from streams.errors import Fatal
from streams.state.directory_lock import claim


def test_second_worker_is_told_who_holds_the_directory(tmp_path: Path) -> None:
    """The message names the process and the remedy."""
    with (
        claim(tmp_path / "one"),
        pytest.raises(
            Fatal, match=rf"another worker \(process {os.getpid()}\) has this --worker-id .* an id of its own"
        ),
    ):
        claim(tmp_path / "one")


def test_released_directory_can_be_had_again(tmp_path: Path) -> None:
    """A former worker's file does not lock; another id is another directory."""
    claim(tmp_path / "one").close()

    with claim(tmp_path / "one"), claim(tmp_path / "two"):
        pass


def test_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """The message has the remedy."""
    (tmp_path / "state").write_text("in the way")

    with pytest.raises(Fatal, match="--data-dir"):
        claim(tmp_path / "state" / "one")

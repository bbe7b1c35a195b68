"""Which processes may use a data directory."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.data_dir import LOCK, claim
from local.errors import Refused
from tests.support.waiting import until

HOLD = """
import pathlib, sys, time
from local.data_dir import claim
with claim(pathlib.Path(sys.argv[1])):
    time.sleep(600)
"""


def test_directory_is_made_and_used_again(tmp_path: Path) -> None:
    """A new directory is made; the next run accepts its own."""
    data_dir = tmp_path / "new" / "deep"

    for _ in range(2):
        with claim(data_dir):
            assert (data_dir / LOCK).read_text() == f"{os.getpid()}\n"
            (data_dir / "kafka").mkdir(exist_ok=True)


def test_second_process_is_refused_until_the_first_is_killed(tmp_path: Path) -> None:
    """The refusal names the holder; SIGKILL leaves no stale lock behind."""
    first = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)])
    until(lambda: (tmp_path / LOCK).exists() and (tmp_path / LOCK).read_text() == f"{first.pid}\n", 20, "it is held")

    with pytest.raises(Refused, match=rf"process {first.pid}\)"), claim(tmp_path):
        pass

    first.kill()
    first.wait()
    with claim(tmp_path):
        pass


def test_foreign_directory_is_refused(tmp_path: Path) -> None:
    """A directory with foreign files is left alone."""
    (tmp_path / "thesis.txt").touch()

    with pytest.raises(Refused, match="not penstock's"), claim(tmp_path):
        pass

    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """The reason is the system's, the advice ours."""
    (tmp_path / "file").touch()

    with pytest.raises(Refused, match="--data-dir"), claim(tmp_path / "file" / "inside"):
        pass


def test_nearly_full_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less than 500 MB is reported before Kafka fails on it."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10**12, 10**12, 312_000_000))

    with pytest.raises(Refused, match="312 MB left"), claim(tmp_path):
        pass

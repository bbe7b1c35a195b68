"""Log files stay bounded and keep a process's last lines."""

import sys
from pathlib import Path

import pytest

from local import logs
from local.guard import spawn
from tests.support.waiting import until


def test_rotate_keeps_the_last_run(tmp_path: Path) -> None:
    """A new start begins a new file; the lines from before the death are in `.1`."""
    log = tmp_path / "deep" / "worker.log"
    logs.rotate(log)
    log.write_text("first run")

    logs.rotate(log)

    assert not log.exists()
    assert log.with_name("worker.log.1").read_text() == "first run"


def test_growing_log_is_cut_under_a_running_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that logs continuously neither fills the disk nor leaves a hole where its file was cut."""
    monkeypatch.setattr(logs, "LARGEST_BYTES", 50_000)
    monkeypatch.setattr(logs, "KEPT_BYTES", 1_000)
    log = tmp_path / "log"
    child = spawn([sys.executable, "-uc", "while True: print('x' * 99)"], log=log)
    try:
        until(lambda: log.exists() and log.stat().st_size > logs.LARGEST_BYTES, 20, "the log has grown")

        logs.bound(log)

        assert log.with_name("log.1").stat().st_size >= logs.KEPT_BYTES
        until(lambda: log.stat().st_size > 0, 20, "the process goes on writing")
        assert b"\0" not in log.read_bytes()
    finally:
        child.kill()


def test_last_lines_of_a_long_log(tmp_path: Path) -> None:
    """Only the end is read, however long the file is; a missing file has no lines."""
    log = tmp_path / "log"
    log.write_text("".join(f"line {number}\n" for number in range(10_000)))

    assert logs.last_lines(log, 2) == "    line 9998\n    line 9999\n"
    assert logs.last_lines(tmp_path / "none") == ""

"""Children end with their parent, however it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.guard import spawn
from tests.support.waiting import is_running, until, until_gone

# A parent that starts a child that starts a grandchild; every process writes its id and then does nothing.
IDLE = "import time; time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {IDLE}"
FAMILY = """
import pathlib, subprocess, sys
grandchild = subprocess.Popen([sys.executable, "-c", {idle!r}])
pathlib.Path({folder!r}, "grandchild").write_text(str(grandchild.pid))
{then}
"""
PARENT = """
import pathlib, sys, time
from local.guard import spawn
child = spawn([sys.executable, "-c", {child!r}], log=pathlib.Path({folder!r}, "log"))
pathlib.Path({folder!r}, "child").write_text(str(child.pid))
time.sleep(600)
"""


@pytest.mark.parametrize("then", [IDLE, DEAF], ids=["polite", "ignores SIGTERM"])
def test_nothing_survives_a_killed_parent(tmp_path: Path, then: str) -> None:
    """SIGKILL for the parent ends the child and the child's own children, also those that ignore signals."""
    child = FAMILY.format(idle=IDLE, folder=str(tmp_path), then=then)
    parent = subprocess.Popen([sys.executable, "-c", PARENT.format(child=child, folder=str(tmp_path))])
    until(lambda: all(_pid(tmp_path / name) for name in ("child", "grandchild")), 20, "both have started")
    pids = [_pid(tmp_path / name) for name in ("child", "grandchild")]

    parent.kill()
    parent.wait()

    until_gone(pids, 5)


def test_child_has_its_own_pid_and_exit_code(tmp_path: Path) -> None:
    """The process id is the command's, not a wrapper's, and so is the exit code; output goes to the log."""
    child = spawn([sys.executable, "-c", "import os; print(os.getpid()); raise SystemExit(7)"], log=tmp_path / "log")

    assert child.wait(20) == 7
    assert (tmp_path / "log").read_text() == f"{child.pid}\n"


def test_signal_that_ended_a_child_is_its_exit_code(tmp_path: Path) -> None:
    """A killed command is distinguished from one that ended by itself."""
    child = spawn([sys.executable, "-c", IDLE], log=tmp_path / "log")

    os.kill(child.pid, signal.SIGKILL)

    assert child.wait(20) == -signal.SIGKILL


def test_stop_kills_what_does_not_listen(tmp_path: Path) -> None:
    """A command that ignores SIGTERM is killed after its timeout, with everything it started."""
    child = spawn(
        [sys.executable, "-c", FAMILY.format(idle=IDLE, folder=str(tmp_path), then=DEAF)], log=tmp_path / "log"
    )
    until(lambda: bool(_pid(tmp_path / "grandchild")), 20, "the grandchild has started")

    assert child.stop(0.1) == -signal.SIGKILL
    until_gone([child.pid, _pid(tmp_path / "grandchild")], 5)


def test_children_left_behind_end_with_their_parent(tmp_path: Path) -> None:
    """When a command ends by itself, its children end, too."""
    child = spawn([sys.executable, "-c", FAMILY.format(idle=IDLE, folder=str(tmp_path), then="")], log=tmp_path / "log")

    assert child.wait(20) == 0
    until_gone([_pid(tmp_path / "grandchild")], 5)


def test_unknown_program_says_so(tmp_path: Path) -> None:
    """A missing program ends with 127, as in a shell, and its name is in the log."""
    child = spawn(["no-such-program-here"], log=tmp_path / "log")

    assert child.wait(20) == 127
    assert "no-such-program-here" in (tmp_path / "log").read_text()
    assert not is_running(child.pid)


def _pid(file: Path) -> int:
    return int((file.read_text() or "0") if file.exists() else "0")

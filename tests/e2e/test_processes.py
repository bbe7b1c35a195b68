"""A parent and its processes: told of signals, replaced when they hang, killed when somebody asks twice.

The whole ingress in several processes is in tests/kafka/test_ingress_processes.py.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.guard import Child, spawn
from tests.support.waiting import until

TIMEOUT_S = 30.0


@contextmanager
def slots(log: Path, *how: str) -> Iterator[Child]:
    """Give a parent of two processes that have begun."""
    command = [sys.executable, "-m", "tests.support.slots", *how]
    child = spawn(command, log=log, environment=os.environ)
    try:
        until(lambda: {"0 began", "1 began"} <= set(lines(log)), TIMEOUT_S, "both processes began")
        yield child
    finally:
        child.kill()


def lines(log: Path) -> list[str]:
    """Return what parent and processes have written."""
    return log.read_text().splitlines()


def test_sighup_is_passed_on(tmp_path: Path) -> None:
    """Asked to read its configuration again, the parent asks all processes."""
    log = tmp_path / "log"
    with slots(log) as parent:
        os.kill(parent.pid, signal.SIGHUP)

        until(lambda: {"0 hung up", "1 hung up"} <= set(lines(log)), TIMEOUT_S, "both were told")


def test_hanging_process_is_replaced(tmp_path: Path) -> None:
    """A process that gives no sign of life is killed and started again; the other one is left alone."""
    log = tmp_path / "log"
    with slots(log, "hang"):
        until(lambda: lines(log).count("1 began") == 2, TIMEOUT_S, "the hanging process was replaced")

        assert lines(log).count("0 began") == 1
        assert "process_hung" in log.read_text()


def test_second_signal_kills(tmp_path: Path) -> None:
    """Somebody who asks twice waits for nothing, and the exit code says that nobody drained."""
    log = tmp_path / "log"
    with slots(log, "deaf") as parent:
        parent.terminate()
        until(lambda: "ingress_stopping" in log.read_text(), TIMEOUT_S, "the parent was asked")
        parent.terminate()

        assert parent.wait(TIMEOUT_S) == 130

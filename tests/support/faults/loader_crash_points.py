"""A loader in which a fault is injected at one statement, so that a crash test is deterministic.

`python -m tests.support.faults.loader_crash_points FAULT WHEN TEXT NUMBER` in a loader's environment. The fault hits, once,
at the NUMBER-th statement that starts with TEXT, `before` or `after` the engine executes it. A `COMMIT` counts only where the
transaction has written changes, so that it means a batch. The faults:

kill    SIGKILL
doubt   the engine has executed the statement and reports an error all the same

The statement `SHOW` stands for the commit of the offsets to the consumer group, the last step of a batch.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import duckdb

from config.loading import load
from sinks.consumer import SinkConsumer
from sinks.warehouse.engines import duckdb_file, ducklake
from sinks.warehouse.service import run_loader
from sinks.warehouse.settings import loader_settings

MET = "as the test wants it"  # in the log


class CrashPoint:
    """The fault, its place, and whether it has happened."""

    def __init__(self, kind: str, when: str, text: str, number: int) -> None:
        self._kind, self._when, self._text = kind, when, text
        self._left = number
        self._has_rows = False

    def meet(self, when: str, statement: str) -> None:
        """Let the fault happen if this is the chosen statement."""
        self._has_rows |= statement.startswith("INSERT INTO") and '_history"' in statement
        if self._text not in statement or (statement == "COMMIT" and not self._has_rows):
            return
        if when == "after" and statement in {"COMMIT", "ROLLBACK"}:
            self._has_rows = False
        if when != self._when:
            return
        self._left -= 1
        if self._left != 0:
            return
        if self._kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise duckdb.IOException(MET)


class Watched:
    """A connection that reports every statement."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, crash: CrashPoint) -> None:
        self._connection, self._crash = connection, crash

    def execute(self, statement: str, *arguments: Any) -> Any:
        """Execute a statement between two reports."""
        self._crash.meet("before", statement)
        result = self._connection.execute(statement, *arguments)
        self._crash.meet("after", statement)
        return result

    def __getattr__(self, name: str) -> Any:
        """Return anything else of the connection."""
        return getattr(self._connection, name)


def inject(crash: CrashPoint) -> None:
    """Let this process pass the crash point; nothing else about it changes."""
    attached, opened, show = vars(ducklake)["attached"], vars(duckdb_file)["_opened"], SinkConsumer.show

    def shown(consumer: SinkConsumer, *arguments: Any) -> None:
        crash.meet("before", "SHOW")
        show(consumer, *arguments)
        crash.meet("after", "SHOW")

    vars(ducklake)["attached"] = lambda *a, **k: Watched(attached(*a, **k), crash)
    vars(duckdb_file)["_opened"] = lambda *a: Watched(opened(*a), crash)
    SinkConsumer.show = shown  # type: ignore[assignment,method-assign]  # the purpose of this module


if __name__ == "__main__":
    kind, when, text, number = sys.argv[1:]
    inject(CrashPoint(kind, when, text, int(number)))
    directory = Path(os.environ["PENSTOCK_DATA_DIR"])
    configuration = load(Path(os.environ["PENSTOCK_CONFIG"]), os.environ)
    sys.exit(run_loader(loader_settings(configuration, os.environ, directory)))

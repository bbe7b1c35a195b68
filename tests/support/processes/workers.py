"""Real worker processes for tests: started, killed, restarted, and always ended with the tests."""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx

from local.guard import Child, spawn
from tests.support.waiting import until

LOG_CHARS = 4_000


class Workers:
    """Workers of one application; slots are numbered, and a slot keeps its worker id and disk over restarts."""

    def __init__(self, directory: Path, configuration: str) -> None:
        self.directory = directory
        self.configuration = directory / "penstock.toml"
        self.configuration.write_text(configuration)
        self.children: dict[int, Child] = {}

    def start(
        self,
        slot: int,
        worker_id: str | None = None,
        app: str = "streams.app",
        crash_point: Sequence[str] = (),
        data_dir: Path | None = None,
        operations_port: str = "0",
    ) -> Child:
        """Start the worker of a slot; `app` is another module than Penstock's.

        `crash_point` are the arguments of tests/support/faults/crash_points.py, for a worker that crashes. Without `data_dir` it
        uses the slot's. An empty `operations_port` leaves the choice to the configuration.
        """
        data_dir = data_dir or self.data_dir(slot)
        environment = {
            **os.environ,
            "PENSTOCK_CONFIG": str(self.configuration),
            "PENSTOCK_DATA_DIR": str(data_dir),
            "PENSTOCK_WORKER_ID": worker_id or f"slot-{slot}",
            "PENSTOCK_WORKER_OPERATIONS_PORT": operations_port,
        }
        command = [str(Path(sys.executable).parent / "faust"), "-A", app, "worker", "-l", "warn"]
        if crash_point:
            command = [sys.executable, "-m", "tests.support.faults.crash_points", *crash_point]
        data_dir.mkdir(exist_ok=True)
        self.children[slot] = spawn(command, log=self.log(slot), environment=environment)
        return self.children[slot]

    def kill(self, slot: int) -> None:
        """End a worker with SIGKILL at any point of its work."""
        self.children[slot].kill()

    def pause(self, slot: int) -> None:
        """Stop a worker with SIGSTOP: it holds its partitions and connections, and does nothing."""
        os.kill(self.children[slot].pid, signal.SIGSTOP)

    def resume(self, slot: int) -> None:
        """Resume a paused worker."""
        os.kill(self.children[slot].pid, signal.SIGCONT)

    def restart_the_dead(self) -> dict[int, int]:
        """Restart every worker that has ended, as a supervisor would; return their slots and exit codes."""
        ended = {slot: child.exit_code() for slot, child in self.children.items()}
        dead = {slot: code for slot, code in ended.items() if code is not None}
        for slot in dead:
            self.start(slot)
        return dead

    def data_dir(self, slot: int) -> Path:
        """Return a slot's data directory."""
        return self.directory / f"worker-{slot}"

    def log(self, slot: int) -> Path:
        """Return a slot's log file."""
        return self.directory / f"worker-{slot}.log"

    def is_ready(self, slot: int) -> bool:
        """Say whether a worker has its partitions and their tables."""
        return (self.data_dir(slot) / "worker.ready").exists()

    def get(self, slot: int, path: str) -> httpx.Response:
        """Return the answer of a worker's operations port."""
        events = [json.loads(line) for line in self.log(slot).read_text().splitlines() if "worker_listening" in line]
        url = f"http://127.0.0.1:{events[-1]['operations_port']}{path}"
        return httpx.get(url, timeout=10, trust_env=False)

    def account(self) -> str:
        """Return each worker's status and last log lines, for the message of a failed test."""
        return "\n".join(self._account(slot, child) for slot, child in self.children.items())

    def _account(self, slot: int, child: Child) -> str:
        code, log = child.exit_code(), self.log(slot).read_text(errors="replace")
        state = "runs" if code is None else f"has ended with {code}"
        ready = "ready" if self.is_ready(slot) else "not ready"
        return f"worker {slot} {state}, {ready}; the end of its log:\n{log[-LOG_CHARS:]}"

    def stop(self) -> None:
        """End all workers."""
        for child in self.children.values():
            child.stop(10)


@contextlib.contextmanager
def running(directory: Path, configuration: str) -> Iterator[Workers]:
    """Give workers that end with the block."""
    workers = Workers(directory, configuration)
    try:
        yield workers
    except BaseException as error:
        error.add_note(workers.account())
        raise
    finally:
        workers.stop()


def configured(kafka: str, registry: str, source: str, app: str) -> str:
    """Return a penstock.toml with one Shopify source."""
    return f"""
[kafka]
bootstrap_servers = "{kafka}"
[registry]
url = "{registry}"
[worker]
app = "{app}"
[[sources]]
name = "{source}"
provider = "shopify"
secrets = ["text:made-up"]
"""


def wait_until(is_true: Callable[[], bool], what: str, timeout_s: float = 60.0) -> None:
    """Wait for a fact; fail with its name after the timeout."""
    until(is_true, timeout_s, what)

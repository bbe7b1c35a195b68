"""A process that is stopped during its start ends at once, also as a container's first process. Kafka is away."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from tests.support.processes.ingress import KAFKA_AWAY
from tests.support.waiting import until

ENDS_S = 8.0  # less than the 10 s for which a call to Kafka may wait
STARTS_S = 60.0
BIT = 1 << (signal.SIGTERM - 1)
NEW_PIDS = ("unshare", "--pid", "--fork", "--kill-child")


def command(service: str, directory: Path) -> list[str]:
    """Return the command line of a service, with ports of its own."""
    (directory / "penstock.toml").write_text(KAFKA_AWAY)
    ports = ["--operations-port", "0", *(["--port", "0"] if service == "ingress" else [])]
    places = ["--config", str(directory / "penstock.toml"), "--data-dir", str(directory / "data")]
    return [sys.executable, "-m", "console.entry", service, *ports, *places]


def started(arguments: Sequence[str], directory: Path) -> subprocess.Popen[bytes]:
    """Start a command whose log is a file."""
    with (directory / "log").open("wb") as log:
        return subprocess.Popen(arguments, stdout=log, stderr=log)


def heeds_sigterm(pid: int) -> bool:
    """Say whether a process has a handler for SIGTERM, as the kernel sees it."""
    status = Path(f"/proc/{pid}/status").read_text()
    return bool(int(status.partition("SigCgt:")[2].split()[0], 16) & BIT)


def loaded(pid: int, library: str) -> bool:
    """Say whether a process has loaded a library."""
    return library in Path(f"/proc/{pid}/maps").read_text()


@pytest.mark.parametrize("delay_ms", [0, 50, 100, 300, 1000])
@pytest.mark.parametrize("service", ["ingress", "worker"])
def test_sigterm_in_the_first_second_ends_a_service(service: str, delay_ms: int, tmp_path: Path) -> None:
    """With 0 and no complaint; in the first moment, before Python runs any of our code, by the signal itself."""
    with started(command(service, tmp_path), tmp_path) as process:
        threading.Event().wait(delay_ms / 1000)
        process.terminate()

        assert process.wait(ENDS_S) in {0, -signal.SIGTERM}
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize("service", ["ingress", "worker"])
def test_handlers_come_before_what_takes_long_to_import(service: str, tmp_path: Path) -> None:
    """Once the kernel has a handler it ends with 0; Kafka's client, the largest part, is not loaded by then."""
    with started(command(service, tmp_path), tmp_path) as process:
        until(lambda: heeds_sigterm(process.pid), STARTS_S, "it has a handler", poll_s=0.001)
        assert not loaded(process.pid, "librdkafka")
        process.terminate()

        assert process.wait(ENDS_S) == 0
    assert (tmp_path / "log").read_bytes() == b""


@pytest.mark.skipif(
    shutil.which("unshare") is None or os.geteuid() != 0, reason="needs root, and unshare of util-linux"
)
@pytest.mark.parametrize("service", ["ingress", "worker"])
def test_first_process_of_a_container_ends_as_well(service: str, tmp_path: Path) -> None:
    """The kernel delivers to process 1 only signals that it has a handler for."""
    with started([*NEW_PIDS, *command(service, tmp_path)], tmp_path) as outside:
        until(lambda: len(psutil.Process(outside.pid).children()) == 1, STARTS_S, "process 1 is there")
        (first,) = psutil.Process(outside.pid).children()
        until(lambda: heeds_sigterm(first.pid), STARTS_S, "it has a handler", poll_s=0.001)
        assert Path(f"/proc/{first.pid}/status").read_text().partition("NSpid:")[2].split()[1] == "1"
        first.terminate()

        assert outside.wait(ENDS_S) == 0
    assert (tmp_path / "log").read_bytes() == b""


def test_worker_that_waits_for_kafka_ends_at_once(tmp_path: Path) -> None:
    """No work begins before it has joined its group, so it does not wait for the pending call to Kafka."""
    with started(command("worker", tmp_path), tmp_path) as process:
        until(lambda: "worker_listening" in (tmp_path / "log").read_text(), STARTS_S, "it has begun to wait")
        process.terminate()

        assert process.wait(ENDS_S) == 0
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_command_that_is_ended_early_has_not_succeeded(tmp_path: Path) -> None:
    """143, as in a shell: the command did not do its work."""
    arguments = [sys.executable, "-m", "console.entry", "check", "--config", str(tmp_path / "penstock.toml")]
    with started(arguments, tmp_path) as process:
        until(lambda: heeds_sigterm(process.pid), STARTS_S, "it has a handler", poll_s=0.001)
        process.terminate()

        assert process.wait(ENDS_S) == 128 + signal.SIGTERM


def test_program_is_the_entry() -> None:
    """The installed `penstock` program is the entry point that these tests start."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]

    assert project["scripts"] == {"penstock": "console.entry:main"}

"""Files and logs of a real `penstock up`: no access for other users, nothing outside of its directory, logs of JSON alone."""

import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(900)]  # two starts of everything, and a third of Kafka
TIMEOUT_S = 240.0
LEFT_BEHIND = "liblz4-java-1.so"  # left by every start of an older version


@dataclass
class Stack:
    """A `penstock up` that is started twice on one data directory, by a user with umask 0."""

    home: Path
    process: subprocess.Popen[bytes] | None = None
    loose: list[list[str]] = field(default_factory=list)

    @property
    def data_dir(self) -> Path:
        """Return the data directory."""
        return self.home / "data"

    @property
    def temporary(self) -> Path:
        """Return the stand-in for the system's temporary directory: Python's by TMPDIR, Java's by default."""
        return self.home / "tmp"

    @property
    def said(self) -> str:
        """Return the messages for people so far."""
        return (self.home / "stderr").read_text()

    def start(self) -> None:
        """Start it and return when all of it is ready."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_CONFIG")},
            "TMPDIR": str(self.temporary),
            "JAVA_TOOL_OPTIONS": f"-Djava.io.tmpdir={self.temporary}",  # an option on the command line wins
        }
        command = [str(Path(sys.executable).parent / "penstock"), "up", "--data-dir", str(self.data_dir)]
        command += ["--port", "0", "--kafka-port", "0", "--registry-port", "0"]
        command += ["--operations-port", "0", "--worker-operations-port", "0"]
        with (self.home / "stdout").open("wb") as stdout, (self.home / "stderr").open("wb") as stderr:
            self.process = subprocess.Popen(
                command, cwd=self.home, env=environment, stdout=stdout, stderr=stderr, umask=0
            )
        until(self._is_ready, TIMEOUT_S, "the stack is ready")
        self.loose.append(for_others(self.data_dir))

    def kill_kafka(self) -> None:
        """Kill Kafka and return when it is ready again."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children()
        next(child for child in children if "kafka.Kafka" in child.cmdline()).kill()
        until(lambda: "Kafka is ready again" in self.said, TIMEOUT_S, "Kafka is ready again")

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(TIMEOUT_S) == 0, self.said

    def log(self, name: str) -> list[str]:
        """Return the lines of a process's log over both starts: one file each."""
        logs = self.data_dir / "logs"
        return [line for file in (f"{name}.log.1", f"{name}.log") for line in (logs / file).read_text().splitlines()]

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.said
        return "penstock is ready" in (self.home / "stdout").read_text()


def for_others(directory: Path) -> list[str]:
    """Return modes and paths that other users can access in a directory and everything below it.

    The stack is running: a temporary file that is renamed during the listing appears under its final name.
    """
    modes: dict[Path, int] = {}
    for path in (directory, *directory.rglob("*")):
        with contextlib.suppress(FileNotFoundError):
            modes[path] = path.lstat().st_mode
    return sorted(
        f"{stat.filemode(mode)} {path}" for path, mode in modes.items() if mode & 0o077 and not stat.S_ISLNK(mode)
    )


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Give a stack that was started, opened to every user, started again, and ended."""
    stack = Stack(tmp_path_factory.mktemp("up"))
    stack.temporary.mkdir()
    try:
        stack.start()
        stack.stop()
        for path in (stack.data_dir, *stack.data_dir.rglob("*")):
            path.chmod(0o777 if path.is_dir() else 0o666)
        for service in ("kafka", "registry"):
            (stack.data_dir / service / "tmp").mkdir(exist_ok=True)
            (stack.data_dir / service / "tmp" / LEFT_BEHIND).touch()
        stack.start()
        stack.kill_kafka()
        stack.stop()
        yield stack
    finally:
        if stack.process is not None and stack.process.poll() is None:
            stack.process.kill()
            stack.process.wait()
        with contextlib.suppress(OSError):
            shutil.rmtree(stack.home)


def test_everything_is_the_owners_alone(used: Stack) -> None:
    """After the first start, Kafka's and the registry's files too; after the second also files that were open before."""
    first, second = used.loose

    assert first == []
    assert second == []
    assert for_others(used.data_dir) == []
    assert len(list(used.data_dir.rglob("*"))) > 100


def test_java_leaves_nothing_in_the_temporary_folder_of_the_system(used: Stack) -> None:
    """Native libraries are unpacked below the data directory, and the next start removes those of the previous one."""
    assert list(used.temporary.iterdir()) == []
    assert not list(used.data_dir.rglob(LEFT_BEHIND))


@pytest.mark.parametrize("name", ["worker", "ingress"])
def test_logs_are_json_from_the_first_byte(used: Stack, name: str) -> None:
    """Also while Kafka is killed and comes back: no cursor codes, none of librdkafka's own lines."""
    events: list[dict[str, Any]] = [json.loads(line) for line in used.log(name)]

    assert all(event["event"] and event["level"] and event["timestamp"] for event in events)
    assert "librdkafka" in {event["event"] for event in events}

"""Processes are kept running, and a person sees what happens to them. The processes here are real and tiny."""

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from local import supervisor as supervisors
from local.errors import DidNotStart
from local.guard import Child, spawn
from local.signals import Signals
from local.supervisor import Service, Supervisor
from tests.support.waiting import is_running

IDLE = "import time; time.sleep(600)"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restart after a moment instead of half a second; only a signal ends the wait for a death."""
    monkeypatch.setattr(supervisors, "FIRST_DELAY_S", 0.01)
    monkeypatch.setattr(supervisors, "QUIET_TURN_S", 600)


def test_dead_process_is_started_again_with_its_last_words(tmp_path: Path) -> None:
    """A process that dies after it was ready is replaced, and its last lines are shown."""
    said: list[str] = []
    pids: list[int] = []

    def say(line: str) -> None:
        said.append(line)
        if "is ready again" in line:
            signal.raise_signal(signal.SIGTERM)
        elif "is ready" in line:
            os.kill(pids[0], signal.SIGKILL)

    with Signals() as signals:
        signals.hold()
        supervisor = Supervisor(signals, say)
        supervisor.start([_service(tmp_path, f"print('last words', flush=True); {IDLE}", pids)])
        supervisor.run()
        supervisor.stop()

    told = "\n".join(said)
    assert "was ended by SIGKILL" in told
    assert "    last words" in told
    assert "starting tiny again in 0.01 s" in told
    assert not any(map(is_running, pids))


@pytest.mark.parametrize(("code", "starts"), [(1, 3), (2, 1)])
def test_process_that_never_was_ready_is_given_up(tmp_path: Path, code: int, starts: int) -> None:
    """Three tries before it was ever ready, but one only for exit code 2: wrong configuration does not repair itself."""
    pids: list[int] = []
    with Signals() as signals:
        signals.hold()
        supervisor = Supervisor(signals, lambda _line: None)

        with pytest.raises(DidNotStart, match=rf"exit code {code}(.|\n)*what is wrong"):
            supervisor.start(
                [_service(tmp_path, f"print('what is wrong'); raise SystemExit({code})", pids, never=True)]
            )

    assert len(pids) == starts


def test_optional_process_that_never_was_ready_is_left_out(tmp_path: Path) -> None:
    """Its last lines are shown, the start is complete without it, and it is not tried again."""
    said: list[str] = []
    pids: list[int] = []
    with Signals() as signals:
        signals.hold()
        supervisor = Supervisor(signals, said.append)
        service = _service(tmp_path, "print('what is wrong'); raise SystemExit(2)", pids, never=True)

        supervisor.start([replace(service, is_optional=True), _service(tmp_path, IDLE, [], name="other")])
        supervisor.stop()

    told = "\n".join(said)
    assert "    what is wrong" in told
    assert "going on without the tiny" in told
    assert "other is ready" in told
    assert supervisor.given_up == {"tiny"}
    assert len(pids) == 1


def test_everything_ends_in_reverse_order(tmp_path: Path) -> None:
    """Processes end in reverse order of their start."""
    said: list[str] = []
    with Signals() as signals:
        signals.hold()
        supervisor = Supervisor(signals, said.append)
        for name in ("broker", "worker", "ingress"):
            supervisor.start([_service(tmp_path, IDLE, [], name=name)])

        supervisor.stop()

    assert [line for line in said if line.endswith("ended")] == [
        "ingress has ended",
        "worker has ended",
        "broker has ended",
    ]


def test_second_request_to_stop_kills_at_once(tmp_path: Path) -> None:
    """A second Ctrl-C does not wait for a process that ignores signals."""
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); {IDLE}"
    pids: list[int] = []
    with Signals() as signals:
        signals.hold()
        supervisor = Supervisor(signals, lambda _line: None)
        supervisor.start([_service(tmp_path, deaf, pids, stop_s=60)])
        started = time.monotonic()
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

        supervisor.run()
        supervisor.stop()

    assert time.monotonic() - started < 5
    assert not is_running(pids[0])


def _service(
    folder: Path, script: str, pids: list[int], name: str = "tiny", stop_s: float = 5, never: bool = False
) -> Service:
    log = folder / f"{name}.log"

    def launch() -> Child:
        child = spawn([sys.executable, "-c", script], log=log)
        pids.append(child.pid)
        return child

    expects_words = "print" in script
    return Service(
        name,
        launch,
        lambda: not never and (not expects_words or (log.exists() and log.stat().st_size > 0)),
        log,
        stop_s,
    )

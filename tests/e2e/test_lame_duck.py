"""An ingress that was told to stop serves on until balancers have noticed. Kafka is away: deliveries go to the spool."""

import os
import signal
from pathlib import Path

import httpx
import pytest

from tests.support.processes.ingress import KAFKA_AWAY, DoorProcess, door
from tests.support.waiting import is_running, until, until_gone

TIMEOUT_S = 30.0
LONG = ("--lame-duck", "300")
BODY = b'{"id":7}'
EXIT_KILLED = 130


def says(process: DoorProcess, status: str) -> bool:
    """Say whether /readyz, of whichever process answers, has this status and is 503."""
    answer = process.get("/readyz")
    return answer.json() == {"status": status} and answer.status_code == 503


def until_all_serve(process: DoorProcess, workers: int) -> None:
    """Return when every process serves: one that only starts ends at once."""
    line = f"penstock_ingress_processes {workers}.0"
    until(lambda: line in process.get("/metrics").text, TIMEOUT_S, "all processes serve")


@pytest.mark.parametrize("workers", [1, 2])
def test_leaving_ingress_serves_new_connections_until_it_is_asked_again(tmp_path: Path, workers: int) -> None:
    """/readyz is 503 from SIGTERM on, and new connections are answered as ever; a second SIGTERM ends all at once."""
    with door(tmp_path, KAFKA_AWAY, *LONG, "--workers", str(workers)) as process:
        until_all_serve(process, workers)
        served_by = process.slots() or [process.child.pid]

        process.child.terminate()

        until(lambda: says(process, "leaving"), TIMEOUT_S, "it says that it leaves")
        for _ in range(5):
            answer = process.post("/v1/acme", BODY)
            assert answer.status_code == 200
            assert answer.headers.get("connection") != "close"
        assert process.get("/healthz").status_code == 200
        assert all(map(is_running, served_by))
        process.child.terminate()
        assert process.child.wait(TIMEOUT_S) == EXIT_KILLED, process.log_text()
        until_gone(served_by, TIMEOUT_S)


@pytest.mark.parametrize("chosen_by", ["option", "configuration"])
def test_lame_duck_ends_by_draining(tmp_path: Path, chosen_by: str) -> None:
    """When the time is over the port closes, and everything ends in order, with 0."""
    given = ("--lame-duck", "1") if chosen_by == "option" else ()
    configured = "" if chosen_by == "option" else "[ingress]\nlame_duck_s = 1\n"
    with door(tmp_path, configured + KAFKA_AWAY, *given) as process:
        until_all_serve(process, 1)
        process.child.terminate()
        until(lambda: says(process, "leaving"), TIMEOUT_S, "it says that it leaves")
        assert process.post("/v1/acme", BODY).status_code == 200

        assert process.child.wait(TIMEOUT_S) == 0, process.log_text()
        with pytest.raises(httpx.ConnectError):
            process.post("/v1/acme", BODY)
    assert process.events()[-1]["event"] == "ingress_stopped"


def test_without_one_it_drains_at_once(tmp_path: Path) -> None:
    """0 on the command line wins over the configuration, so that `penstock up` stops quickly."""
    with door(tmp_path, "[ingress]\nlame_duck_s = 300\n" + KAFKA_AWAY, "--lame-duck", "0") as process:
        until_all_serve(process, 1)
        process.child.terminate()

        assert process.child.wait(TIMEOUT_S) == 0, process.log_text()


@pytest.mark.parametrize("is_leaving", [False, True])
def test_orphans_do_not_keep_the_port(tmp_path: Path, is_leaving: bool) -> None:
    """The processes of a killed parent drain at once, leaving or not: their successor needs the port and the spools."""
    with door(tmp_path, KAFKA_AWAY, *LONG, "--workers", "2") as process:
        until_all_serve(process, 2)
        slots = process.slots()
        if is_leaving:
            process.child.terminate()
            until(lambda: says(process, "leaving"), TIMEOUT_S, "they leave")

        parent = process.child

        os.kill(parent.pid, signal.SIGKILL)
        until_gone([parent.pid], TIMEOUT_S)  # not `parent.wait`, which would have the guard kill the orphans
        until_gone(slots, TIMEOUT_S)

        assert "ingress_stopped" in process.log_text(), "they have drained"
        process.start()
        assert process.post("/v1/acme", BODY).status_code == 200
        process.child.kill()
        parent.kill()


def test_second_sigterm_of_a_process_with_a_parent_is_not_its_own(tmp_path: Path) -> None:
    """systemd sends SIGTERM to every process of a unit, and the parent passes its own on: nobody has asked twice."""
    with door(tmp_path, KAFKA_AWAY, "--lame-duck", "1", "--workers", "2") as process:
        until_all_serve(process, 2)
        for pid in (*process.slots(), process.child.pid):
            os.kill(pid, signal.SIGTERM)

        assert process.child.wait(TIMEOUT_S) == 0, process.log_text()
    assert sorted(event["slot"] for event in process.events() if event["event"] == "ingress_stopped") == [0, 1]

"""A stopping ingress keeps serving until balancers have noticed. Kafka is away: deliveries go to the spool."""

from pathlib import Path

import httpx
import pytest

from tests.support.processes.ingress import KAFKA_AWAY, IngressProcess, running_ingress
from tests.support.waiting import is_running, until

TIMEOUT_S = 30.0
LONG = ("--lame-duck", "300")
BODY = b'{"id":7}'
EXIT_KILLED = 130


def says(process: IngressProcess, status: str) -> bool:
    """Say whether the process's /readyz has this status and is 503."""
    answer = process.get("/readyz")
    return answer.json() == {"status": status} and answer.status_code == 503


def until_it_serves(process: IngressProcess) -> None:
    """Return once deliveries are answered: a process that is still starting would end at once."""
    assert process.post("/v1/acme", BODY).status_code == 200


def test_leaving_ingress_serves_new_connections_until_it_is_asked_again(tmp_path: Path) -> None:
    """/readyz is 503 from SIGTERM on, and new connections are still answered; a second SIGTERM ends it at once."""
    with running_ingress(tmp_path, KAFKA_AWAY, *LONG) as process:
        until_it_serves(process)

        process.child.terminate()

        until(lambda: says(process, "leaving"), TIMEOUT_S, "it says that it leaves")
        for _ in range(5):
            answer = process.post("/v1/acme", BODY)
            assert answer.status_code == 200
            assert answer.headers.get("connection") != "close"
        assert process.get("/healthz").status_code == 200
        assert is_running(process.child.pid)
        process.child.terminate()
        assert process.child.wait(TIMEOUT_S) == EXIT_KILLED, process.log_text()


@pytest.mark.parametrize("chosen_by", ["option", "configuration"])
def test_lame_duck_ends_by_draining(tmp_path: Path, chosen_by: str) -> None:
    """After the delay the port closes, and everything ends in order, with 0."""
    given = ("--lame-duck", "1") if chosen_by == "option" else ()
    configured = "" if chosen_by == "option" else "[ingress]\nlame_duck_s = 1\n"
    with running_ingress(tmp_path, configured + KAFKA_AWAY, *given) as process:
        until_it_serves(process)
        process.child.terminate()
        until(lambda: says(process, "leaving"), TIMEOUT_S, "it says that it leaves")
        assert process.post("/v1/acme", BODY).status_code == 200

        assert process.child.wait(TIMEOUT_S) == 0, process.log_text()
        with pytest.raises(httpx.ConnectError):
            process.post("/v1/acme", BODY)
    assert process.events()[-1]["event"] == "ingress_stopped"


def test_without_one_it_drains_at_once(tmp_path: Path) -> None:
    """0 on the command line overrides the configuration, so that `penstock up` stops quickly."""
    with running_ingress(tmp_path, "[ingress]\nlame_duck_s = 300\n" + KAFKA_AWAY, "--lame-duck", "0") as process:
        until_it_serves(process)
        process.child.terminate()

        assert process.child.wait(TIMEOUT_S) == 0, process.log_text()

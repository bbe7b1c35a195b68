"""Instances share a port, or are refused with a reason and without harm to running ones. Kafka is away: they spool."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.ports import free_port
from tests.support.kafka.certificates import Authority
from tests.support.processes.ingress import KAFKA_AWAY, IngressProcess, running_ingress
from tests.support.processes.instances import instance, instances, metric
from tests.support.waiting import until

TIMEOUT_S = 30.0
BODY = b'{"id":7}'
COUNT, POSTS = 3, 60  # each post over a new connection: that one of three gets none of 60 has a probability of 1e-10
TAKEN = 3


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[list[IngressProcess]]:
    """Give three instances on one port."""
    with instances(tmp_path, KAFKA_AWAY, COUNT) as running:
        yield running


def refused(process: IngressProcess) -> dict[str, Any]:
    """Start a process that must end with the code for a resource in use; return the last line of its log."""
    with pytest.raises(AssertionError):
        process.start()
    assert process.child.wait(TIMEOUT_S) == TAKEN, process.log_text()
    assert "Traceback" not in process.log_text()
    return process.events()[-1]


def post_all(process: IngressProcess, count: int = POSTS) -> None:
    """Post deliveries over a connection each; every one is answered 200."""
    assert {process.post("/v1/acme", BODY).status_code for _ in range(count)} == {200}


def spooled(process: IngressProcess) -> float:
    """Return the number of deliveries in an instance's spool."""
    return metric(process, "penstock_spool_deliveries")


def test_connections_are_spread_and_each_counts_its_own(crew: list[IngressProcess]) -> None:
    """Every instance gets some, counts and spools its own, and the sum is the number of posts."""
    post_all(crew[0])

    counted = [metric(each, "penstock_ingress_answers_total", 'result="accepted"') for each in crew]
    assert all(counted)
    assert sum(counted) == POSTS
    assert [spooled(each) for each in crew] == counted
    assert len({each.operations_port for each in crew}) == COUNT


def test_each_instance_speaks_for_itself(crew: list[IngressProcess]) -> None:
    """A stopping instance says so on its own operations port; the others stay ready, and their port stays open."""
    post_all(crew[0])
    until(lambda: all(each.get("/readyz").status_code == 200 for each in crew), TIMEOUT_S, "all are ready")
    crew[0].child.terminate()

    assert crew[0].child.wait(TIMEOUT_S) == 0, crew[0].log_text()
    assert crew[0].events()[-1]["event"] == "ingress_stopped"
    assert {each.get("/readyz").status_code for each in crew[1:]} == {200}
    post_all(crew[1])


def test_restarted_instance_has_its_own_spool_again(crew: list[IngressProcess]) -> None:
    """After SIGKILL it finds the deliveries that it answered 200 in its data directory."""
    post_all(crew[0])
    before = [spooled(each) for each in crew]

    os.kill(crew[1].child.pid, signal.SIGKILL)
    crew[1].child.wait(TIMEOUT_S)
    crew[1].start()

    assert [spooled(each) for each in crew] == before


def test_second_instance_with_one_data_directory_is_refused(crew: list[IngressProcess], tmp_path: Path) -> None:
    """Code 3 and a reason; it has taken no connection from running instances."""
    data = tmp_path / "1" / "data"  # as the first --data-dir of instance 1 is
    twin = instance(tmp_path / "twin", KAFKA_AWAY, crew[1].port, "--data-dir", str(data))

    event = refused(twin)

    assert event["event"] == "spool_unusable"
    assert "another process holds the spool" in event["detail"]
    assert "give each ingress a --data-dir of its own" in event["detail"]
    assert "ingress_listening" not in twin.log_text()
    post_all(crew[0])


def test_port_without_reuse_port_is_taken(tmp_path: Path) -> None:
    """Code 3 and advice: the process that listens there does not share the port."""
    (tmp_path / "first").mkdir()
    with running_ingress(tmp_path / "first", KAFKA_AWAY) as first:
        event = refused(instance(tmp_path / "second", KAFKA_AWAY, first.port))

        assert (event["event"], event["port"]) == ("cannot_listen", first.port)
        assert event["reason"] == "Address already in use"
        assert "start it with --reuse-port, as the same user" in event["advice"]
        assert first.post("/v1/acme", BODY).status_code == 200


def test_shared_port_is_taken_for_an_ingress_without_reuse_port(crew: list[IngressProcess], tmp_path: Path) -> None:
    """A process without --reuse-port does not join."""
    (tmp_path / "alone").mkdir()
    alone = IngressProcess(tmp_path / "alone", KAFKA_AWAY)
    alone.port = crew[0].port

    assert refused(alone)["event"] == "cannot_listen"
    post_all(crew[0])


def test_taken_operations_port_is_named(crew: list[IngressProcess], tmp_path: Path) -> None:
    """Two instances cannot share the operations port: each is queried separately."""
    late = instance(tmp_path / "late", KAFKA_AWAY, crew[0].port)
    late.operations_port = crew[0].operations_port

    assert "--operations-port" in refused(late)["advice"]


def test_tls_is_shared_as_well(tmp_path: Path) -> None:
    """Connections with TLS are spread like others; each instance reads the certificate itself."""
    authority = Authority()
    certificate, key = authority.issue(tmp_path)
    with instances(tmp_path, KAFKA_AWAY, 2, "--certfile", str(certificate), "--keyfile", str(key)) as crew:
        url, trusted = f"https://127.0.0.1:{crew[0].port}/v1/acme", authority.trusting()
        answers = [httpx.post(url, content=BODY, verify=trusted, trust_env=False) for _ in range(POSTS)]

        assert {answer.status_code for answer in answers} == {200}
        assert all(map(spooled, crew))


def test_spool_of_the_former_layout_is_named(tmp_path: Path) -> None:
    """The start reports a file of a process under --workers, which no instance will publish."""
    port = free_port()
    spools = tmp_path / "0" / "data" / "spool"
    spools.mkdir(parents=True)
    (spools / f"{port}-1.sqlite").touch()
    alone = instance(tmp_path / "0", KAFKA_AWAY, port)
    alone.start()
    alone.child.stop(10)

    (event,) = [event for event in alone.events() if event["event"] == "other_spool"]
    assert event["file"].endswith(f"{port}-1.sqlite")
    assert "penstock spool drain" in event["advice"]

"""The operations port of a real ingress: separate from the deliveries' port, open from start to end. Kafka is away."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.processes.ingress import KAFKA_AWAY, PAGES, IngressProcess, running_ingress
from tests.support.waiting import until

TIMEOUT_S = 30.0
BODY = b'{"id":7}'


def test_each_port_has_its_own_paths(tmp_path: Path) -> None:
    """Deliveries are served on one, pages on the other, and each answers 404 for the other's paths."""
    with running_ingress(tmp_path, KAFKA_AWAY) as process:
        operations = f"http://127.0.0.1:{process.operations_port}"

        for path in PAGES:
            assert httpx.get(process.url + path, trust_env=False).json() == {
                "error": "unknown_path",
                "detail": "expected POST /v1/{source}; this port serves nothing else",
            }
        assert httpx.get(f"{operations}/healthz", trust_env=False).status_code == 200
        assert httpx.post(f"{operations}/v1/acme", content=BODY, trust_env=False).status_code == 404
        assert process.post("/v1/acme", BODY).status_code == 200
        until(lambda: "penstock_spool_deliveries 1.0" in process.get("/metrics").text, TIMEOUT_S, "it is counted")


def test_readiness_ends_before_the_deliveries_do(tmp_path: Path) -> None:
    """While it stops, the ingress says so and still takes requests in flight; the port closes after the last answer."""
    with running_ingress(tmp_path, KAFKA_AWAY) as process, half_posted(process) as delivery:
        assert process.post("/v1/acme", BODY).status_code == 200, (
            "the first waits for Kafka, later ones are spooled at once"
        )
        until(lambda: "penstock_ingress_requests 1.0" in process.get("/metrics").text, TIMEOUT_S, "it has begun")

        process.child.terminate()
        until(lambda: process.get("/readyz").json() == {"status": "draining"}, TIMEOUT_S, "no more are welcome")

        assert (process.get("/readyz").status_code, process.get("/healthz").status_code) == (503, 200)
        delivery.sendall(BODY[-1:])
        assert delivery.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert process.child.wait(TIMEOUT_S) == 0, process.log_text()
        with pytest.raises(httpx.ConnectError):
            process.get("/readyz")


def half_posted(process: IngressProcess) -> socket.socket:
    """Return a connection on which a delivery has arrived except for its last byte."""
    connection = socket.create_connection(("127.0.0.1", process.port), timeout=TIMEOUT_S)
    head = f"POST /v1/acme HTTP/1.1\r\nhost: ingress\r\ncontent-length: {len(BODY)}\r\n\r\n"
    connection.sendall(head.encode() + BODY[:-1])
    return connection


@pytest.mark.parametrize("chosen_by", ["option", "variable"])
def test_taken_port_is_named_with_its_option(tmp_path: Path, chosen_by: str) -> None:
    """Two ingresses on one machine need two of them: the second names the taken port and the option to choose another."""
    (tmp_path / "penstock.toml").write_text(KAFKA_AWAY)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        given = ["--operations-port", port] if chosen_by == "option" else []
        variable = {} if chosen_by == "option" else {"PENSTOCK_INGRESS_OPERATIONS_PORT": port}
        penstock = [str(Path(sys.executable).parent / "penstock"), "ingress", "--port", "0", *given]
        penstock += ["--config", str(tmp_path / "penstock.toml"), "--data-dir", str(tmp_path)]

        ended = subprocess.run(
            penstock, env=os.environ | variable, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )

    assert ended.returncode == 3, ended.stderr
    assert f'"port": {port}' in ended.stderr
    assert "Address already in use" in ended.stderr
    assert "choose another with --operations-port; 0 is any that is free" in ended.stderr


def test_host_is_chosen_apart(tmp_path: Path) -> None:
    """127.0.0.1 by default, regardless of the host of the deliveries; containers choose another."""
    with running_ingress(tmp_path, KAFKA_AWAY, "--operations-host", "127.0.0.2", host="127.0.0.3") as process:
        assert httpx.get(f"http://127.0.0.2:{process.operations_port}/healthz", trust_env=False).status_code == 200
        with pytest.raises(httpx.ConnectError):
            process.get("/healthz")
        (event,) = [event for event in process.events() if event["event"] == "ingress_listening"]

    assert (event["operations_host"], event["operations_port"]) == ("127.0.0.2", process.operations_port)

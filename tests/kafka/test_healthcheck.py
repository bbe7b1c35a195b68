"""The broker healthcheck of docker-compose.yml, run against a real broker and against ports without one."""

import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from local.ports import free_port

pytestmark = pytest.mark.kafka

COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"
PORT = 9094
ANSWER_S = 20.0  # a busy machine
SILENCE_S = 1.0


def check(port: int, timeout_s: float) -> int:
    """Return the exit code of the check on this port; -9 if the engine would have killed it for being late."""
    command = yaml.safe_load(COMPOSE.read_text())["services"]["kafka"]["healthcheck"]["test"]
    script = command[3].replace("$$", "$")
    assert str(PORT) in script
    try:
        done = subprocess.run(
            ("bash", "-c", script.replace(str(PORT), str(port))),  # noqa: S607 whichever bash is there
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -9
    return done.returncode


def test_broker_is_healthy(kafka: str) -> None:
    """A broker that serves requests passes."""
    assert check(int(kafka.rsplit(":", 1)[1]), ANSWER_S) == 0


def test_closed_port_is_not_healthy() -> None:
    """With no listener the check fails at once."""
    assert check(free_port(), ANSWER_S) == 1


def test_silent_port_is_not_healthy() -> None:
    """A port that accepts and stays silent, as that of a stopped process does, fails."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert check(listening.getsockname()[1], SILENCE_S) == -9


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        bytes.fromhex("0000002100000002") + bytes.fromhex("00000001"),  # the answer to another request
        bytes.fromhex("0000002100000001") + bytes.fromhex("00000000"),  # no broker serves requests yet
    ],
)
def test_other_answer_is_not_healthy(answer: bytes) -> None:
    """Only an answer to this request with at least one broker counts."""
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as thread:
        served = thread.submit(serve, listening, answer)
        assert check(listening.getsockname()[1], ANSWER_S) == 1
        served.result()


def serve(listening: socket.socket, answer: bytes) -> None:
    """Answer one request, regardless of its content."""
    connection, _ = listening.accept()
    with connection:
        connection.recv(64)
        connection.sendall(answer)

"""The image's healthcheck, beside processes that answer as an ingress or a worker does."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from local.ports import free_port
from tests.support.processes.http_server import serving

SCRIPT = Path(__file__).parents[2] / "deploy" / "image" / "healthcheck"
INGRESS, WORKER = "9464", "9465"
ANSWER_S = 20.0


@contextmanager
def answering(status: int) -> Iterator[int]:
    """Give the port of a server that answers /readyz with this status, and other paths with 404."""

    class Ready(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ready)
    with serving(server):
        yield server.server_port


def check(ingress_port: int, worker_port: int, *arguments: str) -> int:
    """Return the script's exit code with these default ports and arguments; its output is empty."""
    script = SCRIPT.read_text()
    assert (script.count(INGRESS), script.count(WORKER)) == (1, 1)
    script = script.replace(INGRESS, str(ingress_port)).replace(WORKER, str(worker_port))
    done = subprocess.run(
        ("bash", "-c", script, "healthcheck", *arguments),  # noqa: S607  # whichever bash is there
        capture_output=True,
        timeout=ANSWER_S,
        check=False,
    )
    assert (done.stdout, done.stderr) == (b"", b"")
    return done.returncode


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_process_is_healthy_while_it_is_ready(status: int, code: int) -> None:
    """An ingress, or a worker where no ingress listens."""
    with answering(status) as port:
        assert check(port, free_port()) == code
        assert check(free_port(), port) == code


def test_port_that_is_given_is_asked_alone() -> None:
    """A second ingress in the network of the first has its own operations port."""
    with answering(200) as first, answering(503) as second:
        assert check(first, free_port(), str(first)) == 0
        assert check(first, free_port(), str(second)) == 1
        assert check(first, free_port(), str(free_port())) == 1


def test_nobody_is_not_healthy() -> None:
    """A process that has not begun to listen, or has ended."""
    assert check(free_port(), free_port()) == 1

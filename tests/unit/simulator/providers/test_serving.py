"""Tests for simulator/providers/serving.py: real sockets, real faults."""

from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from simulator.errors import SimulatorError
from simulator.providers.faults import Faults
from simulator.providers.serving import FAULT, Server, serving


async def answer(request: Request) -> Response:
    """Answer with the fault that the app is to show."""
    return PlainTextResponse(f"fault: {request.scope[FAULT]}")


def app() -> Starlette:
    """Return a small fake."""
    return Starlette(routes=[Route("/", answer)])


@pytest.fixture
def server() -> Iterator[Server]:
    """Give a running server."""
    with serving(app(), Faults()) as running:
        yield running


def test_request_is_answered_on_one_connection(server: Server) -> None:
    """Without faults it is a plain server, and connections are kept."""
    with httpx.Client(trust_env=False) as client:
        answers = [client.get(server.url) for _ in range(3)]

        assert [found.text for found in answers] == ["fault: None"] * 3
        assert len(client._transport._pool.connections) == 1  # type: ignore[attr-defined]  # no public name


def test_fault_of_the_app_is_in_its_scope(server: Server) -> None:
    """What has a status is the provider's own to render."""
    server.faults.next("error", "throttled")

    assert [httpx.get(server.url, trust_env=False).text for _ in range(3)] == [
        "fault: error",
        "fault: throttled",
        "fault: None",
    ]


def test_reset_has_no_answer(server: Server) -> None:
    """The connection ends without a byte; the next request is answered."""
    server.faults.next("reset")

    with pytest.raises(httpx.NetworkError):
        httpx.get(server.url, trust_env=False)
    assert httpx.get(server.url, trust_env=False).status_code == 200


def test_torn_answer_ends_in_its_middle(server: Server) -> None:
    """The headers promise more than comes."""
    server.faults.next("torn")

    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        httpx.get(server.url, trust_env=False)


def test_stall_lasts_until_the_client_gives_up(server: Server) -> None:
    """Nothing comes; other requests are answered meanwhile."""
    server.faults.next("stall")

    with pytest.raises(httpx.ReadTimeout):
        httpx.get(server.url, timeout=0.2, trust_env=False)
    assert httpx.get(server.url, trust_env=False).status_code == 200


def test_slow_answer_is_whole(server: Server) -> None:
    """It only takes longer."""
    server.faults.slow_s = 0.1
    server.faults.next("slow")

    slow, quick = (httpx.get(server.url, trust_env=False) for _ in range(2))

    assert slow.elapsed.total_seconds() >= 0.1
    assert slow.text == quick.text


def test_stopped_server_refuses_and_starts_again_on_its_port() -> None:
    """A restart keeps the address; a stall does not keep it from stopping."""
    server = Server(app())
    server.start()
    url = server.url
    server.stop()

    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)
    server.start()
    assert httpx.get(url, trust_env=False).status_code == 200
    server.stop()


def test_taken_port_is_said(server: Server) -> None:
    """The message names the port and what to do."""
    with pytest.raises(SimulatorError, match=f"{server.port} cannot be listened on"):
        Server(app(), port=server.port).start()

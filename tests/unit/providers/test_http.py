"""Tests for providers/http.py: a client and a server on loopback."""

import asyncio
import gzip
import logging
import re
from collections.abc import AsyncIterator, Iterator, Mapping

import pytest
from starlette.applications import Starlette
from starlette.requests import Request as Received
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from config.problems import ConfigurationError, Problem
from providers.answers import Answer, json_of
from providers.api import Malformed, Unauthorised, Unavailable
from providers.http import BaseUrlError, Client, Connections, Limits, Request, checked_base_url
from simulator.providers.faults import Faults
from simulator.providers.serving import Server, serving

SECRET = "made-up-token-of-this-test"
BOMB_BYTES = 8 * 1024 * 1024


async def echo(request: Received) -> Response:
    """Answer with what came."""
    body = (await request.body()).decode()
    url = request.url
    return JSONResponse({"path": f"{url.path}?{url.query}", "headers": dict(request.headers), "body": body})


async def redirect(request: Received) -> Response:
    """Redirect to where the query says."""
    return RedirectResponse(request.query_params["to"], status_code=301)


async def bomb(request: Received) -> Response:
    """Answer with few bytes that become many."""
    return Response(gzip.compress(b"x" * BOMB_BYTES), headers={"content-encoding": "gzip"})


async def status(request: Received) -> Response:
    """Answer with a status and a header in capitals."""
    return Response(status_code=int(request.path_params["status"]), headers={"X-Rate-Limit-Requests-Left": "7"})


def app() -> Starlette:
    """Return a provider that echoes."""
    routes = [
        Route("/base/redirect", redirect, methods=["GET", "POST"]),
        Route("/base/bomb", bomb),
        Route("/base/status/{status}", status),
        Route("/base/{path:path}", echo, methods=["GET", "POST"]),
    ]
    return Starlette(routes=routes)


@pytest.fixture(scope="module")
def shared_server() -> Iterator[Server]:
    """Give one running server to all tests."""
    with serving(app(), Faults()) as running:
        yield running


@pytest.fixture
def server(shared_server: Server) -> Server:
    """Give the server in good health."""
    shared_server.faults.heal()
    return shared_server


def token() -> Mapping[str, str]:
    """Return the credential of the tests."""
    return {"x-auth-token": SECRET}


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    """Give a client of the server."""
    made = Client(f"{server.url}/base/", token, Limits(connect_s=0.5, read_s=0.3, total_s=1.0))
    yield made
    await made.close()


async def test_request_is_sent_as_written(client: Client) -> None:
    """Path, query, headers and body arrive; the query stays as short as providers write it."""
    query = {"id:in": "1,2", "sku": "a&b c"}
    answer = await client.send(Request("/v3/products", query, "POST", {"x-own": "1"}, b"{}"))

    assert isinstance(answer, Answer)
    found = json_of(answer)
    assert found["path"] == "/base/v3/products?id:in=1,2&sku=a%26b%20c"
    assert found["body"] == "{}"
    assert found["headers"]["x-own"] == "1"
    assert found["headers"]["user-agent"] == "Penstock"


async def test_credential_is_asked_for_every_request(server: Server) -> None:
    """A renewed file counts from the next request on."""
    tokens = iter(["first-token", "second-token"])
    client = Client(f"{server.url}/base", lambda: {"authorization": next(tokens), "x-shown": "x"})

    answers = [await client.send(Request("/who")) for _ in range(2)]
    await client.close()

    assert all(isinstance(answer, Answer) and answer.status == 200 for answer in answers)
    assert next(tokens, None) is None


async def test_answer_that_repeats_the_credential_has_it_blanked(client: Client) -> None:
    """An error page that shows the request's headers does not bring the token into a dead letter."""
    answer = await client.send(Request("/who"))

    assert isinstance(answer, Answer)
    assert SECRET not in repr(answer)
    assert json_of(answer)["headers"]["x-auth-token"] == "***"


async def test_headers_have_lower_case_names_and_every_status_is_an_answer(client: Client) -> None:
    """The client reads the quota from replies of any status."""
    for code in (200, 204, 404, 429, 503):
        answer = await client.send(Request(f"/status/{code}"))

        assert isinstance(answer, Answer)
        assert answer.status == code
        assert answer.headers["x-rate-limit-requests-left"] == "7"


async def test_connection_is_reused(client: Client, server: Server) -> None:
    """Ten requests, one connection more."""
    before = server.connections

    for _ in range(10):
        await client.send(Request("/again"))

    assert len(server.connections - before) == 1


async def test_clients_share_connections(server: Server) -> None:
    """Ten accounts of a provider use one connection in turn; closing one client leaves it to the others."""
    before = server.connections
    shared = Connections()
    clients = [Client(f"{server.url}/base", token, shared=shared) for _ in range(10)]

    for client in clients:
        assert isinstance(await client.send(Request("/x")), Answer)
        await client.close()

    assert len(server.connections - before) == 1
    await shared.close()


async def test_requests_wait_for_a_connection_without_a_limit(server: Server) -> None:
    """More requests than connections take turns; waiting for a turn is no silence of the provider's."""
    client = Client(f"{server.url}/base", token, Limits(read_s=0.2, total_s=0.5, connections=2))
    server.faults.slow_s = 0.05
    server.faults.shares({"slow": 1.0})
    before = server.connections

    answers = await asyncio.gather(*(client.send(Request("/x")) for _ in range(24)))

    assert len(server.connections - before) == 2
    await client.close()
    assert all(isinstance(answer, Answer) for answer in answers)


@pytest.mark.parametrize(
    ("fault", "detail"),
    [
        ("reset", "Server disconnected|Connection reset|ReadError"),
        ("torn", "without sending complete message body"),
        ("stall", r"no answer for 0\.3 s"),
    ],
)
async def test_broken_connection_is_unavailable(client: Client, server: Server, fault: str, detail: str) -> None:
    """What the network does is a value; the next request works."""
    server.faults.next(fault)  # type: ignore[arg-type]  # one of the literal's values

    failure = await client.send(Request("/x"))

    assert isinstance(failure, Unavailable)
    assert re.search(detail, failure.detail)
    assert isinstance(await client.send(Request("/x")), Answer)


async def test_trickle_ends_at_the_total_limit(server: Server) -> None:
    """A server that is slow, but never silent for long, does not hold a worker."""
    client = Client(f"{server.url}/base", token, Limits(read_s=10.0, total_s=0.2))
    server.faults.next("stall")

    failure = await client.send(Request("/x"))
    await client.close()

    assert failure == Unavailable("no complete answer within 0.2 s")


async def test_server_that_is_gone_is_unavailable() -> None:
    """A refused connection says so."""
    with serving(app()) as server:
        client = Client(server.url, token)

    failure = await client.send(Request("/x"))
    await client.close()

    assert isinstance(failure, Unavailable)
    assert "connect" in failure.detail.lower()


async def test_environment_has_no_influence(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment would see the token."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    client = Client(f"{server.url}/base", token)

    answer = await client.send(Request("/x"))
    await client.close()

    assert isinstance(answer, Answer)


async def test_large_body_is_refused_while_it_comes(server: Server) -> None:
    """Decompressed bytes count, so that a few kilobytes cannot fill the memory."""
    client = Client(f"{server.url}/base", token, Limits(body_bytes=1_000_000))

    failure = await client.send(Request("/bomb"))
    await client.close()

    assert failure == Malformed("expected a reply of at most 1000000 bytes, got a longer one")


async def test_redirect_is_an_answer_by_default(client: Client) -> None:
    """A provider that does not redirect gets no second request."""
    answer = await client.send(Request("/redirect", {"to": "/base/there"}))

    assert isinstance(answer, Answer)
    assert answer.status == 301


async def test_redirect_is_followed_within_the_origin_only(server: Server) -> None:
    """A renamed repository is found; the credential goes nowhere else, and a circle ends."""
    client = Client(f"{server.url}/base", token, Limits(redirects=2))

    followed = await client.send(Request("/redirect", {"to": "/base/there"}))
    elsewhere = await client.send(Request("/redirect", {"to": "http://127.0.0.1:1/there"}))
    circle = await client.send(Request("/redirect", {"to": "/base/redirect?to=/base/redirect%3Fto=x"}))
    posted = await client.send(Request("/redirect", {"to": "/base/there"}, method="POST"))
    await client.close()

    assert isinstance(followed, Answer)
    assert json_of(followed)["path"] == "/base/there?"
    assert elsewhere == Malformed("expected a redirect within the provider's address, got one to another")
    assert isinstance(circle, Answer)
    assert circle.status == 301
    assert isinstance(posted, Answer)
    assert posted.status == 301


@pytest.mark.parametrize("path", ["v3/products", "//evil.example/x", "http://evil.example/", "/a\\b", "/a\r\nb", ""])
async def test_path_that_could_lead_elsewhere_is_not_sent(client: Client, path: str) -> None:
    """A path may come from a delivery."""
    assert await client.send(Request(path)) == Malformed(
        "expected a path that begins with one /, as in /v3/catalog/products"
    )


@pytest.mark.parametrize("value", ["token\n", "to\r\nken", " token", "tokén", "\x00"])
async def test_credential_that_is_no_header_is_refused_without_showing_it(server: Server, value: str) -> None:
    """The usual slip is a newline at the end of a file; the HTTP library's own message would show the token."""
    client = Client(server.url, lambda: {"x-auth-token": value})

    failure = await client.send(Request("/x"))
    await client.close()

    assert failure == Unauthorised("expected a credential of one line of ASCII characters, without space around it")


async def test_credential_that_cannot_be_read_is_unauthorised(server: Server) -> None:
    """A file that is gone stops the account, not the process."""

    def gone() -> Mapping[str, str]:
        raise ConfigurationError([Problem("", "file:/run/token", "no such file or directory")])

    client = Client(server.url, gone)
    failure = await client.send(Request("/x"))
    await client.close()

    assert isinstance(failure, Unauthorised)
    assert "file:/run/token: no such file or directory" in failure.detail


async def test_credential_is_in_no_log_and_no_repr(
    server: Server, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever level the libraries log at."""
    caplog.set_level(logging.DEBUG)
    server.faults.next(None, "reset", "torn")

    shown = [repr(await client.send(Request("/x"))) for _ in range(3)]

    assert SECRET not in "".join(shown) + caplog.text + repr(client) + repr(vars(client))


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "ftp://127.0.0.1",
        "https://user:password@api.example.com",
        "https://",
        "api.example.com",
        "https://api.example.com/?x=1",
        "https://api.example.com:port",
        "http://127.0.0.1.example.com",
        "https://a b",
    ],
)
def test_base_url_must_be_safe(url: str) -> None:
    """A credential goes over TLS, or stays on this machine; a password in the URL would be shown."""
    with pytest.raises(BaseUrlError, match="expected") as refused:
        checked_base_url(url)

    assert "password" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["https://api.example.com/stores", "http://127.0.0.1:8080", "http://[::1]:1", "http://localhost"]
)
def test_base_url_is_accepted(url: str) -> None:
    """Https anywhere, http on this machine; the slash at the end does not count."""
    assert checked_base_url(f"{url}/") == url

"""The operations port: a few pages, and narrow limits for all other input."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry, Counter

from broker import operations
from broker.operations import HEAD_LIMIT_BYTES, OperationsServer, Page, Pages
from ingress.observability.health import State
from ingress.observability.pages import pages

DEADLINE_S = 20.0
TIMEOUT_S = 0.3
HEALTHZ = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
LARGE = 16 * 1024 * 1024  # more than sockets buffer


def shown(state: State = "ready") -> Pages:
    """Return an ingress's pages, one large page and one broken page."""
    registry = CollectorRegistry()
    Counter("asked", "How often.", registry=registry).inc(3)
    return {**pages(lambda: state, registry), "/large": lambda: Page(b"x" * LARGE), "/broken": _broken}


def large(head_bytes: int) -> bytes:
    """Return a request with a head of that many bytes."""
    start, end = b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: ", b"\r\n\r\n"
    return start + b"a" * (head_bytes - len(start) - len(end)) + end


def _broken() -> Page:
    raise RuntimeError("made up")


@asynccontextmanager
async def serving(
    served: Pages | None = None, timeout_s: float = DEADLINE_S, max_connections: int = 4
) -> AsyncIterator[tuple[int, OperationsServer]]:
    """Give the port of a server in this process, and the server."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = OperationsServer(served or shown(), timeout_s, max_connections)
    await server.start(listener)
    try:
        async with asyncio.timeout(DEADLINE_S):
            yield listener.getsockname()[1], server
    except TimeoutError as error:
        raise AssertionError(f"neither answered nor ended within {DEADLINE_S:g} s") from error
    finally:
        await server.close()


async def asked(port: int, *pieces: bytes) -> bytes:
    """Return all bytes until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    try:
        return await reader.read()
    finally:
        writer.close()


def parsed(answer: bytes) -> tuple[int, Mapping[str, str], bytes]:
    """Return status, headers and body of the only answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1, answer
    status, *lines = head.decode().split("\r\n")
    return int(status.split()[1]), dict(line.split(": ", 1) for line in lines), body


@pytest.mark.parametrize(("path", "state", "status", "body"), [
    ("/healthz", "ready", 200, b'{"status":"alive"}'),
    ("/healthz", "draining", 200, b'{"status":"alive"}'),
    ("/readyz", "ready", 200, b'{"status": "ready"}'),
    ("/readyz", "warming_up", 503, b'{"status": "warming_up"}'),
    ("/readyz", "draining", 503, b'{"status": "draining"}'),
    ("/readyz?verbose", "ready", 200, b'{"status": "ready"}'),
])  # fmt: skip
async def test_health_is_told(path: str, state: State, status: int, body: bytes) -> None:
    """Alive as long as it answers; ready only while it accepts deliveries."""
    async with serving(shown(state)) as (port, _):
        answer = parsed(await asked(port, f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode()))

    assert (answer[0], answer[2]) == (status, body)
    assert answer[1] == {"content-type": "application/json", "content-length": str(len(body)), "connection": "close"}


async def test_metrics_are_prometheus_text() -> None:
    """The content type gives the version of the format."""
    async with serving() as (port, _):
        status, headers, body = parsed(await asked(port, b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n"))

    assert status == 200
    assert headers["content-type"].startswith("text/plain; version=")
    assert b"asked_total 3.0\n" in body


async def test_head_has_no_body() -> None:
    """HEAD gets the same headers and no body."""
    async with serving() as (port, _):
        status, headers, body = parsed(await asked(port, b"HEAD /healthz HTTP/1.0\r\n\r\n"))

    assert (status, headers["content-length"], body) == (200, "18", b"")


@pytest.mark.parametrize(("request_bytes", "status", "error"), [
    (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", 404, "unknown_path"),
    (b"GET /v1/acme HTTP/1.1\r\nhost: x\r\n\r\n", 404, "unknown_path"),
    (b"GET /%6detrics HTTP/1.1\r\nhost: x\r\n\r\n", 404, "unknown_path"),
    (b"GET /metrics/ HTTP/1.1\r\nhost: x\r\n\r\n", 404, "unknown_path"),
    (b"GET http://x/metrics HTTP/1.1\r\nhost: x\r\n\r\n", 404, "unknown_path"),
    (b"POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}", 405, "wrong_method"),
    (b"get /healthz HTTP/1.1\r\nhost: x\r\n\r\n", 405, "wrong_method"),
    (b"\x16\x03\x01\x02\x00\r\n\r\n", 400, "invalid_http"),
    (large(HEAD_LIMIT_BYTES + 1), 431, "invalid_http"),
    (large(3 * HEAD_LIMIT_BYTES), 431, "invalid_http"),
    (b"GET /" + b"a" * 2 * HEAD_LIMIT_BYTES, 431, "invalid_http"),
])  # fmt: skip
async def test_anything_else_is_refused(request_bytes: bytes, status: int, error: str) -> None:
    """The answer has a reason for machines and a detail with the expected request."""
    async with serving() as (port, _):
        answer = parsed(await asked(port, request_bytes))

    refusal = json.loads(answer[2])
    assert (answer[0], refusal["error"]) == (status, error)
    assert refusal["detail"].startswith("expected ")
    assert status != 405 or answer[1]["allow"] == "GET, HEAD"


async def test_head_may_be_as_large_as_the_limit() -> None:
    """The limit is exact, in any number of packets."""
    async with serving() as (port, _):
        assert parsed(await asked(port, large(HEAD_LIMIT_BYTES)))[0] == 200


async def test_one_request_a_connection_is_answered() -> None:
    """A request in pieces is awaited, bytes after it are dropped."""
    async with serving() as (port, _):
        answer = await asked(port, *(HEALTHZ[index : index + 1] for index in range(len(HEALTHZ))), HEALTHZ)

    assert parsed(answer)[0] == 200


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nhost:"])
async def test_silence_is_ended(sent: bytes) -> None:
    """Half a request, or none, is closed after the timeout."""
    async with serving(timeout_s=TIMEOUT_S) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)

        assert await _read_or_reset(reader) == b""
        writer.close()


async def test_answer_that_is_not_read_is_ended() -> None:
    """A client that requests much and reads nothing holds its connection no longer than any other."""
    async with serving(timeout_s=TIMEOUT_S) as (port, server):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
        await until_open(server, 1)

        await until_open(server, 0)
        writer.close()


async def test_connections_have_a_limit() -> None:
    """One more is refused at once; after one ends the next is served."""
    async with serving(max_connections=2) as (port, server):
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        await until_open(server, 2)

        assert b"HTTP/1.1 503 " in await asked(port)
        idle[0][1].close()
        await until_open(server, 1)
        assert parsed(await asked(port, HEALTHZ))[0] == 200
        idle[1][1].close()


async def test_broken_page_costs_its_own_connection_only() -> None:
    """A bug in one page is logged by the process; the next request is answered."""
    seen: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: seen.append(context["message"]))
    async with serving() as (port, _):
        assert await asked(port, b"GET /broken HTTP/1.1\r\nhost: x\r\n\r\n") == b""
        assert parsed(await asked(port, HEALTHZ))[0] == 200


async def test_closing_ends_what_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer in flight is sent to its end, an idle connection is closed, a new one is refused."""
    monkeypatch.setattr(operations, "CLOSE_S", 5.0)
    async with serving() as (port, server):
        reading, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
        head = await reading.readuntil(b"\r\n\r\n")
        closing = asyncio.create_task(server.close())

        assert len(await reading.read()) == LARGE
        assert head.startswith(b"HTTP/1.1 200 ")
        await closing
        with pytest.raises(ConnectionRefusedError):
            await asked(port, HEALTHZ)
        writer.close()


async def test_closing_waits_for_nobody() -> None:
    """A connection without a request is closed when the process ends."""
    async with serving() as (port, server):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await until_open(server, 1)

        await server.close()

        assert await _read_or_reset(reader) == b""
        writer.close()


async def until_open(server: OperationsServer, connections: int) -> None:
    """Return once that many connections are open; the deadline is that of `serving`."""
    while server.connections != connections:  # noqa: ASYNC110  # a fact of the server's tasks, with a deadline
        await asyncio.sleep(0.01)


async def _read_or_reset(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""

"""A connection that never ends its request is ended; a well-behaved one is left alone."""

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from ingress.admission.body_limits import InFlightLimits
from ingress.answers import Answer
from ingress.server.protocol import HEADER_LIMIT_BYTES, protocol_factory, sweep

TIMEOUT_S, EVERY_S, DEADLINE_S = 0.2, 0.05, 10
POST = b"POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"
BAD_CHUNK = b"POST /v1/y HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"


async def echo_length(_scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 200 after the body."""
    while (message := await receive())["type"] == "http.request" and message["more_body"]:
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with a reset, as a killed sender's system does; closing alone might be a half-closed sender."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class BlockingApp:
    """An application that answers once it is told to. `begun` is set by the first request, `seen` counts them."""

    def __init__(self) -> None:
        self.begun, self.released = asyncio.Event(), asyncio.Event()
        self.seen = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self.seen += 1
        self.begun.set()
        await self.released.wait()
        await echo_length(scope, receive, send)


@asynccontextmanager
async def connection(
    app: ASGIApp = echo_length,
    refusals: list[Answer] | None = None,
    state: ServerState | None = None,
    in_flight: InFlightLimits | None = None,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Give a connection to a server whose connections are swept; their refusals go into the list."""
    config = uvicorn.Config(app, ws="none", log_config=None, access_log=False)
    told: list[Answer] = [] if refusals is None else refusals
    state, http = state or ServerState(), protocol_factory(told.append, in_flight=in_flight)
    server = await asyncio.get_running_loop().create_server(lambda: http(config, state, {}), "127.0.0.1", 0)
    sweeping = asyncio.create_task(sweep(state.connections, TIMEOUT_S, EVERY_S))
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        async with asyncio.timeout(DEADLINE_S):
            yield reader, writer
    finally:
        writer.close()
        sweeping.cancel()
        server.close()
        await server.wait_closed()


async def test_silent_connection_is_closed() -> None:
    """A connection that never sends a byte is closed."""
    async with connection() as (reader, _writer):
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")


async def test_body_that_never_ends_is_answered_and_closed() -> None:
    """A missing body gets one 408."""
    async with connection() as (reader, writer):
        writer.write(b"POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc")

        answer = await reader.read()

        assert answer.count(b"HTTP/1.1 ") == 1
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"request_too_slow" in answer


async def test_endless_header_is_refused() -> None:
    """Headers beyond 64 kB get 400 while they are still coming."""
    async with connection() as (reader, writer):
        writer.write(b"POST /v1/x HTTP/1.1\r\nhost: x\r\nx-endless: " + b"a" * (HEADER_LIMIT_BYTES + 1))

        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")


async def test_idle_connection_between_requests_is_kept() -> None:
    """A connection that is idle after its answer outlives the limit for a request."""
    request = b"POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"
    async with connection() as (reader, writer):
        writer.write(request)
        first = await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(2 * TIMEOUT_S)
        writer.write(request)
        second = await reader.readuntil(b"\r\n\r\n")

    assert first.startswith(b"HTTP/1.1 200 ")
    assert second.startswith(b"HTTP/1.1 200 ")


async def test_body_in_one_packet_with_headers_is_not_one_of_them() -> None:
    """A packet's part of a body does not count as headers because a next request begins after it."""
    size, state = HEADER_LIMIT_BYTES * 2, ServerState()
    async with connection(state=state) as (reader, writer):
        writer.write(POST)
        answers = [await reader.readuntil(b"\r\n\r\n")]
        (server_side,) = state.connections  # called directly: a socket may split packets anywhere

        server_side.data_received(b"POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % size)
        server_side.data_received(b"x" * size + POST[:10])
        answers.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(POST[10:])
        answers.append(await reader.readuntil(b"\r\n\r\n"))

    assert [answer[:13] for answer in answers] == [b"HTTP/1.1 200 "] * 3


@pytest.mark.parametrize("behind", [b"no HTTP at all\r\n\r\n", POST + b"\0\0", BAD_CHUNK, POST + BAD_CHUNK])
async def test_garbage_behind_a_request_leaves_it_its_answer(behind: bytes) -> None:
    """Whole requests are answered in order, then the garbage after them gets its 400.

    Where it begins like a request, the application has seen its head, and counts it itself as cut off.
    """
    app, refusals = BlockingApp(), list[Answer]()
    async with connection(app, refusals) as (reader, writer):
        writer.write(POST + behind)
        await app.begun.wait()
        assert refusals == []
        app.released.set()

        answer = await reader.read()

    whole, begun = 1 + behind.startswith(POST), behind.endswith(BAD_CHUNK)
    assert (answer.count(b"HTTP/1.1 200 "), app.seen) == (whole, whole + begun)
    assert answer.index(b"HTTP/1.1 400 ") > answer.rindex(b"HTTP/1.1 200 ")
    assert [refusal.reason for refusal in refusals] == ([] if begun else ["invalid_http"])


async def test_half_a_request_that_breaks_off_is_answered_once() -> None:
    """A body whose chunks are broken gets one 400; the application counts it, as cut off."""
    refusals = list[Answer]()
    async with connection(refusals=refusals) as (reader, writer):
        writer.write(BAD_CHUNK)
        answer = await reader.read()

    assert answer.count(b"HTTP/1.1 ") == answer.count(b"HTTP/1.1 400 ") == 1
    assert refusals == []


async def test_garbage_on_a_connection_is_told() -> None:
    """Bytes that never become a request are answered by the connection, which reports them once."""
    refusals = list[Answer]()
    async with connection(refusals=refusals) as (reader, writer):
        writer.write(b"\x16\x03\x01")
        answer = await reader.read()

    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert [refusal.reason for refusal in refusals] == ["invalid_http"]


def test_hang_up_behind_pipelined_requests_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    """The request in flight learns of the disconnect, though another one came after it; that other one is dropped.

    On uvloop, as in production: there, and only there, an answer to a closed socket raises.
    """
    caplog.set_level(logging.WARNING, "uvicorn.error")

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        seen = runner.run(_seen_by_a_patient_application())

    assert seen == ["http.request", "http.disconnect", "answered"]
    assert caplog.records == []


async def _seen_by_a_patient_application() -> list[str]:
    """Return the messages of an application that gets two requests at once, the first without end until the disconnect."""
    seen: list[str] = []
    begun, ended = asyncio.Event(), asyncio.Event()

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((await receive())["type"])
        begun.set()
        seen.append((await receive())["type"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})
        seen.append("answered")
        ended.set()

    async with connection(app) as (_reader, writer):
        writer.write(POST + POST)
        await begun.wait()
        reset(writer)
        await ended.wait()
    return seen

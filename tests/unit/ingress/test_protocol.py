"""A connection that never ends its request is ended; one that behaves is left alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from ingress.protocol import HEADER_LIMIT_BYTES, BoundedHttp, sweep

TIMEOUT_S, EVERY_S, DEADLINE_S = 0.2, 0.05, 10


async def echo_length(_scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 200 after the body."""
    while (message := await receive())["type"] == "http.request" and message["more_body"]:
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


@asynccontextmanager
async def connection() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Give a connection to a server whose connections are swept."""
    config = uvicorn.Config(echo_length, http=BoundedHttp, ws="none", log_config=None, access_log=False)
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(lambda: BoundedHttp(config, state, {}), "127.0.0.1", 0)
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
    """A connection that never sends a byte is hung up on."""
    async with connection() as (reader, _writer):
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")


async def test_body_that_never_ends_is_answered_and_closed() -> None:
    """A body that stays away gets one 408."""
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
    """A connection that rests after its answer outlives the time a request may take."""
    request = b"POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"
    async with connection() as (reader, writer):
        writer.write(request)
        first = await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(2 * TIMEOUT_S)
        writer.write(request)
        second = await reader.readuntil(b"\r\n\r\n")

    assert first.startswith(b"HTTP/1.1 200 ")
    assert second.startswith(b"HTTP/1.1 200 ")

"""Requests that parsers may read differently: the connection reads them in one way, or refuses them and closes."""

import asyncio
from collections.abc import Callable
from typing import Any, Literal, cast

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from ingress.admission.body_limits import InFlightLimits
from ingress.answers import Answer
from ingress.server.protocol import HEADER_LIMIT_BYTES, BoundedHttp
from tests.unit.ingress.server.test_protocol import BlockingApp, connection

POST = b"POST /v1/x HTTP/1.1\r\nhost: x\r\n"
HIDDEN = b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n"


class Seen:
    """An application that records every whole request: its path, headers and body. Answers 200."""

    def __init__(self) -> None:
        self.requests: list[tuple[bytes, dict[bytes, bytes], bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read one request and answer it."""
        body, more = b"", True
        while more:
            message: Any = await receive()
            if message["type"] != "http.request":
                return
            body, more = body + message["body"], message["more_body"]
        self.requests.append((scope["raw_path"], dict(scope["headers"]), body))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})


async def exchange(app: Seen, *packets: bytes, state: ServerState | None = None) -> bytes:
    """Send packets, each read by itself, close the sending side, and return all answers."""
    state = state or ServerState()
    async with connection(app, state=state) as (reader, writer):
        while not state.connections:  # noqa: ASYNC110 - uvicorn's set has no event; the connection ends after 10 s
            await asyncio.sleep(0)
        (server_side,) = state.connections
        for packet in packets:
            server_side.data_received(packet)  # called directly: a socket may split packets anywhere
            for _ in range(10):
                await asyncio.sleep(0)
        writer.write_eof()
        return await reader.read()


async def test_trailer_is_no_header() -> None:
    """Neither an address nor a signature after the body counts."""
    app = Seen()
    trailers = b"x-forwarded-for: 1.2.3.4\r\nx-signature: abc\r\n\r\n"

    answer = await exchange(app, POST + b"transfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n" + trailers, HIDDEN)

    assert answer.count(b" 200 OK") == 2
    assert [(path, body) for path, _, body in app.requests] == [(b"/v1/x", b"ab"), (b"/metrics", b"")]
    assert all(not {b"x-forwarded-for", b"x-signature"} & headers.keys() for _, headers, _ in app.requests)


async def test_endless_trailers_end_the_connection() -> None:
    """Trailers take no memory, and count like headers."""
    sent = POST + b"transfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n"

    answer = await exchange(Seen(), sent, *[b"t: %b\r\n" % (b"a" * 8000)] * 20)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"header_too_large" in answer


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.0"])
@pytest.mark.parametrize("is_late", [True, False])
async def test_upgrade_is_ignored_with_its_body_and_all(protocol: bytes, is_late: bool) -> None:
    """The body belongs to the request, in any packet: bytes in it that look like a request are not parsed."""
    app = Seen()
    head = POST + b"connection: Upgrade, HTTP2-Settings\r\nupgrade: %b\r\ncontent-length: %d\r\n\r\n"
    head %= (protocol, len(HIDDEN))

    answer = await exchange(app, *([head, HIDDEN] if is_late else [head + HIDDEN]), POST + b"\r\n")

    assert answer.count(b"HTTP/1.1 200 ") == answer.count(b"HTTP/1.1 ") == 2
    assert [(path, body) for path, _, body in app.requests] == [(b"/v1/x", HIDDEN), (b"/v1/x", b"")]


@pytest.mark.parametrize("excess", [0, 1])
async def test_header_limit_is_exact_in_one_read(excess: int) -> None:
    """A head of 64 kB passes and one byte more does not, though all of it comes at once."""
    head = POST + b"x: " + b"a" * (HEADER_LIMIT_BYTES - len(POST) - 7 + excess) + b"\r\n\r\n"
    assert len(head) == HEADER_LIMIT_BYTES + excess

    answer = await exchange(Seen(), head)

    assert answer.startswith(b"HTTP/1.1 400 " if excess else b"HTTP/1.1 200 ")


async def test_fields_are_bounded_in_number() -> None:
    """Thousands of empty fields would take a hundred times their size in memory."""
    answer = await exchange(Seen(), POST + b"x:\r\n" * 300 + b"\r\n")

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"header_too_large" in answer


@pytest.mark.parametrize("requests", [1, 3])
async def test_half_closed_sender_is_answered(requests: int) -> None:
    """Who closes its side after the request gets the answers to all that came whole, then the connection ends."""
    app, state = BlockingApp(), ServerState()
    async with connection(app, state=state) as (reader, writer):
        writer.write((POST + b"content-length: 2\r\n\r\nab") * requests)
        await app.begun.wait()
        (server_side,) = cast("set[BoundedHttp]", state.connections)
        writer.write_eof()
        while not (server_side._has_sent_all or server_side.flow.read_paused):  # noqa: ASYNC110 - ends after 10 s
            await asyncio.sleep(0)
        app.released.set()

        answer = await reader.read()

    assert answer.count(b"HTTP/1.1 200 ") == answer.count(b"HTTP/1.1 ") == app.seen == requests


@pytest.mark.parametrize(("scheme", "stays_open"), [("http", True), ("https", False)])
async def test_half_closed_sender_is_kept_where_that_exists(scheme: Literal["http", "https"], stays_open: bool) -> None:
    """TLS knows no half-closed connection: to keep one makes the event loop log a line, which any sender could cause."""
    app, state = BlockingApp(), ServerState()
    async with connection(app, state=state) as (_reader, writer):
        writer.write(POST + b"\r\n")
        await app.begun.wait()
        (server_side,) = cast("set[BoundedHttp]", state.connections)
        server_side.scheme = scheme

        assert server_side.eof_received() is stays_open

        app.released.set()


async def test_half_a_request_behind_a_half_closed_one_is_refused() -> None:
    """The rest of the second one will never come, though it is begun only when the first one has its answer."""
    app, state = BlockingApp(), ServerState()
    async with connection(app, state=state) as (reader, writer):
        writer.write(POST + b"content-length: 2\r\n\r\nab")
        await app.begun.wait()
        (server_side,) = cast("set[BoundedHttp]", state.connections)
        server_side.data_received(POST + b"content-length: 3\r\n\r\nab")
        server_side.eof_received()
        app.released.set()

        answer = await reader.read()

    assert answer.count(b"HTTP/1.1 200 ") == answer.count(b"HTTP/1.1 400 ") == 1
    assert b"body_cut_off" in answer


@pytest.mark.parametrize("sent", [POST, POST + b"content-length: 3\r\n\r\nab"])
async def test_half_closed_sender_of_half_a_request_is_refused(sent: bytes) -> None:
    """The rest will never come: 400 at once, not 408 after 20 s."""
    assert b"body_cut_off" in await exchange(Seen(), sent)


@pytest.mark.parametrize(("head", "status"), [
    (b"POST /v1/x HTTP/1.1\r\nx: y\r\n\r\n", 400),                               # no host
    (b"POST /v1/x HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n", 400),
    (b"POST /v1/x HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n", 400),
    (b"POST /v1/x HTTP/1.1\r\nhost: x y\r\n\r\n", 400),
    (b"POST /v1/x HTTP/1.1\r\nhost: x/v1\r\n\r\n", 400),
    (b"POST /v1/x HTTP/1.1\r\nhost: u@x\r\n\r\n", 400),
    (b"POST /v1/x HTTP/1.1\r\nhost:\r\n\r\n", 200),                              # allowed where there is no authority
    (b"POST /v1/x HTTP/1.1\r\nhost: [::1]:8080\r\n\r\n", 200),
    (b"POST /v1/x HTTP/1.0\r\n\r\n", 200),                                       # HTTP/1.0 knows no host
    (b"POST /v1/x HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"POST /v1/x HTTP/2.0\r\nhost: x\r\n\r\n", 400),
    (b"POST /v1/x HTTP/0.9\r\nhost: x\r\n\r\n", 400),
    (b"POST /v1/x\r\nhost: x\r\n\r\n", 400),
    (b"CONNECT x:80 HTTP/1.1\r\nhost: x\r\n\r\n", 400),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
])  # fmt: skip
async def test_heads_that_the_parser_takes_too_easily(head: bytes, status: int) -> None:
    """A server must refuse a request without exactly one host, and other versions (RFC 9112)."""
    answer = await exchange(Seen(), head)

    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert answer.count(b"HTTP/1.1 ") == 1


async def test_blanks_round_a_value_are_none_of_it() -> None:
    """A tab after a signature is not part of it, just like a blank (RFC 9110, section 5.5)."""
    app = Seen()

    await exchange(app, POST + b"x-signature: \t abc \t \r\n\r\n")

    assert app.requests[0][1][b"x-signature"] == b"abc"


async def test_bytes_that_nobody_reads_are_counted() -> None:
    """Half heads, queued requests and bodies count together; one that does not fit ends its connection."""
    in_flight, refusals = InFlightLimits(10, 40_000), list[Answer]()

    async with connection(Seen(), refusals, in_flight=in_flight) as (reader, writer):
        writer.write(POST + b"x: " + b"a" * 60_000)
        answer = await reader.read()

    assert b"too_many_bytes" in answer
    assert [refusal.reason for refusal in refusals] == ["too_many_bytes"]
    assert in_flight.body_bytes == 0


@pytest.mark.parametrize("cut", [
    lambda whole: whole,                                           # answered
    lambda whole: whole[:-1],                                      # broken off in its body
    lambda whole: whole + POST,                                    # half a head behind it
    lambda whole: whole * 3 + b"\0",
])  # fmt: skip
async def test_every_counted_byte_is_given_back(cut: Callable[[bytes], bytes]) -> None:
    """After any end of a connection, its bytes no longer count."""
    in_flight = InFlightLimits(10, 1_000_000)

    async with connection(Seen(), in_flight=in_flight) as (reader, writer):
        writer.write(cut(POST + b"content-length: 100000\r\n\r\n" + b"a" * 100_000))
        writer.write_eof()
        await reader.read()

    assert in_flight.body_bytes == 0

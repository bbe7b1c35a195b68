"""uvicorn's HTTP with an end to everything: neither it nor httptools limits a header's size, a request's time or memory.

uvicorn parses whatever a socket holds, as far as it goes; here `ingress.server.framing` cuts the bytes first, and the parser gets
one request at a time. So whoever came first is answered first, what comes behind waits unread, and only fields before the
body are headers. Time is watched from beside the requests: `asyncio.timeout` round each body would cost 6 us a delivery.
"""

import asyncio
import sys
from collections.abc import Callable, Collection
from http import HTTPStatus

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from ingress import answers
from ingress.admission.body_limits import InFlightLimits
from ingress.answers import Answer
from ingress.server.framing import Framing, FramingError, FramingTooLarge
from ingress.server.head_checks import head_fault

HEADER_LIMIT_BYTES = 64 * 1024  # Providers send 2 kB; proxies allow 8 to 64 kB.
REQUEST_TIMEOUT_S = 20.0  # From its first byte to its last; no provider waits longer for the answer than 30 s.
SWEEP_S = 1.0


class BoundedHttp(HttpToolsProtocol):
    """One connection."""

    on_refusal: Callable[[Answer], None] = staticmethod(lambda _answer: None)
    """Told of every answer that the connection itself gives, because no request got as far as the application."""

    max_connections = sys.maxsize
    """Beyond so many at once, a new one is hung up on."""

    in_flight = InFlightLimits(sys.maxsize, sys.maxsize)
    """Where all connections count the bytes that they hold."""

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, object]) -> None:
        super().__init__(config, server_state, app_state)
        self._framing = Framing(HEADER_LIMIT_BYTES)
        self._counted_bytes = 0  # of those that the framing holds, in the room
        self._charge = _Charge(self.in_flight)  # of the request that is arriving, or has arrived last
        self._is_arriving = True  # from the first byte of a request to its last; a new connection owes one
        self._arrived = 0  # requests that came whole; their number stands for the one that is awaited or arriving
        self._has_sent_all = False
        self._running: RequestResponseCycle | None = None  # the one request that the application has
        self._refusal: Answer | None = None  # of bytes that cannot be read on; nothing behind them is looked at
        self._fault: Answer | None = None  # of the head that is being parsed

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn declares it
        """Take a connection, if there are not too many."""
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            self.hang_up(answers.too_many_connections(self.max_connections))

    def data_received(self, data: bytes) -> None:
        """Take bytes from the socket, and read on if no request waits for its answer."""
        if self._refusal is not None or self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        self._framing.add(data)
        self._read_on()

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio reads the answer, which uvicorn never gives
        """Answer what came whole before the sender closed its side; keep the connection open for that.

        TLS has no such half: there the transport closes whatever this returns, and logs a line if it is to stay open.
        """
        self._has_sent_all = True
        if self._running is not None and not self._is_arriving:
            return self.scheme == "http"
        self._end_half_closed()
        return False

    def on_headers_complete(self) -> None:
        """Learn how long the body is, and begin the request. Raising ends the parsing: `_parse` answers the fault."""
        self._charge.add(self._framing.spent_bytes)
        if self._framing.has_blanks:
            self.headers[:] = [(name, value.strip(b" \t")) for name, value in self.headers]
        fields = dict(self.headers)
        self._fault = head_fault(self.headers, fields, self.parser.get_http_version(), self.parser.get_method())
        if self._fault is not None:
            raise ValueError(self._fault.reason)
        if b"transfer-encoding" in fields:
            self._framing.expect_chunks()
        else:
            self._framing.expect_body(int(fields.get(b"content-length", 0)))
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand bytes of the body over, unless the answer is there already."""
        if not self.cycle.response_complete:
            self._charge.add(len(body))
            super().on_body(body)

    def on_message_begin(self) -> None:
        """Note that a request has begun."""
        self._is_arriving = True
        self._charge = _Charge(self.in_flight)
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """Note that the request is here to its last byte, or dropped to it after an early refusal."""
        self._is_arriving = False
        self._arrived += 1
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what was not read. The running request learns of it; its body counts until it has ended.

        uvicorn leaves the timer for idle connections running when the sender resets: for 75 s it would hold all that the
        connection took, 300 kB with TLS, of a connection that counts no more.
        """
        self._framing = Framing(0)
        self._count_held()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Go on with the next request, or with the refusal of what came behind the last one."""
        self._running = None
        super().on_response_complete()
        self._end(None)
        if len(self._framing) and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._read_on()
        if self._has_sent_all and (self._running is None or self._is_arriving):
            self._end_half_closed()

    def arriving(self) -> object:
        """Return what stands for the request that is only partly here, None between requests: the same while it lasts."""
        has_begun = self._is_arriving or (len(self._framing) and self._running is None)
        return self._arrived if has_begun else None

    def hang_up(self, answer: Answer) -> None:
        """End the connection with an answer to what it sends, unless that has had one; the application sees a cut-off body.

        What came whole before it is answered first.
        Proven by tests/unit/ingress/server/test_protocol.py::test_garbage_behind_a_request_leaves_it_its_answer
        """
        if self._refusal is not None:
            return
        self._refusal = answer
        broken = self._half_sent()
        if self._running is None or self._running is broken:
            self._end(broken)

    def _read_on(self) -> None:
        """Parse piece by piece, up to the end of the request that has to be answered first."""
        try:
            while (self._running is None or self._is_arriving) and self._refusal is None:
                piece = self._framing.piece()
                if not piece:
                    break
                self._parse(piece)
        except FramingTooLarge:
            self.hang_up(answers.header_too_large(HEADER_LIMIT_BYTES))
        except FramingError as error:
            self.hang_up(answers.invalid_http(str(error)))
        if len(self._framing) != self._counted_bytes or self.in_flight.body_bytes > self.in_flight.most_bytes:
            self._hold()

    def _parse(self, piece: bytes) -> None:
        """Let the parser have one piece. It must see the end of the request where the framing sees it."""
        try:
            self.parser.feed_data(piece)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._charge.settle(None)
            self.hang_up(self._fault or answers.invalid_http())
            return
        if self._framing.is_between_requests is self._is_arriving:
            self.hang_up(answers.invalid_http())

    def _hold(self) -> None:
        """Keep what cannot be read yet: count it, and let the socket keep the rest."""
        self._count_held()
        if self.in_flight.body_bytes > self.in_flight.most_bytes:
            self.hang_up(answers.too_many_bytes(self.in_flight.max_bytes))
        elif self._counted_bytes and self._running is not None and not self._is_arriving:
            self.flow.pause_reading()

    def _count_held(self) -> None:
        held_bytes = len(self._framing)
        self.in_flight.body_bytes += held_bytes - self._counted_bytes
        self._counted_bytes = held_bytes

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Run the application. Its request's bytes count until it has ended, whether anybody still listens or not."""
        self._running = cycle
        task = self.loop.create_task(cycle.run_asgi(app))
        task.add_done_callback(self._charge.settle)
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _half_sent(self) -> RequestResponseCycle | None:
        """Return the request whose headers are here and whose body is not, None if there is none."""
        has_headers = self._is_arriving and self.cycle is not None and self.cycle.scope is self.scope
        return self.cycle if has_headers else None

    def _end_half_closed(self) -> None:
        """End a connection whose sender has closed its side: with 400 inside a request, without a word between two."""
        if self._half_sent() is not None or len(self._framing):
            self.hang_up(answers.body_cut_off())
        elif not self.transport.is_closing():
            self.transport.close()

    def _end(self, broken: RequestResponseCycle | None) -> None:
        if self.transport.is_closing() or self._refusal is None:
            return
        if broken is None or not broken.response_started:
            self.transport.write(_message(self._refusal))
        if self._running is None:
            self.on_refusal(self._refusal)  # else the application counts it, as a body cut off
        self.transport.close()


class _Charge:
    """The bytes of one request in the room, from their arrival until its application has ended."""

    __slots__ = ("_bytes", "_in_flight")

    def __init__(self, in_flight: InFlightLimits) -> None:
        self._in_flight = in_flight
        self._bytes = 0

    def add(self, size: int) -> None:
        self._bytes += size
        self._in_flight.body_bytes += size

    def settle(self, _task: object) -> None:
        self._in_flight.body_bytes -= self._bytes
        self._bytes = 0


def telling(
    on_refusal: Callable[[Answer], None], max_connections: int = sys.maxsize, in_flight: InFlightLimits | None = None
) -> type[BoundedHttp]:
    """Return the class of connections that tell of what they refuse, of which there are so many at most, with that room."""
    members = {"on_refusal": staticmethod(on_refusal), "max_connections": max_connections}
    return type("TellingHttp", (BoundedHttp,), members if in_flight is None else {**members, "in_flight": in_flight})


async def sweep(
    connections: Collection[object], timeout_s: float = REQUEST_TIMEOUT_S, every_s: float = SWEEP_S
) -> None:
    """Again and again, hang up on whoever has been sending one request for too long. Ends only when cancelled."""
    loop = asyncio.get_running_loop()
    too_slow = answers.request_too_slow(timeout_s)
    since_s: dict[BoundedHttp, tuple[object, float]] = {}
    while True:
        await asyncio.sleep(every_s)
        now_s, before_s, since_s = loop.time(), since_s, {}
        for connection in [known for known in connections if isinstance(known, BoundedHttp)]:
            request = connection.arriving()
            if request is None:
                continue
            earlier, began_s = before_s.get(connection, (None, now_s))
            since_s[connection] = (request, began_s if earlier is request else now_s)
            if now_s - since_s[connection][1] > timeout_s:
                connection.hang_up(too_slow)


def _message(answer: Answer) -> bytes:
    body = answer.body()
    headers = [answers.CLOSE, answers.JSON, (b"content-length", b"%d" % len(body)), *answer.headers]
    lines = [b"HTTP/1.1 %d %b" % (answer.status, HTTPStatus(answer.status).phrase.encode())]
    lines += [b"%b: %b" % header for header in headers]
    return b"\r\n".join([*lines, b"", body])

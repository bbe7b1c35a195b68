"""uvicorn's HTTP with limits: neither uvicorn nor httptools limits the size of a header, or a request's time or memory.

uvicorn parses everything that a socket holds; here `ingress.server.framing` splits the bytes first, and the parser gets one
request at a time. So requests are answered in order, later ones wait unread, and only fields before the body are headers.
A separate task (`sweep`) enforces the time limit: `asyncio.timeout` around each body would cost 6 us a delivery.
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
REQUEST_TIMEOUT_S = 20.0  # From first byte to last; no provider waits longer than 30 s for the answer.
SWEEP_S = 1.0


class BoundedHttp(HttpToolsProtocol):
    """One connection."""

    on_refusal: Callable[[Answer], None] = staticmethod(lambda _answer: None)
    """Called with every answer that the connection itself sends, because no request reached the application."""

    max_connections = sys.maxsize
    """The most connections open at once; a further one is closed."""

    in_flight = InFlightLimits(sys.maxsize, sys.maxsize)
    """Counts the bytes that all connections hold."""

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, object]) -> None:
        super().__init__(config, server_state, app_state)
        self._framing = Framing(HEADER_LIMIT_BYTES)
        self._counted_bytes = 0  # bytes held by the framing, as counted in `in_flight`
        self._charge = _Charge(self.in_flight)  # of the request that is arriving, or arrived last
        self._is_arriving = True  # from first byte to last of a request; a new connection is expected to send one
        self._arrived = 0  # complete requests; the number identifies the request expected or arriving next
        self._has_sent_all = False
        self._running: RequestResponseCycle | None = None  # the one request that the application has
        self._refusal: Answer | None = None  # the answer to unreadable bytes; nothing after them is read
        self._fault: Answer | None = None  # of the head that is being parsed

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn declares it
        """Accept a connection, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            self.refuse_and_close(answers.too_many_connections(self.max_connections))

    def data_received(self, data: bytes) -> None:
        """Take bytes from the socket, and parse them unless a request waits for its answer."""
        if self._refusal is not None or self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        self._framing.add(data)
        self._read_on()

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio uses the result, which uvicorn never returns
        """Keep the connection open to answer requests that were complete when the sender closed its side.

        TLS connections cannot be half closed: there the transport closes in any case, and logs a line if this returns True.
        """
        self._has_sent_all = True
        if self._running is not None and not self._is_arriving:
            return self.scheme == "http"
        self._end_half_closed()
        return False

    def on_headers_complete(self) -> None:
        """Set the length of the body, and begin the request. Raising stops the parser: `_parse` then answers the fault."""
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
        """Pass bytes of the body on, unless the request has been answered."""
        if not self.cycle.response_complete:
            self._charge.add(len(body))
            super().on_body(body)

    def on_message_begin(self) -> None:
        """Note that a request has begun."""
        self._is_arriving = True
        self._charge = _Charge(self.in_flight)
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """Note that the last byte of the request has arrived, whether it was read or dropped after an early refusal."""
        self._is_arriving = False
        self._arrived += 1
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Discard unread bytes, and notify the running request; its body counts until it has ended.

        When the sender resets, uvicorn leaves the timer for idle connections running. For 75 s that would hold the
        connection's memory, 300 kB with TLS, although the connection is no longer counted.
        """
        self._framing = Framing(0)
        self._count_held()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Go on with the next request, or with the refusal of the bytes after the last one."""
        self._running = None
        super().on_response_complete()
        self._end(None)
        if len(self._framing) and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._read_on()
        if self._has_sent_all and (self._running is None or self._is_arriving):
            self._end_half_closed()

    def arriving(self) -> object:
        """Return an object that identifies the request that is arriving, None between requests."""
        has_begun = self._is_arriving or (len(self._framing) and self._running is None)
        return self._arrived if has_begun else None

    def refuse_and_close(self, answer: Answer) -> None:
        """Refuse what is arriving with this answer and close the connection, once; the application sees a body cut off.

        Requests that were complete before are answered first.
        Proven by tests/unit/ingress/server/test_protocol.py::test_garbage_behind_a_request_leaves_it_its_answer
        """
        if self._refusal is not None:
            return
        self._refusal = answer
        broken = self._half_sent()
        if self._running is None or self._running is broken:
            self._end(broken)

    def _read_on(self) -> None:
        """Parse piece by piece, up to the end of the request that must be answered next."""
        try:
            while (self._running is None or self._is_arriving) and self._refusal is None:
                piece = self._framing.piece()
                if not piece:
                    break
                self._parse(piece)
        except FramingTooLarge:
            self.refuse_and_close(answers.header_too_large(HEADER_LIMIT_BYTES))
        except FramingError as error:
            self.refuse_and_close(answers.invalid_http(str(error)))
        if len(self._framing) != self._counted_bytes or self.in_flight.body_bytes > self.in_flight.most_bytes:
            self._hold()

    def _parse(self, piece: bytes) -> None:
        """Feed the parser one piece. Parser and framing must agree on where the request ends."""
        try:
            self.parser.feed_data(piece)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._charge.settle(None)
            self.refuse_and_close(self._fault or answers.invalid_http())
            return
        if self._framing.is_between_requests is self._is_arriving:
            self.refuse_and_close(answers.invalid_http())

    def _hold(self) -> None:
        """Count the bytes that cannot be read yet, and leave the rest in the socket."""
        self._count_held()
        if self.in_flight.body_bytes > self.in_flight.most_bytes:
            self.refuse_and_close(answers.too_many_bytes(self.in_flight.max_bytes))
        elif self._counted_bytes and self._running is not None and not self._is_arriving:
            self.flow.pause_reading()

    def _count_held(self) -> None:
        held_bytes = len(self._framing)
        self.in_flight.body_bytes += held_bytes - self._counted_bytes
        self._counted_bytes = held_bytes

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Run the application. The bytes of its request count until it has ended, even if the sender is gone."""
        self._running = cycle
        task = self.loop.create_task(cycle.run_asgi(app))
        task.add_done_callback(self._charge.settle)
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _half_sent(self) -> RequestResponseCycle | None:
        """Return the request whose headers are complete and whose body is not, None if there is none."""
        has_headers = self._is_arriving and self.cycle is not None and self.cycle.scope is self.scope
        return self.cycle if has_headers else None

    def _end_half_closed(self) -> None:
        """Close a connection whose sender has closed its side: with 400 inside a request, without an answer between two."""
        if self._half_sent() is not None or len(self._framing):
            self.refuse_and_close(answers.body_cut_off())
        elif not self.transport.is_closing():
            self.transport.close()

    def _end(self, broken: RequestResponseCycle | None) -> None:
        if self.transport.is_closing() or self._refusal is None:
            return
        if broken is None or not broken.response_started:
            self.transport.write(_message(self._refusal))
        if self._running is None:
            self.on_refusal(self._refusal)  # otherwise the application counts it, as a body cut off
        self.transport.close()


class _Charge:
    """Counts the bytes of one request in `in_flight`, from their arrival until its application has ended."""

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


def protocol_factory(
    on_refusal: Callable[[Answer], None], max_connections: int = sys.maxsize, in_flight: InFlightLimits | None = None
) -> type[BoundedHttp]:
    """Return a class of connections with this callback for refusals and these limits."""
    members = {"on_refusal": staticmethod(on_refusal), "max_connections": max_connections}
    return type("LimitedHttp", (BoundedHttp,), members if in_flight is None else {**members, "in_flight": in_flight})


async def sweep(
    connections: Collection[object], timeout_s: float = REQUEST_TIMEOUT_S, every_s: float = SWEEP_S
) -> None:
    """Repeatedly close connections that have been sending one request for too long. Ends only when cancelled."""
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
                connection.refuse_and_close(too_slow)


def _message(answer: Answer) -> bytes:
    body = answer.body()
    headers = [answers.CLOSE, answers.JSON, (b"content-length", b"%d" % len(body)), *answer.headers]
    lines = [b"HTTP/1.1 %d %b" % (answer.status, HTTPStatus(answer.status).phrase.encode())]
    lines += [b"%b: %b" % header for header in headers]
    return b"\r\n".join([*lines, b"", body])

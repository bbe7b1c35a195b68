"""uvicorn's HTTP with an end to everything: neither it nor httptools limits a header's size or a request's time.

Both are watched from beside the requests: `asyncio.timeout` round the reading of each body would cost 6 us a delivery.
And with pipelined requests in mind, which uvicorn half forgets: whoever came first is answered first, even when what
comes behind it is no HTTP, and is told when the connection is gone, even when it is not the newest.
"""

import asyncio
import sys
from collections.abc import Callable, Collection
from http import HTTPStatus

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ingress import answers
from ingress.answers import Answer

HEADER_LIMIT_BYTES = 64 * 1024  # Providers send 2 kB; proxies allow 8 to 64 kB.
REQUEST_TIMEOUT_S = 20.0  # From its first byte to its last; no provider waits longer for the answer than 30 s.
SWEEP_S = 1.0


class BoundedHttp(HttpToolsProtocol):
    """One connection."""

    on_refusal: Callable[[Answer], None] = staticmethod(lambda _answer: None)
    """Told of every answer that the connection itself gives, because no request got as far as the application."""

    max_connections = sys.maxsize
    """Beyond so many at once, a new one is hung up on."""

    _header_bytes = 0
    _is_arriving = True  # from the first byte of a request to its last; a new connection owes one
    _running: RequestResponseCycle | None = None  # the one request that the application has; others wait in `pipeline`
    _refusal: Answer | None = None  # of bytes that cannot be read on; nothing that comes behind them is looked at

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn declares it
        """Take a connection, if there are not too many."""
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            self.hang_up(answers.too_many_connections(self.max_connections))

    def data_received(self, data: bytes) -> None:
        """Take bytes from the socket; answer 400 to headers without end."""
        if self._refusal is not None:
            return
        newest, was_in_body = self.cycle, self._half_sent() is not None
        super().data_received(data)
        is_in_headers = self._is_arriving and self._half_sent() is None
        has_others = was_in_body or self.cycle is not newest  # requests that ended in these bytes: not all are headers
        self._header_bytes = self._header_bytes + len(data) if is_in_headers and not has_others else 0
        if self._header_bytes > HEADER_LIMIT_BYTES:
            self.hang_up(answers.header_too_large(HEADER_LIMIT_BYTES))

    def on_message_begin(self) -> None:
        """Note that a request has begun."""
        self._is_arriving = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """Note that the request is here to its last byte, or dropped to it after an early refusal."""
        self._is_arriving = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn gives its text by this name
        """Refuse bytes that are no HTTP (uvicorn calls this), after the requests before them have their answers."""
        self.hang_up(answers.invalid_http())

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the running request, which need not be the newest: its answer would raise on the closed socket."""
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()
        self.pipeline.clear()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Go on with the next request, or with the refusal of what came behind the last one."""
        self._running = None
        super().on_response_complete()
        if self._running is None:
            self._end(None)

    def arriving(self) -> object:
        """Return what stands for the request that is only partly here, None between requests: the same while it lasts."""
        return (self.scope or self) if self._is_arriving else None

    def hang_up(self, answer: Answer) -> None:
        """End the connection with an answer to what it sends, unless that has had one; the application sees a cut-off body.

        What came whole before it is answered first.
        Proven by tests/unit/ingress/test_protocol.py::test_garbage_behind_a_request_leaves_it_its_answer
        """
        if self._refusal is not None:
            return
        self._refusal = answer
        broken = self._half_sent()
        if self.pipeline and self.pipeline[0][0] is broken:
            self.pipeline.popleft()
        if self._running is None or self._running is broken:
            self._end(broken)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _half_sent(self) -> RequestResponseCycle | None:
        """Return the request whose headers are here and whose body is not, None if there is none."""
        has_headers = self._is_arriving and self.cycle is not None and self.cycle.scope is self.scope
        return self.cycle if has_headers else None

    def _end(self, broken: RequestResponseCycle | None) -> None:
        if self.transport.is_closing() or self._refusal is None:
            return
        if broken is None or not broken.response_started:
            self.transport.write(_message(self._refusal))
        if self._running is None:
            self.on_refusal(self._refusal)  # else the application counts it, as a body cut off
        self.transport.close()


def telling(on_refusal: Callable[[Answer], None], max_connections: int = sys.maxsize) -> type[BoundedHttp]:
    """Return the class of connections that tell of what they refuse, and of which there are so many at most."""
    members = {"on_refusal": staticmethod(on_refusal), "max_connections": max_connections}
    return type("TellingHttp", (BoundedHttp,), members)


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

"""uvicorn's HTTP with an end to everything: neither it nor httptools limits a header's size or a request's time.

Both are watched per connection rather than per request: `asyncio.timeout` around reading costs 6 us a delivery, an eighth of
what everything between the socket and Kafka costs here.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ingress import answers
from ingress.answers import Answer

HEADER_LIMIT_BYTES = 64 * 1024  # Providers send 2 kB; proxies allow 8 to 64 kB.
REQUEST_TIMEOUT_S = 20.0  # From the first byte to the last; no provider waits longer for its answer than 30 s.
SWEEP_S = 1.0


class BoundedHttp(HttpToolsProtocol):
    """One connection. `reading_since` is when the request now arriving began, None between requests."""

    reading_since: float | None = None
    _is_in_headers = True
    _header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Start the clock: a connection that never says anything must not stay either."""
        super().connection_made(transport)
        self.reading_since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        """Take bytes from the socket; answer 400 to headers without end."""
        super().data_received(data)
        if self._is_in_headers:
            self._header_bytes += len(data)
            if self._header_bytes > HEADER_LIMIT_BYTES and not self.transport.is_closing():
                self.send_400_response(f"expected at most {HEADER_LIMIT_BYTES} bytes of headers")

    def on_message_begin(self) -> None:
        """Begin a request."""
        self.reading_since, self._is_in_headers, self._header_bytes = self.loop.time(), True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Hand the request over; its body is still to come."""
        self._is_in_headers = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop the clock: the whole request is here."""
        self.reading_since = None
        super().on_message_complete()

    def hang_up(self, answer: Answer) -> None:
        """End a connection that takes too long. Unsaid as yet, the answer is sent; the application sees a cut-off body."""
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_message(answer))
        self.transport.close()


async def sweep(connections: Iterable[Any], timeout_s: float = REQUEST_TIMEOUT_S, every_s: float = SWEEP_S) -> None:
    """Again and again, hang up on whoever has been sending one request for too long. Ends only when cancelled."""
    loop = asyncio.get_running_loop()
    too_slow = answers.request_too_slow(timeout_s)
    while True:
        await asyncio.sleep(every_s)
        oldest = loop.time() - timeout_s
        for connection in [c for c in connections if c.reading_since is not None and c.reading_since < oldest]:
            connection.hang_up(too_slow)


def _message(answer: Answer) -> bytes:
    body = answer.body()
    return b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-type: application/json\r\n" + (
        b"content-length: %d\r\n\r\n%b" % (len(body), body)
    )

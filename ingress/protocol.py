"""uvicorn's HTTP with an end to everything: neither it nor httptools limits a header's size or a request's time.

Both are watched from beside the requests: `asyncio.timeout` round the reading of each body would cost 6 us a delivery.
"""

import asyncio
from collections.abc import Collection

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ingress import answers
from ingress.answers import Answer

HEADER_LIMIT_BYTES = 64 * 1024  # Providers send 2 kB; proxies allow 8 to 64 kB.
REQUEST_TIMEOUT_S = 20.0  # From its first byte to its last; no provider waits longer for the answer than 30 s.
SWEEP_S = 1.0


class BoundedHttp(HttpToolsProtocol):
    """One connection."""

    _header_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Take bytes from the socket; answer 400 to headers without end."""
        super().data_received(data)
        if self.scope is not None and "method" in self.scope:  # which uvicorn enters when the headers are complete
            self._header_bytes = 0
            return
        self._header_bytes += len(data)
        if self._header_bytes > HEADER_LIMIT_BYTES and not self.transport.is_closing():
            self.send_400_response(f"expected at most {HEADER_LIMIT_BYTES} bytes of headers")

    def arriving(self) -> object:
        """Return what stands for the request that is only partly here, None between requests: the same while it lasts."""
        if self.scope is None:
            return self  # Connected, and silent or stuck in the first request's headers.
        is_complete = "method" in self.scope and (self.cycle is None or not self.cycle.more_body)
        return None if is_complete else self.scope

    def hang_up(self, answer: Answer) -> None:
        """End the connection. If its request has had no answer yet, this is it; the application sees a cut-off body."""
        is_answered = "method" in (self.scope or {}) and self.cycle is not None and self.cycle.response_started
        if not is_answered:
            self.transport.write(_message(answer))
        self.transport.close()


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
    return b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-type: application/json\r\n" + (
        b"content-length: %d\r\n\r\n%b" % (len(body), body)
    )

"""A process's pages for operators, on a separate port: plain HTTP, GET and HEAD, one request per connection.

The port serves nothing else, and the ingress port serves none of these pages. So a proxy that passes a path through by
mistake exposes no metrics. Requests are small and answered at once: head, time and connections have narrow limits, bodies
are not read. The module imports nothing from Penstock, no framework and no Kafka, and serves any process.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable, Mapping
from http import HTTPStatus

import h11
from msgspec import Struct

HEAD_LIMIT_BYTES = 8 * 1024  # Prometheus and probes send 300 bytes
TIMEOUT_S = 5.0  # for a whole exchange; Prometheus times out after 10 s by default, Kubernetes probes after 1 s
MAX_CONNECTIONS = 32  # two or three are in use at a time
CLOSE_S = 0.2  # for responses in flight when the port closes; it counts against `STOP_S` of ingress/serve.py

BACKLOG = 2048  # connections not accepted yet; the system's own limit is lower almost everywhere

JSON = "application/json"
METHODS = (b"GET", b"HEAD")


class Page(Struct, frozen=True):
    """One response."""

    body: bytes
    content_type: str = JSON
    status: int = 200


Pages = Mapping[str, Callable[[], Page]]
"""A function per path that returns its page, called on the event loop's thread."""


def listening(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 means any free port. Raises `OSError` if the port is not available."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


class OperationsServer:
    """Serves pages until it is closed, on the event loop that starts it; requests before `start` wait."""

    def __init__(self, pages: Pages, timeout_s: float = TIMEOUT_S, max_connections: int = MAX_CONNECTIONS) -> None:
        self._pages = pages
        self._timeout_s = timeout_s
        self._max_connections = max_connections
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[object]] = set()

    @property
    def connections(self) -> int:
        """Return the number of open connections."""
        return len(self._open)

    async def start(self, listener: socket.socket) -> None:
        """Start serving on a listening socket."""
        self._server = await asyncio.start_server(self._serve, sock=listener, limit=HEAD_LIMIT_BYTES)

    async def close(self) -> None:
        """Close the port, let responses in flight finish for `CLOSE_S`, cancel the rest."""
        if self._server is None:
            return
        self._server.close()
        if self._open:
            _, late = await asyncio.wait(self._open, timeout=CLOSE_S)
            for task in late:
                task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs every connection in a task
        self._open.add(task)
        try:
            # Too slow, disconnected, or cancelled at shutdown: there is no one left to notify.
            with contextlib.suppress(TimeoutError, ConnectionError, asyncio.CancelledError):
                async with asyncio.timeout(self._timeout_s):
                    await self._exchange(reader, writer)
        finally:
            self._open.discard(task)
            writer.transport.abort()  # already closed on success

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) > self._max_connections:
            answer = _refused(503, "too_many_connections", f"{self._max_connections} connections are open; try again")
        else:
            answer = await self._answer(reader)
        writer.write(answer)
        writer.write_eof()
        # Closing with unread bytes would reset the connection and lose the response.
        while await reader.read(HEAD_LIMIT_BYTES):
            pass
        writer.close()
        await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        """Return the response to a request, empty if no request arrives."""
        try:
            request = await _request(reader)
        except h11.RemoteProtocolError as error:
            return _refused(
                error.error_status_hint, "invalid_http", f"expected HTTP/1.1, {HEAD_LIMIT_BYTES} bytes at most"
            )
        if request is None:
            return b""
        page = self._pages.get(request.target.partition(b"?")[0].decode("latin-1"))
        if page is None:
            return _refused(404, "unknown_path", f"expected GET {' or '.join(self._pages)}")
        if request.method not in METHODS:
            return _refused(405, "wrong_method", "expected GET or HEAD", b"allow: GET, HEAD\r\n")
        return _message(page(), has_body=request.method != b"HEAD")


async def _request(reader: asyncio.StreamReader) -> h11.Request | None:
    """Return the head of a request, None if the connection ends without one; raise h11's error if it is invalid."""
    parser, received_bytes = h11.Connection(h11.SERVER), 0
    while (event := parser.next_event()) is h11.NEED_DATA:
        if received_bytes == HEAD_LIMIT_BYTES:
            raise h11.RemoteProtocolError("no end of the head", error_status_hint=431)
        data = await reader.read(HEAD_LIMIT_BYTES - received_bytes)
        received_bytes += len(data)
        parser.receive_data(data)
    return event if isinstance(event, h11.Request) else None


def _refused(status: int, error: str, detail: str, headers: bytes = b"") -> bytes:
    return _message(Page(json.dumps({"error": error, "detail": detail}).encode(), status=status), headers)


def _message(page: Page, headers: bytes = b"", has_body: bool = True) -> bytes:
    lines = [
        f"HTTP/1.1 {page.status} {HTTPStatus(page.status).phrase}",
        f"content-type: {page.content_type}",
        f"content-length: {len(page.body)}",
        "connection: close",
    ]
    head = "".join(f"{line}\r\n" for line in lines).encode() + headers
    return head + b"\r\n" + (page.body if has_body else b"")

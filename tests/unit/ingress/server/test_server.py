"""A stopping server and its connections that are not accepted yet."""

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from broker.operations import listening
from ingress.server import server
from ingress.server.protocol import BoundedHttp
from ingress.server.server import DrainingServer
from tests.support.kafka.certificates import Authority

WAITING = 20
TIMEOUT_S = 30.0
REQUEST = b"POST /v1/acme HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n"


async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer 200 to everything."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def status(connected: socket.socket, trusted: ssl.SSLContext | None) -> bytes:
    """Return the status line that a connection gets for a request."""
    connected.setblocking(False)
    name = "127.0.0.1" if trusted else None
    reader, writer = await asyncio.open_connection(sock=connected, ssl=trusted, server_hostname=name)
    writer.write(REQUEST)
    line = await reader.readline()
    writer.close()
    return line


@pytest.mark.parametrize("has_tls", [False, True], ids=["plain", "tls"])
async def test_connections_in_the_queue_are_answered(
    tmp_path: Path, has_tls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connected client gets its answer, although the kernel resets unaccepted connections when a port closes."""
    monkeypatch.setattr(server, "LAST_CALL_S", 3.0)  # enough for 20 handshakes on a busy machine
    authority, context = Authority(), None
    if has_tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue(tmp_path))
    config = uvicorn.Config(answer, http=BoundedHttp, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    config.load()
    ending, listener = DrainingServer(config, context), listening("127.0.0.1", 0)
    ending.lifespan = config.lifespan_class(config)
    await ending.startup([listener])
    port = listener.getsockname()[1]

    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(WAITING)]  # the event loop is blocked
    clients = [asyncio.ensure_future(status(each, authority.trusting() if has_tls else None)) for each in connections]
    await ending.shutdown([listener])

    lines = await asyncio.wait_for(asyncio.gather(*clients, return_exceptions=True), TIMEOUT_S)
    assert lines == [b"HTTP/1.1 200 OK\r\n"] * WAITING
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))

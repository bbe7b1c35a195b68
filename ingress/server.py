"""uvicorn's server with a last call for its clients, and TLS handshakes that are counted."""

import asyncio
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import cast

import uvicorn

from ingress.handshakes import TlsServer

LAST_CALL_S = 0.5  # Requests already on their way through open connections still arrive, are answered, and hung up on.


class DrainingServer(uvicorn.Server):
    """uvicorn, leaving its clients a last call.

    uvicorn closes every connection that is between two requests at once, and so resets a post that is already in the
    socket. Here the port is closed first, every connection is hung up on with its next answer, and only those that stay
    silent are closed. Proven by tests/kafka/test_ingress_crash.py::test_sigterm_answers_what_got_in.
    """

    heeds_ctrl_c = True

    def __init__(
        self, config: uvicorn.Config, tls: ssl.SSLContext | None = None, max_connections: int = sys.maxsize
    ) -> None:
        super().__init__(config)
        self._tls = tls
        self._max_connections = max_connections
        self._tls_server: TlsServer | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end. Ctrl-C reaches all processes of a terminal; where there is a parent, it decides."""
        if sig != signal.SIGINT or self.heeds_ctrl_c:
            super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept: plain connections at once, TLS connections once their handshake is done."""
        await super().startup(sockets=[])
        loop, config = asyncio.get_running_loop(), self.config
        made = cast("Callable[..., asyncio.Protocol]", config.http_protocol_class)
        connection = partial(made, config=config, server_state=self.server_state, app_state=self.lifespan.state)
        if self._tls is not None:
            self._tls_server = TlsServer(self._tls, connection, self.server_state.connections, self._max_connections)
        for listener in sockets or []:
            if self._tls_server is not None:
                self._tls_server.serve(listener)
            else:
                self.servers.append(await loop.create_server(connection, sock=listener, backlog=config.backlog))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the port, wait for the last call, then let uvicorn finish."""
        for server in self.servers:
            server.close()
        if self._tls_server is not None:
            await self._tls_server.close()
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        await asyncio.sleep(LAST_CALL_S)
        if self._tls_server is not None:
            self._tls_server.abort()
        await super().shutdown(sockets)

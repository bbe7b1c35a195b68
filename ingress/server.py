"""uvicorn's server with a last call for its clients, and an end to TLS handshakes."""

import asyncio
import signal
import socket
import ssl
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import cast

import uvicorn

LAST_CALL_S = 0.5  # Requests already on their way through open connections still arrive, are answered, and hung up on.
HANDSHAKE_S = 10.0  # A handshake is two round trips; until it is done the connection is in nobody's count.
GOODBYE_S = 2.0  # For the other side's last word; less than the time for draining.


class DrainingServer(uvicorn.Server):
    """uvicorn, leaving its clients a last call.

    uvicorn closes every connection that is between two requests at once, and so resets a post that is already in the
    socket. Here the port is closed first, every connection is hung up on with its next answer, and only those that stay
    silent are closed. Proven by tests/kafka/test_ingress_crash.py::test_sigterm_answers_what_got_in.
    """

    heeds_ctrl_c = True

    def __init__(self, config: uvicorn.Config, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(config)
        self._tls = tls

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end. Ctrl-C reaches all processes of a terminal; where there is a parent, it decides."""
        if sig != signal.SIGINT or self.heeds_ctrl_c:
            super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept. uvicorn leaves TLS the event loop's 60 s for a handshake, and 30 s for a goodbye."""
        await super().startup(sockets=[])
        loop, config = asyncio.get_running_loop(), self.config
        made = cast("Callable[..., asyncio.Protocol]", config.http_protocol_class)
        connection = partial(made, config=config, server_state=self.server_state, app_state=self.lifespan.state)
        for listener in sockets or []:
            self.servers.append(
                await loop.create_server(
                    connection,
                    sock=listener,
                    backlog=config.backlog,
                    ssl=self._tls,
                    ssl_handshake_timeout=HANDSHAKE_S if self._tls else None,
                    ssl_shutdown_timeout=GOODBYE_S if self._tls else None,
                )
            )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the port, wait for the last call, then let uvicorn finish."""
        for server in self.servers:
            server.close()
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        await asyncio.sleep(LAST_CALL_S)
        await super().shutdown(sockets)

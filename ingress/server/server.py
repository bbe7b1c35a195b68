"""uvicorn's server with a lame-duck phase, a grace period for open connections, and counted TLS handshakes."""

import asyncio
import contextlib
import os
import socket
import ssl
import sys
from collections.abc import Callable
from functools import partial
from time import monotonic
from types import FrameType
from typing import cast

import structlog
import uvicorn

from ingress.server.tls_handshakes import TlsServer

log = structlog.get_logger("ingress")

EXIT_KILLED = 130
LAST_CALL_S = 0.5  # Requests already in transit still arrive and are answered; then their connections are closed.


class DrainingServer(uvicorn.Server):
    """uvicorn, with a grace period for open connections.

    uvicorn immediately closes every connection that is between two requests, which resets a post that is already in the
    socket. Here the port is closed first, each connection is closed after its next answer, and only then are silent ones
    closed. Proven by tests/kafka/test_ingress_crash.py::test_sigterm_answers_what_got_in.

    Before that, the process serves as usual for `lame_duck_s`: a balancer polls /readyz only every few seconds and goes on
    connecting until then, and a provider that never retries would meet a closed port.
    """

    lame_duck_s = 0.0

    def __init__(
        self, config: uvicorn.Config, tls: ssl.SSLContext | None = None, max_connections: int = sys.maxsize
    ) -> None:
        super().__init__(config)
        self._is_asked = False
        self._leaves_at_s: float | None = None
        self._tls = tls
        self._max_connections = max_connections
        self._tls_server: TlsServer | None = None
        self._queues: list[socket.socket] = []

    @property
    def is_leaving(self) -> bool:
        """Return whether this process was told to stop."""
        return self.should_exit or self._leaves_at_s is not None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002  # as uvicorn declares it
        """Begin to stop; on a second signal, exit at once. uvicorn's own method would raise the signal again at the end."""
        if self._is_asked:
            log.warning("ingress_killed", detail="asked to stop a second time; what had no answer yet gets none")
            os._exit(EXIT_KILLED)
        self._is_asked = True
        lame_duck_s = (
            self.lame_duck_s if self.started else 0.0
        )  # A process that is still starting was never ready for a balancer.
        self._leaves_at_s = monotonic() + lame_duck_s
        self.should_exit = self.should_exit or lame_duck_s == 0

    async def on_tick(self, counter: int) -> bool:
        """End the lame-duck phase when its time is over; uvicorn calls this ten times a second."""
        if self._leaves_at_s is not None and monotonic() >= self._leaves_at_s:
            self.should_exit = True
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept: plain connections at once, TLS connections after their handshake."""
        await super().startup(sockets=[])
        loop, config = asyncio.get_running_loop(), self.config
        made = cast("Callable[..., asyncio.Protocol]", config.http_protocol_class)
        self._connection = connection = partial(
            made, config=config, server_state=self.server_state, app_state=self.lifespan.state
        )
        if self._tls is not None:
            self._tls_server = TlsServer(self._tls, connection, self.server_state.connections, self._max_connections)
        for listener in sockets or []:
            self._queues.append(listener.dup())
            if self._tls_server is not None:
                self._tls_server.serve(listener)
            else:
                self.servers.append(await loop.create_server(connection, sock=listener, backlog=config.backlog))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the port, wait for the grace period, then let uvicorn finish."""
        for server in self.servers:
            server.close()
        if self._tls_server is not None:
            await self._tls_server.close()
        for queue in self._queues:
            await self._take(queue)
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        await asyncio.sleep(LAST_CALL_S)
        if self._tls_server is not None:
            self._tls_server.abort()
        await super().shutdown(sockets)

    async def _take(self, queue: socket.socket) -> None:
        """Accept all queued connections, then close the socket: the kernel resets those left in its queue."""
        waiting: list[socket.socket] = []
        queue.setblocking(False)
        with (
            queue,
            contextlib.suppress(OSError),
        ):  # BlockingIOError: the queue is empty, and is closed before another connection arrives
            while True:
                waiting.append(queue.accept()[0])
        for accepted in waiting:
            accepted.setblocking(False)
            if self._tls_server is not None:
                self._tls_server.shake(accepted)
            else:
                with contextlib.suppress(OSError):  # the client is gone
                    await asyncio.get_running_loop().connect_accepted_socket(self._connection, accepted)

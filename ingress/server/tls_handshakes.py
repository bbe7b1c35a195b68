"""TLS connections from their first byte on, counted: a server of asyncio tells of a connection after its handshake only.

Until then each takes as much memory as one that is served, so they count among `max_connections`. Without that, whoever opens
connections and says nothing is bounded by the open files of the process alone.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sized

import structlog

HANDSHAKE_S = 10.0  # A handshake is two round trips.
GOODBYE_S = 2.0  # For the other side's last word; less than the time for draining.
PAUSE_S = 0.1  # After the system refused to accept: no file is free, and others may be closed soon.

log = structlog.get_logger("ingress")


class TlsServer:
    """Accepts connections on a port, sees them through their handshake, and then lets `made` return their protocol.

    `connections` are those that have passed it; together with those that have not, there are `max_connections` at most.
    """

    def __init__(
        self, tls: ssl.SSLContext, made: Callable[[], asyncio.Protocol], connections: Sized, max_connections: int
    ) -> None:
        self._tls = tls
        self._made = made
        self._connections = connections
        self._max_connections = max_connections
        self._under_way: set[asyncio.Task[None]] = set()
        self._accepting: list[asyncio.Task[None]] = []

    def serve(self, listener: socket.socket) -> None:
        """Begin to accept."""
        listener.setblocking(False)
        self._accepting.append(asyncio.get_running_loop().create_task(self._accept(listener)))

    async def close(self) -> None:
        """Accept no more; handshakes that are under way go on."""
        for task in self._accepting:
            task.cancel()
        await asyncio.wait(self._accepting)

    def abort(self) -> None:
        """End the handshakes that are under way."""
        for task in self._under_way:
            task.cancel()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with listener:
            while True:
                try:
                    accepted, _ = await loop.sock_accept(listener)
                except OSError as error:
                    log.warning("cannot_accept", reason=error.strerror)
                    await asyncio.sleep(PAUSE_S)
                    continue
                self.shake(accepted)

    def shake(self, accepted: socket.socket) -> None:
        """Begin the handshake of an accepted connection, or close it where there are too many."""
        if len(self._under_way) + len(self._connections) >= self._max_connections:
            accepted.close()  # before TLS there is no language for an answer
            return
        task = asyncio.get_running_loop().create_task(self._shake(accepted))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _shake(self, accepted: socket.socket) -> None:
        """Turn a connection into a TLS connection and hand it to HTTP, or end it."""
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                self._made,
                accepted,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_S,
                ssl_shutdown_timeout=GOODBYE_S,
            )
        except OSError as error:  # ssl.SSLError, a sender that hangs up, a handshake that takes too long
            log.debug("handshake_failed", fault=type(error).__name__)

"""Counts TLS connections from their first byte: an asyncio server reports a connection only after its handshake.

During the handshake each takes as much memory as one that is served, so it counts towards `max_connections`. Otherwise a client
that opens connections and sends nothing would be limited only by the open files of the process.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sized

import structlog

HANDSHAKE_S = 10.0  # A handshake is two round trips.
GOODBYE_S = 2.0  # For the other side's close; less than the time for draining.
PAUSE_S = 0.1  # After a failed accept: no file is free, but others may be closed soon.

log = structlog.get_logger("ingress")


class TlsServer:
    """Accepts connections on a port, performs their handshakes, and then calls `made` for their protocol.

    `connections` are those with a completed handshake; together with those still in it there are `max_connections` at most.
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
        """Stop accepting; handshakes in progress continue."""
        for task in self._accepting:
            task.cancel()
        await asyncio.wait(self._accepting)

    def abort(self) -> None:
        """Cancel the handshakes in progress."""
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
        """Begin the handshake of an accepted connection, or close it if there are too many."""
        if len(self._under_way) + len(self._connections) >= self._max_connections:
            accepted.close()  # no answer can be sent before TLS is established
            return
        task = asyncio.get_running_loop().create_task(self._shake(accepted))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _shake(self, accepted: socket.socket) -> None:
        """Perform the handshake and pass the connection to HTTP, or close it."""
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                self._made,
                accepted,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_S,
                ssl_shutdown_timeout=GOODBYE_S,
            )
        except OSError as error:  # ssl.SSLError, a connection closed by the sender, a handshake that takes too long
            log.debug("handshake_failed", fault=type(error).__name__)

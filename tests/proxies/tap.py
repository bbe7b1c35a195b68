"""A tap on the connections between a proxy and the ingress: the bytes of the proxy, and the answers of the ingress.

The tap never resets a connection to the ingress. When a proxy abandons a request, the ingress still gets every byte that came
before and then the end of the stream, and the tap hears the undelivered answer as well.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from msgspec import Struct

from tests.proxies.http_answers import HttpAnswer, http_answers

HOST = "127.0.0.1"
CHUNK_BYTES = 64 * 1024
CALL_TIMEOUT_S = 10.0


Moment = list[tuple[int, int]]
"""How many bytes had passed on each connection, there and back."""


class Wire:
    """One connection of the proxy to the ingress, from its first byte."""

    def __init__(self) -> None:
        self.sent = bytearray()
        self.answered = bytearray()
        self.has_proxy_ended = False
        self.has_ingress_ended = False


class Heard(Struct, frozen=True):
    """The bytes on one connection since a moment."""

    sent: bytes
    answered: bytes

    def answers(self) -> list[HttpAnswer]:
        """Return the ingress's final answers."""
        return http_answers(self.answered)


class Tap:
    """A port in front of the ingress. `wires` are all connections, oldest first."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server
        self.wires: list[Wire] = []
        self.port = 0

    def now(self) -> Moment:
        """Return the starting point for `since`."""
        return [(len(wire.sent), len(wire.answered)) for wire in self.wires]

    def since(self, moment: Moment) -> list[Heard]:
        """Return the bytes since a moment, without connections that had none."""
        begun = [*moment, *[(0, 0)] * (len(self.wires) - len(moment))]
        heard = [
            Heard(bytes(wire.sent[sent:]), bytes(wire.answered[answered:]))
            for wire, (sent, answered) in zip(self.wires, begun, strict=True)
        ]
        return [part for part in heard if part.sent or part.answered]

    def has_settled(self) -> bool:
        """Say whether the ingress has ended every connection that the proxy has ended."""
        return all(wire.has_ingress_ended or not wire.has_proxy_ended for wire in self.wires)

    async def open(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, from_proxy: asyncio.StreamReader, to_proxy: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        wire = Wire()
        self.wires.append(wire)
        from_ingress, to_ingress = await asyncio.open_connection(HOST, self._target_port)
        try:
            await asyncio.gather(
                _forward(from_proxy, to_ingress, wire), _return(from_ingress, to_proxy, to_ingress, wire)
            )
        except asyncio.CancelledError:
            return  # closed; asyncio would log it as a fault
        finally:
            wire.has_ingress_ended = True
            for writer in (to_proxy, to_ingress):
                writer.transport.abort()
            self._tasks.discard(task)


async def _forward(from_proxy: asyncio.StreamReader, to_ingress: asyncio.StreamWriter, wire: Wire) -> None:
    """Forward the proxy's bytes, to its end or reset. Bytes after the ingress has closed are read and dropped:
    a reset would discard the answer with the reason on its way to the proxy.
    """
    with contextlib.suppress(OSError):
        while chunk := await from_proxy.read(CHUNK_BYTES):
            wire.sent += chunk
            if not to_ingress.transport.is_closing():
                to_ingress.write(chunk)
                with contextlib.suppress(OSError):
                    await to_ingress.drain()
    wire.has_proxy_ended = True
    with contextlib.suppress(OSError):
        to_ingress.write_eof()


async def _return(
    from_ingress: asyncio.StreamReader, to_proxy: asyncio.StreamWriter, to_ingress: asyncio.StreamWriter, wire: Wire
) -> None:
    """Forward the ingress's answers; their end ends the connection."""
    with contextlib.suppress(OSError):
        while chunk := await from_ingress.read(CHUNK_BYTES):
            wire.answered += chunk
            if not to_proxy.transport.is_closing():
                to_proxy.write(chunk)
    wire.has_ingress_ended = True
    to_ingress.transport.abort()
    with contextlib.suppress(OSError):
        to_proxy.write_eof()


@contextlib.contextmanager
def tap(target_port: int) -> Iterator[Tap]:
    """Give an open tap with a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="tap", daemon=True)
    thread.start()
    opened = Tap(target_port)
    try:
        asyncio.run_coroutine_threadsafe(opened.open(), loop).result(CALL_TIMEOUT_S)
        yield opened
    finally:
        asyncio.run_coroutine_threadsafe(opened.close(), loop).result(CALL_TIMEOUT_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(CALL_TIMEOUT_S)
        loop.close()

"""A network between workers and brokers that fails on demand: cut, stalled, slow, one way only.

One `Link` per broker: it listens on the broker's advertised address, and passes bytes on. All links share one thread of
their own. No ready-made proxy fits: those on PyPI are unmaintained or clients of a Go program.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

HOST = "127.0.0.1"
CHUNK_BYTES = 64 * 1024
CALL_TIMEOUT_S = 10.0


class Link:
    """One listening port in front of one server. Its methods may be called from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._passing = asyncio.Event()
        self._passing.set()
        self._delay_s = 0.0
        self._is_mute = False
        self._is_refusing = False
        self._to_clients: set[asyncio.StreamWriter] = set()
        self._to_servers: set[asyncio.StreamWriter] = set()
        self._half_closed: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server
        self.port = 0
        self.target_port = 0

    def cut(self) -> None:
        """Reset every connection; new ones are accepted."""
        self._call(self._cut)

    def refuse(self) -> None:
        """Reset every connection, and every new one too, until healed."""
        self._is_refusing = True
        self.cut()

    def stall(self) -> None:
        """Pass nothing on, in either direction, while connections stay open, until healed; then pass the held bytes on."""
        self._call(self._passing.clear)

    def slow(self, delay_s: float) -> None:
        """Delay every chunk by that long, until healed."""
        self._delay_s = delay_s

    def mute(self) -> None:
        """Pass requests and drop the answers, until healed: the server acts, and the client never learns of it."""
        self._is_mute = True

    def half_close(self) -> None:
        """End the direction from the server to the client on every connection; the other stays open."""
        self._call(self._half_close)

    def heal(self) -> None:
        """Pass everything. Connections that lost bytes are reset: their streams are broken."""
        was_mute, self._is_mute = self._is_mute, False
        self._delay_s, self._is_refusing = 0.0, False
        self._call(self._passing.set)
        if was_mute:
            self.cut()

    async def open(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        self._server.close()
        self._cut()
        self._passing.set()

    async def _accept(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        if self._is_refusing:
            to_client.transport.abort()
            return
        try:
            from_server, to_server = await asyncio.open_connection(HOST, self.target_port)
        except OSError:
            to_client.transport.abort()
            return
        self._to_clients.add(to_client)
        self._to_servers.add(to_server)
        await asyncio.gather(
            self._pass_on(from_client, to_server, is_answer=False),
            self._pass_on(from_server, to_client, is_answer=True),
        )
        for writer in (to_client, to_server):
            writer.transport.abort()
        for known in (self._to_clients, self._to_servers, self._half_closed):
            known -= {to_client, to_server}

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                await asyncio.sleep(self._delay_s)
                await self._passing.wait()
                if writer.is_closing() or writer in self._half_closed or (is_answer and self._is_mute):
                    continue
                writer.write(chunk)
                await writer.drain()
            if writer not in self._half_closed:
                writer.write_eof()

    def _cut(self) -> None:
        for writer in self._to_clients | self._to_servers:
            writer.transport.abort()

    def _half_close(self) -> None:
        for writer in self._to_clients - self._half_closed:
            if not writer.is_closing():
                writer.write_eof()
        self._half_closed |= self._to_clients

    def _call(self, function: Callable[[], object]) -> None:
        done = threading.Event()

        def call() -> None:
            function()
            done.set()

        self._loop.call_soon_threadsafe(call)
        assert done.wait(CALL_TIMEOUT_S), "the proxy's thread hangs"


@contextlib.contextmanager
def links(count: int) -> Iterator[list[Link]]:
    """Give listening links that lead nowhere yet: set their `target_port`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="proxy", daemon=True)
    thread.start()

    def run(coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, loop).result(CALL_TIMEOUT_S)

    made = [Link(loop) for _ in range(count)]
    try:
        for link in made:
            run(link.open())
        yield made
    finally:
        for link in made:
            run(link.close())
        run(_ended())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(CALL_TIMEOUT_S)
        loop.close()


async def _ended() -> None:
    """Return once every other task of the loop has ended."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)  # aborted transports report it in the loop's next round

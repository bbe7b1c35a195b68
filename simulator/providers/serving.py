"""Serves a fake on loopback from a thread of its own, with the faults that happen below HTTP: resets, stalls, torn answers."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from simulator.errors import SimulatorError
from simulator.providers.faults import Fault, Faults

HOST: Final = "127.0.0.1"
START_TIMEOUT_S: Final = 10.0
STOP_TIMEOUT_S: Final = 10.0
FAULT: Final = "provider_fault"
"""The key of a request's `scope` with the fault that the app itself is to show, such as `error`; None for none."""

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)  # SO_LINGER on, for no time: closing sends RST
_Transports = dict[tuple[str, int], asyncio.Transport]


class Server:
    """One fake's HTTP server. It may be stopped and started again on the same port; its app keeps its state."""

    def __init__(self, app: ASGIApp, faults: Faults | None = None, port: int = 0) -> None:
        """Listen nowhere yet; port 0 means a free one, which is kept from the first start on."""
        self.port = port
        self.faults = Faults() if faults is None else faults
        self._app = app
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._transports: _Transports = {}

    @property
    def url(self) -> str:
        """Return the server's address, as in http://127.0.0.1:8080."""
        return f"http://{HOST}:{self.port}"

    @property
    def connections(self) -> frozenset[tuple[str, int]]:
        """Return the addresses of the clients that are connected."""
        return frozenset(self._transports)

    def start(self) -> None:
        """Listen, and return once connections are accepted; `SimulatorError` if the port is taken."""
        listener = _listener(self.port)
        self.port = listener.getsockname()[1]
        self._transports = {}
        app = _Faulty(self._app, self.faults, self._transports)
        # No `Date`: a fake has a clock of its own, and sends its time where the provider's is of use.
        config = uvicorn.Config(
            app,
            http=_protocol(self._transports),
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            date_header=False,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="fake", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Reset every connection and listen no longer."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(STOP_TIMEOUT_S)
        self._server = self._thread = None


@contextlib.contextmanager
def serving(app: ASGIApp, faults: Faults | None = None, port: int = 0) -> Iterator[Server]:
    """Give a running server of an app that stops with the block."""
    server = Server(app, faults, port)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class _Faulty:
    """The app behind its faults."""

    def __init__(self, app: ASGIApp, faults: Faults, transports: _Transports) -> None:
        self._app, self._faults, self._transports = app, faults, transports

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._faults.draw()
        match fault:
            case "reset":
                self._reset(scope)
                await _hung_up(receive)
            case "stall":
                await _hung_up(receive)
            case "torn":
                await self._answer(None, scope, receive, self._tearing(scope, send))
                await _hung_up(receive)
            case "slow":
                await asyncio.sleep(self._faults.slow_s)
                await self._answer(None, scope, receive, send)
            case _:
                await self._answer(fault, scope, receive, send)

    async def _answer(self, fault: Fault | None, scope: Scope, receive: Receive, send: Send) -> None:
        scope[FAULT] = fault
        await self._app(scope, receive, send)

    def _tearing(self, scope: Scope, send: Send) -> Send:
        async def tear(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                return
            body = message.get("body", b"")
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            self._transports[scope["client"]].close()  # after the half; an abort might send nothing

        return tear

    def _reset(self, scope: Scope) -> None:
        transport = self._transports[scope["client"]]
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _protocol(transports: _Transports) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol, made to note the transport of each connection: an app has no other way to reset it."""

    class Noting(HttpToolsProtocol):
        def connection_made(self, transport: Any) -> None:
            transports[transport.get_extra_info("peername")] = transport
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            transports.pop(self.transport.get_extra_info("peername"), None)
            super().connection_lost(exc)

    return Noting


def _listener(port: int) -> socket.socket:
    # asyncio switches Nagle's algorithm off only for a socket that names TCP; with it every answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise SimulatorError(f"{HOST}:{port} cannot be listened on: {error.strerror}; choose another port") from error
    listener.listen(128)  # from now on connections wait until the thread accepts them
    return listener

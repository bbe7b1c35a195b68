"""One server for the fakes of a module's tests, each test with a fake of its own: to start a server takes a fifth of a second."""

import contextlib
from collections.abc import Iterator
from typing import Protocol

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from simulator.providers.faults import Faults
from simulator.providers.serving import serving


class Fake(Protocol):
    """A fake of a provider's API."""

    app: ASGIApp
    faults: Faults


class FakeApi:
    """The address of the fake that is shown; its faults are those of the server."""

    def __init__(self) -> None:
        self.url = ""
        self.faults = Faults()
        self._app: ASGIApp | None = None

    def show(self, fake: Fake) -> None:
        """Answer as this fake from now on, without faults."""
        fake.faults = self.faults
        self.show_app(fake.app)

    def show_app(self, app: ASGIApp) -> None:
        """Answer as this app from now on, without faults; its fake has the faults of this server."""
        self.faults.heal()
        self._app = app

    def answer(self, status: int, body: bytes) -> None:
        """Answer every request with this from now on."""
        self._app = Response(body, status)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the fake that is shown."""
        assert self._app is not None, "no fake is shown"
        await self._app(scope, receive, send)


@contextlib.contextmanager
def fake_api() -> Iterator[FakeApi]:
    """Serve fakes until the block ends."""
    shown = FakeApi()
    with serving(shown, shown.faults) as server:
        shown.url = server.url
        yield shown

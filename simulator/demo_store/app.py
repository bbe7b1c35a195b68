"""The app of the demo's store: BigCommerce's API as the fake has it, and a path for callbacks that are about to be posted.

BigCommerce changes first and posts then. Here `penstock send` and the sample post, so they tell the store before.
"""

import hmac
from decimal import Decimal

import msgspec
import structlog
from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas.records import Document
from simulator.demo_store.address import CALLBACKS, TOKEN
from simulator.demo_store.callbacks import apply_callback, tenant_of
from simulator.demo_store.journal import Journal
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.bigcommerce.routes import bigcommerce_app

log = structlog.get_logger()


class Told(Struct, frozen=True):
    """A callback that is about to be posted, and values for fields of what it names."""

    callback: msgspec.Raw
    fields: Document = {}


_decode = msgspec.json.Decoder(Told, float_hook=Decimal).decode


def demo_store_app(fake: FakeBigCommerce, journal: Journal) -> ASGIApp:
    """Return the app."""

    async def callbacks(request: Request) -> Response:
        """Make a callback true; 401 without the token of its store, 400 for what is no `Told`."""
        try:
            told = _decode(await request.body())
        except msgspec.MsgspecError:
            return JSONResponse({"error": 'expected {"callback": {…}, "fields": {…}}'}, 400)
        callback = bytes(told.callback)
        token = fake.tokens.get(tenant_of(callback), "")
        if not token or not hmac.compare_digest(token.encode(), request.headers.get(TOKEN, "").encode()):
            return JSONResponse({"error": "expected the token of the callback's store"}, 401)
        changed = apply_callback(fake, callback, told.fields)
        for named in changed:
            journal.note(named, fake.store.get(named.store, named.kind, named.resource_id))
        return JSONResponse({"changed": [f"{named.kind} {named.resource_id}" for named in changed]})

    routes = [Route(CALLBACKS, callbacks, methods=["POST"]), Mount("/", bigcommerce_app(fake))]
    return _Logged(Starlette(routes=routes))


class _Logged:
    """The app, with a line in the log for each answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                asked = {"method": request.method, "path": request.url.path, "query": request.url.query}
                log.info("store_answered", status=message["status"], **asked)
            await send(message)

        await self._app(scope, receive, note)

"""Which requests to the fake BigCommerce are answered: the token, the store's quota, and the faults that have a status."""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulator.providers.bigcommerce.answers import Answered, error_of
from simulator.providers.bigcommerce.fake import FakeBigCommerce, Seen
from simulator.providers.faults import Fault
from simulator.providers.quota import Taken
from simulator.providers.serving import FAULT

LEFT_WHEN_EXCEEDED: Final = 35  # as in BigCommerce's own sample of a 429: the status counts, not this number


class Admission:
    """The app behind tokens, quota and faults; it notes every answer in `fake.seen`."""

    def __init__(self, app: ASGIApp, fake: FakeBigCommerce) -> None:
        self._app, self._fake = app, fake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope)
        store_hash = [*request.url.path.split("/"), "", "", ""][2]
        if not self._is_authorised(store_hash, request.headers.get("x-auth-token", "")):
            refusal = error_of(request.url.path, 401, "The X-Auth-Token is not valid for this store.")
            await refusal.response()(scope, receive, self._noting(request, store_hash, None, send))
            return
        taken = self._fake.quota.take(store_hash)
        fault = scope.get(FAULT)
        is_bare = (
            fault in ("unavailable", "throttled") and taken.is_allowed
        )  # the platform's own, without the quota's headers
        refused = _refused(request.url.path, taken, fault)
        app = self._app if refused is None else refused.response()
        await app(scope, receive, self._noting(request, store_hash, None if is_bare else taken, send))

    def _is_authorised(self, store_hash: str, token: str) -> bool:
        return self._fake.tokens.get(store_hash) == token and not self._fake.faults.has_expired_token

    def _noting(self, request: Request, store_hash: str, taken: Taken | None, send: Send) -> Send:
        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                query = dict(request.query_params)
                self._fake.seen.append(Seen(store_hash, request.url.path, query, message["status"]))
                if taken is not None:
                    MutableHeaders(scope=message).update(_quota_headers(taken))
            await send(message)

        return note


def _refused(path: str, taken: Taken, fault: Fault | None) -> Answered | None:
    if not taken.is_allowed:
        return error_of(path, 429, "You have exceeded the rate limit.")
    match fault:
        case "error":
            return error_of(path, 500, "Internal error.")
        case "unavailable":
            return error_of(path, 503, "Service unavailable.")
        case "throttled":
            return error_of(path, 429, "Too many requests.")
        case _:
            return None


def _quota_headers(taken: Taken) -> dict[str, str]:
    return {
        "X-Rate-Limit-Time-Window-Ms": f"{taken.window_s * 1000:.0f}",
        "X-Rate-Limit-Time-Reset-Ms": f"{taken.resets_in_s * 1000:.0f}",
        "X-Rate-Limit-Requests-Quota": str(taken.limit),
        "X-Rate-Limit-Requests-Left": str(taken.left if taken.is_allowed else LEFT_WHEN_EXCEEDED),
    }

"""The webhook endpoints of the fake Stripe: the secret is in the reply to the creation and nowhere else.

Source: Stripe's API reference 2026-06-24, "Webhook Endpoints".
"""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from schemas.records import Document
from simulator.providers.registrations import Registrations

PATH: Final = "v1/webhook_endpoints"
MAX_ENDPOINTS: Final = 16
MAX_PAGE: Final = 100
Refusal = Callable[[Request, str, str], Response | None]
Error = Callable[[int, str, str], Response]


class StripeEndpointsFake:
    """Endpoints by account."""

    def __init__(self, refusal: Refusal, error: Error) -> None:
        self.registered = Registrations(first_id=1)
        self._refusal, self._error = refusal, error
        self.routes = [
            Route(f"/{PATH}", self._answer, methods=["GET", "POST"]),
            Route(f"/{PATH}/{{id}}", self._answer, methods=["GET", "POST", "DELETE"]),
        ]

    def secret_of(self, account: str, endpoint_id: str) -> str:
        """Return the secret that an endpoint signs with."""
        secret: str = (self.registered.get(account, endpoint_id) or {})["secret"]
        return secret

    async def _answer(self, request: Request) -> Response:
        account = request.headers.get("stripe-account") or ""
        refusal = self._refusal(request, PATH, account)
        if refusal is not None:
            return refusal
        fields = parse_qsl((await request.body()).decode(), keep_blank_values=True)
        endpoint_id = request.path_params.get("id")
        if endpoint_id is None:
            return self._create(account, fields) if request.method == "POST" else self._list(account, request)
        return self._one(account, endpoint_id, request.method, fields)

    def _list(self, account: str, request: Request) -> Response:
        endpoints = self.registered.all(account)[::-1]  # newest first
        limit, after = int(request.query_params.get("limit", 10)), request.query_params.get("starting_after")
        start = 1 + next((index for index, each in enumerate(endpoints) if each["id"] == after), -1)
        page = endpoints[start : start + min(limit, MAX_PAGE)]
        has_more = start + len(page) < len(endpoints)
        return JSONResponse({"object": "list", "data": [_shown(each) for each in page], "has_more": has_more})

    def _create(self, account: str, fields: list[tuple[str, str]]) -> Response:
        events = [value for name, value in fields if name == "enabled_events[]"]
        given = dict(fields)
        if not events or not given.get("url"):
            return self._error(400, "invalid_request_error", "parameter_missing")
        if len(self.registered.all(account)) >= MAX_ENDPOINTS:
            return self._error(400, "invalid_request_error", "")
        made = self.registered.add(account, lambda number: {
            "id": f"we_{number}", "object": "webhook_endpoint", "api_version": given.get("api_version"), "application": None,
            "enabled_events": events, "metadata": _metadata({}, fields), "status": "enabled", "url": given["url"],
            "secret": f"whsec_made_up_{number}", "is_connect": given.get("connect") == "true",
        })  # fmt: skip
        return JSONResponse(_shown(made) | {"secret": made["secret"]})

    def _one(self, account: str, endpoint_id: str, method: str, fields: list[tuple[str, str]]) -> Response:
        found = self.registered.get(account, endpoint_id)
        if found is None:
            return self._error(404, "invalid_request_error", "resource_missing")
        if method == "DELETE":
            self.registered.vanish(account, endpoint_id)
            return JSONResponse({"id": endpoint_id, "object": "webhook_endpoint", "deleted": True})
        if "api_version" in dict(fields):
            return self._error(400, "invalid_request_error", "parameter_unknown")
        changed = self.registered.change(account, endpoint_id, _changes(found, fields)) or {}
        return JSONResponse(_shown(changed))


def _changes(found: Document, fields: list[tuple[str, str]]) -> Document:
    given = dict(fields)
    events = [value for name, value in fields if name == "enabled_events[]"]
    changes: Document = {"metadata": _metadata(found["metadata"], fields)}
    if events:
        changes["enabled_events"] = events
    if "url" in given:
        changes["url"] = given["url"]
    if "disabled" in given:
        changes["status"] = "disabled" if given["disabled"] == "true" else "enabled"
    return changes


def _metadata(before: dict[str, Any], fields: list[tuple[str, str]]) -> dict[str, Any]:
    """Return the metadata after a change: an empty value removes its key."""
    given = {name[9:-1]: value for name, value in fields if name.startswith("metadata[")}
    return {name: value for name, value in {**before, **given}.items() if value}


def _shown(endpoint: Document) -> Document:
    return {name: value for name, value in endpoint.items() if name not in ("secret", "is_connect")}

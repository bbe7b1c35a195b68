"""The hooks of the fake GitHub: of repositories and organisations, with what surprises whoever changes them.

A secret is shown as stars, and a PATCH of a hook that does not carry it removes it; only `/config` changes it alone.
Source: GitHub's REST API, "Repository webhooks", version 2022-11-28.
"""

from collections.abc import Callable
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from schemas.records import Document
from simulator.providers.registrations import Registrations

STARS: Final = "********"
MAX_PAGE: Final = 100
Refusal = Callable[[Request], Response | None]


class GitHubHooksFake:
    """Hooks by place, `octo/hello` or `octo`; others than `places` are not there, or may not be seen."""

    def __init__(self, refusal: Refusal, error: Callable[[int, str], Response]) -> None:
        self.registered = Registrations(first_id=512_000)
        self.places: set[str] = set()
        self._refusal, self._error = refusal, error
        bases = ("/repos/{owner}/{repository}", "/orgs/{owner}")
        self.routes = [
            Route(f"{base}/hooks{path}", self._answer, methods=methods)
            for base in bases
            for path, methods in (("", ["GET", "POST"]), ("/{id}", ["PATCH", "DELETE"]), ("/{id}/config", ["PATCH"]))
        ]

    def secret_of(self, place: str, hook_id: int) -> str | None:
        """Return the secret that a hook signs with, None if it has none."""
        hook = self.registered.get(place, str(hook_id)) or {}
        secret: str | None = hook.get("config", {}).get("secret")
        return secret

    async def _answer(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        names = request.path_params
        place = f"{names['owner']}/{names['repository']}" if "repository" in names else names["owner"]
        if place not in self.places:
            return self._error(404, "Not Found")
        body = await request.body()
        fields = msgspec.json.decode(body) if body else {}
        if request.method == "GET":
            return self._list(place, request)
        if request.method == "POST":
            return self._create(place, fields)
        return self._changed(request, place, fields)

    def _list(self, place: str, request: Request) -> Response:
        size = min(int(request.query_params.get("per_page", 30)), MAX_PAGE)
        start = (int(request.query_params.get("page", 1)) - 1) * size
        return JSONResponse([_shown(hook) for hook in self.registered.all(place)[start : start + size]])

    def _create(self, place: str, fields: Document) -> Response:
        config = fields.get("config", {})
        if not config.get("url"):
            return self._error(422, "Validation Failed")
        if any(hook["config"]["url"] == config["url"] for hook in self.registered.all(place)):
            return self._error(422, "Validation Failed: Hook already exists on this repository")
        made = self.registered.add(place, lambda number: {
            "id": number, "type": "Repository", "name": "web", "active": fields.get("active", True),
            "events": fields.get("events", ["push"]), "config": config,
            "last_response": {"code": None, "status": "unused", "message": None},
        })  # fmt: skip
        return JSONResponse(_shown(made), 201)

    def _changed(self, request: Request, place: str, fields: Document) -> Response:
        hook_id = request.path_params["id"]
        if request.method == "DELETE":
            gone = self.registered.vanish(place, hook_id)
            return self._error(404, "Not Found") if gone is None else Response(status_code=204)
        hook = self.registered.get(place, hook_id)
        if hook is None:
            return self._error(404, "Not Found")
        if request.url.path.endswith("/config"):
            config = {**hook["config"], **fields}
            self.registered.change(place, hook_id, {"config": config})
            return JSONResponse(_stars(config))
        config = {
            **{name: value for name, value in hook["config"].items() if name != "secret"},
            **fields.get("config", {}),
        }
        kept: Document = {name: fields[name] for name in ("active", "events") if name in fields}
        changed = self.registered.change(place, hook_id, {**kept, "config": config}) or {}
        return JSONResponse(_shown(changed))


def _shown(hook: Document) -> Document:
    return {**hook, "config": _stars(hook["config"])}


def _stars(config: Document) -> Document:
    return {**config, **({"secret": STARS} if config.get("secret") else {})}

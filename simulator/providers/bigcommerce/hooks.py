"""The hooks of the fake BigCommerce: `/v3/hooks`, and the administrative list with what became of each.

Hooks are deactivated or vanish by `deactivate` and `fake.hooks.vanish`. With `is_bare` replies have no `data`, as the overview
of the documents shows them. Source: BigCommerce's Webhooks V3 reference.
"""

from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from schemas.records import Document
from simulator.providers.bigcommerce.answers import Answered, v3_error
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.bigcommerce.lists import Refusal, page_of

CLIENT_ID: Final = "made-up-client"


class FakeHooks:
    """Hooks of all stores, kept in `fake.hooks`."""

    def __init__(self, fake: FakeBigCommerce) -> None:
        self._fake = fake
        self.routes = [
            Route("/stores/{store}/v3/hooks", self._list, methods=["GET"]),
            Route("/stores/{store}/v3/hooks", self._create, methods=["POST"]),
            Route("/stores/{store}/v3/hooks/admin", self._admin, methods=["GET"]),
            Route("/stores/{store}/v3/hooks/{id}", self._change, methods=["PUT"]),
            Route("/stores/{store}/v3/hooks/{id}", self._delete, methods=["DELETE"]),
        ]

    async def _list(self, request: Request) -> Response:
        hooks = [_shown(hook) for hook in self._fake.hooks.all(request.path_params["store"])]
        page = page_of(hooks, dict(request.query_params), {}, self._fake.clock.now())
        if isinstance(page, Refusal):
            return v3_error(page.status, page.title).response()
        return Answered(200, {"data": list(page.documents), "meta": page.meta}).response()

    async def _admin(self, request: Request) -> Response:
        hooks = self._fake.hooks.all(request.path_params["store"])
        blocked = [{"destination": name, "time_left": "120", "reasons": []} for name in self._fake.blocked_domains]
        listed = [_shown(hook) | {"status": hook["status"]} for hook in hooks]
        return Answered(
            200, {"data": {"emails": [], "hooks_list": listed, "blocked_domains": blocked}, "meta": {}}
        ).response()

    async def _create(self, request: Request) -> Response:
        store, wanted = request.path_params["store"], _object(await request.body())
        refusal = _refusal(wanted)
        if refusal is not None:
            return refusal.response()
        if any(
            (hook["scope"], hook["destination"]) == (wanted["scope"], wanted["destination"])
            for hook in self._fake.hooks.all(store)
        ):
            return v3_error(409, "Hook already exists with matching scope and destination").response()
        now = int(self._fake.clock.now().timestamp())
        made = self._fake.hooks.add(store, lambda number: {
            "id": number, "client_id": CLIENT_ID, "store_hash": store, "scope": wanted["scope"],
            "destination": wanted["destination"], "headers": wanted.get("headers") or {},
            "is_active": wanted.get("is_active", True), "created_at": now, "updated_at": now,
            "status": "active" if wanted.get("is_active", True) else "inactive",
        })  # fmt: skip
        return self._one(made)

    async def _change(self, request: Request) -> Response:
        fields = _object(await request.body())
        if "is_active" in fields:
            fields["status"] = "active" if fields["is_active"] else "inactive"
        fields["updated_at"] = int(self._fake.clock.now().timestamp())
        changed = self._fake.hooks.change(request.path_params["store"], request.path_params["id"], fields)
        return _missing().response() if changed is None else self._one(changed)

    async def _delete(self, request: Request) -> Response:
        gone = self._fake.hooks.vanish(request.path_params["store"], request.path_params["id"])
        return _missing().response() if gone is None else self._one(gone)

    def _one(self, hook: Document) -> Response:
        shown = _shown(hook)
        return Answered(200, shown if self._fake.has_bare_hooks else {"data": shown, "meta": {}}).response()


def deactivate(fake: FakeBigCommerce, store_hash: str, hook_id: int) -> None:
    """Deactivate a hook, as BigCommerce does when its deliveries fail for long."""
    fake.hooks.change(store_hash, str(hook_id), {"is_active": False, "status": "deactivated"})


def _shown(hook: Document) -> Document:
    return {name: value for name, value in hook.items() if name != "status"}


def _object(body: bytes) -> Document:
    value: Any = msgspec.json.decode(body)
    return value if isinstance(value, dict) else {}


def _refusal(wanted: Document) -> Answered | None:
    if not str(wanted.get("scope", "")).startswith("store/"):
        return v3_error(422, "The scope is not valid.")
    if not str(wanted.get("destination", "")).startswith("https://"):
        return v3_error(422, "The destination must be an https:// URL.")
    return None


def _missing() -> Answered:
    return v3_error(404, "The requested hook was not found.")

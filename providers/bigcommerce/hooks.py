"""The hooks of one BigCommerce store that the token's client has made: one for each scope.

A new or changed hook takes up to a minute to become active. BigCommerce deactivates hooks that fail for long or send nothing for
90 days; only the administrative list tells which. A hook has no secret: the app's signs.
Source: BigCommerce's Webhooks V3 reference, read 2026-11; its overview shows replies without `data`, so both are read.
"""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec
from msgspec.structs import replace

from providers.answers import Answer, excerpt, failure_of, json_of
from providers.api import Failure, Malformed, NotFound
from providers.bigcommerce.api import BASE_URL
from providers.hooks import Created, Hook, State, Wish
from providers.http import Client, Connections, Limits, Request
from providers.outline import at
from providers.reading import text_id
from schemas.records import Document

PAGE: Final = 250
MAX_PAGES: Final = 40
BLOCKED: Final = "BigCommerce sends nothing to its domain for minutes, because too many deliveries failed"
_JSON: Final = {"content-type": "application/json"}


class BigCommerceHooks:
    """The hooks of one store."""

    def __init__(
        self,
        store_hash: str,
        token: Callable[[], str],
        base_url: str = BASE_URL,
        limits: Limits = Limits(),  # noqa: B008  a value
        shared: Connections | None = None,
    ) -> None:
        """Connect to nothing yet; `BaseUrlError` for an address that no token may be sent to."""
        address = f"{base_url.rstrip('/')}/stores/{quote(store_hash, safe='')}"
        self._client = Client(address, lambda: {"x-auth-token": token()}, limits, shared)

    async def hooks(self, place: str) -> tuple[Hook, ...] | Failure:  # noqa: ARG002  a store has one place
        """Return the hooks of all pages, with the state that the administrative list tells."""
        found: list[Document] = []
        for number in range(1, MAX_PAGES + 1):
            page = await self._sent("GET", "/v3/hooks", query={"limit": str(PAGE), "page": str(number)})
            if not isinstance(page, dict):
                return page
            elements = page.get("data")
            if not isinstance(elements, list) or not all(isinstance(element, dict) for element in elements):
                return Malformed("expected an array of hooks in data of /v3/hooks")
            found += elements
            pages = at(page, "meta.pagination.total_pages")
            if not elements or not isinstance(pages, int) or number >= pages:
                return await self._with_states(found)
        return Malformed(f"expected at most {MAX_PAGES} pages of hooks")

    async def create(self, wish: Wish, secret: str | None) -> Created | Failure:  # noqa: ARG002  the app's secret signs
        """Make a hook, active from the start."""
        hook = _hook(await self._sent("POST", "/v3/hooks", body=_body(wish)), {})
        return Created(hook) if isinstance(hook, Hook) else hook

    async def update(self, hook: Hook, wish: Wish, secret: str | None) -> Hook | Failure:  # noqa: ARG002
        """Make a hook what is wanted, and active."""
        return _hook(await self._sent("PUT", f"/v3/hooks/{quote(hook.id, safe='')}", body=_body(wish)), {})

    async def delete(self, hook: Hook) -> Failure | None:
        """Delete a hook."""
        answer = await self._client.send(Request(f"/v3/hooks/{quote(hook.id, safe='')}", method="DELETE"))
        failure = failure_of(answer, _said(answer)) if isinstance(answer, Answer) else answer
        return None if isinstance(failure, NotFound) else failure

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _with_states(self, found: list[Document]) -> tuple[Hook, ...] | Failure:
        """Return the hooks; a token that may not see the administrative list leaves `is_active` alone to tell."""
        admin = await self._sent("GET", "/v3/hooks/admin") if found else None
        states = {text_id(at(each, "id")) or "": str(at(each, "status") or "") for each in _listed(admin, "hooks_list")}
        blocked = {_host(at(each, "destination")) for each in _listed(admin, "blocked_domains")} - {None}
        hooks = []
        for each in found:
            hook = _hook(each, states)
            if not isinstance(hook, Hook):
                return hook
            is_blocked = hook.state == "active" and _host(hook.url) in blocked
            hooks.append(replace(hook, state_detail=BLOCKED) if is_blocked else hook)
        return tuple(hooks)

    async def _sent(
        self, method: str, path: str, query: dict[str, str] | None = None, body: bytes | None = None
    ) -> Document | Failure:
        answer = await self._client.send(Request(path, query or {}, method, _JSON if body else {}, body))
        if not isinstance(answer, Answer):
            return answer
        failure = failure_of(answer, _said(answer))
        if isinstance(failure, NotFound):
            return Malformed(f"status 404 for {path}: the hook is gone, or the store's hash is wrong")
        if failure is not None:
            return failure
        value = json_of(answer)
        return value if isinstance(value, dict | Malformed) else Malformed(f"expected an object from {path}")


def _listed(admin: Document | Failure | None, name: str) -> list[Any]:
    listed = at(admin, f"data.{name}")
    return listed if isinstance(listed, list) else []


def _host(address: object) -> str | None:
    """Return the host of an address or of a bare domain, None for what is neither."""
    try:
        return urlsplit(address if "//" in address else f"//{address}").hostname if isinstance(address, str) else None
    except ValueError:
        return None


def _body(wish: Wish) -> bytes:
    return msgspec.json.encode({"scope": wish.topics[0], "destination": wish.url, "is_active": True})


def _hook(reply: Document | Failure, states: dict[str, str]) -> Hook | Failure:
    """Return the hook in a reply, in `data` or bare."""
    if not isinstance(reply, dict):
        return reply
    shown: Any = reply.get("data", reply)
    hook_id, scope, url = (at(shown, name) for name in ("id", "scope", "destination"))
    named = text_id(hook_id)
    if named is None or not isinstance(scope, str) or not isinstance(url, str):
        return Malformed("expected a hook with id, scope and destination")
    status = states.get(named) or ("active" if at(shown, "is_active") is not False else "inactive")
    state: State = "active" if status == "active" and at(shown, "is_active") is not False else "disabled"
    return Hook(named, url, (scope,), state=state, state_detail=excerpt(status) if state == "disabled" else "")


def _said(answer: Answer | Failure) -> str:
    """Return the title of an error, "" for none."""
    if not isinstance(answer, Answer) or answer.status < 400 or not answer.body:
        return ""
    title = at(json_of(answer), "title")
    return excerpt(title) if isinstance(title, str) else ""

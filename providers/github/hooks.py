"""The hooks of GitHub's repositories and organisations: one for many events.

GitHub never shows a secret, and a PATCH of a hook without its secret removes it. So a secret alone is set by `/config`, and any
other PATCH carries the whole configuration, the secret included.
Source: GitHub's REST API, "Repository webhooks" and "Organization webhooks", version 2022-11-28.
"""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import msgspec

from providers.answers import Answer, excerpt, failure_of, json_of
from providers.api import Failure, Malformed, NotFound, Throttled, Unauthorised, Unavailable
from providers.github.api import API_VERSION, BASE_URL
from providers.hooks import Created, Hook, Wish
from providers.http import Client, Connections, Limits, Request, bearer
from providers.outline import at
from providers.reading import text_id
from schemas.records import Document

PAGE: Final = 100
MAX_PAGES: Final = 10  # GitHub allows 20 hooks for each event
_HEADERS: Final = {"accept": "application/vnd.github+json", "x-github-api-version": API_VERSION}
_JSON: Final = {**_HEADERS, "content-type": "application/json"}


class GitHubHooks:
    """The hooks that one token may administer. A place is a repository (`octo/hello`) or an organisation (`octo`)."""

    def __init__(
        self,
        token: Callable[[], str],
        base_url: str = BASE_URL,
        limits: Limits = Limits(),  # noqa: B008  a value
        shared: Connections | None = None,
    ) -> None:
        """Connect to nothing yet; `BaseUrlError` for an address that no token may be sent to."""
        self._client = Client(base_url, bearer(token), limits, shared)

    async def hooks(self, place: str) -> tuple[Hook, ...] | Failure:
        """Return the hooks of all pages."""
        found: list[Hook] = []
        for number in range(1, MAX_PAGES + 1):
            page = await self._sent("GET", _path(place), {"per_page": str(PAGE), "page": str(number)})
            if not isinstance(page, list):
                return _no_hook(page)
            for each in page:
                hook = _hook(each, place)
                if not isinstance(hook, Hook):
                    return hook
                found.append(hook)
            if len(page) < PAGE:
                return tuple(found)
        return Malformed(f"expected at most {MAX_PAGES} pages of hooks")

    async def create(self, wish: Wish, secret: str | None) -> Created | Failure:
        """Make a hook, active from the start; GitHub sends a ping."""
        fields = {"name": "web", **_wanted(wish, secret)}
        hook = _hook(await self._sent("POST", _path(wish.place), body=fields), wish.place)
        return Created(hook) if isinstance(hook, Hook) else hook

    async def update(self, hook: Hook, wish: Wish, secret: str | None) -> Hook | Failure:
        """Make a hook what is wanted, and active. Where only the secret is in doubt, nothing else is touched."""
        path = f"{_path(hook.place)}/{quote(hook.id, safe='')}"
        if hook.state == "active" and set(hook.topics) == set(wish.topics):
            changed = await self._sent("PATCH", f"{path}/config", body=_config(wish, secret))
            return hook if isinstance(changed, dict) else _no_hook(changed)
        return _hook(await self._sent("PATCH", path, body=_wanted(wish, secret)), hook.place)

    async def delete(self, hook: Hook) -> Failure | None:
        """Delete a hook."""
        request = Request(f"{_path(hook.place)}/{quote(hook.id, safe='')}", method="DELETE", headers=_HEADERS)
        answer = await self._client.send(request)
        failure = failure_of(answer, _said(answer)) if isinstance(answer, Answer) else answer
        return None if isinstance(failure, NotFound) else failure

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _sent(
        self, method: str, path: str, query: dict[str, str] | None = None, body: Document | None = None
    ) -> Document | list[Any] | Failure:
        content = None if body is None else msgspec.json.encode(body)
        answer = await self._client.send(Request(path, query or {}, method, _JSON if content else _HEADERS, content))
        if not isinstance(answer, Answer):
            return answer
        failure = failure_of(answer, _said(answer))
        if isinstance(failure, NotFound):
            return Malformed("status 404: there is no such place, or the token may not administer its hooks")
        if failure is not None:
            return failure
        value = json_of(answer)
        return value if isinstance(value, dict | list | Malformed) else Malformed("expected an object or an array")


def _path(place: str) -> str:
    owner, _, repository = place.partition("/")
    names = f"/repos/{quote(owner)}/{quote(repository)}" if repository else f"/orgs/{quote(owner)}"
    return f"{names}/hooks"


def _wanted(wish: Wish, secret: str | None) -> Document:
    return {"active": True, "events": list(wish.topics), "config": _config(wish, secret)}


def _config(wish: Wish, secret: str | None) -> Document:
    return {"url": wish.url, "content_type": "json", "insecure_ssl": "0", **({"secret": secret} if secret else {})}


def _hook(shown: Any, place: str) -> Hook | Failure:
    """Return the hook in a reply or a list, or why there is none."""
    if not isinstance(shown, dict):
        return _no_hook(shown)
    named, url, events = text_id(shown.get("id")), at(shown, "config.url"), shown.get("events")
    if named is None or not isinstance(url, str) or not isinstance(events, list):
        return Malformed("expected a hook with id, events and the url of its config")
    code, message = at(shown, "last_response.code"), at(shown, "last_response.message")
    told = f"last response {code}: {message}" if isinstance(code, int) and not 200 <= code < 300 else ""
    is_active = shown.get("active") is True
    return Hook(
        named,
        url,
        tuple(sorted(str(event) for event in events)),
        place,
        "active" if is_active else "disabled",
        excerpt(told or ("" if is_active else "switched off")),
        has_secret=bool(at(shown, "config.secret")),
    )


def _no_hook(shown: Any) -> Failure:
    is_failure = isinstance(shown, Throttled | Unauthorised | Unavailable | Malformed)
    return shown if is_failure else Malformed("expected a hook, got another JSON value")


def _said(answer: Answer) -> str:
    """Return the message of an error and of its first part; they name fields, not values."""
    if answer.status < 400 or not answer.body:
        return ""
    value = json_of(answer)
    errors = at(value, "errors")
    first = at(errors[0], "message") if isinstance(errors, list) and errors else None
    texts = [text for text in (at(value, "message"), first) if isinstance(text, str)]
    return excerpt(": ".join(texts))

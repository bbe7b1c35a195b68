"""Stripe's webhook endpoints: one for many events, of an account or of the accounts that are connected to it.

The secret is in the reply to the creation and nowhere else, and an endpoint cannot be created switched off. So it is created for
an event that hardly ever happens, and gets its real ones once its secret is kept. Its version cannot be changed. Stripe does not
show whether an endpoint is for connected accounts: ours say it in their metadata, which also has the secret's fingerprint.
Source: Stripe's API reference 2026-06-24, "Webhook Endpoints".
"""

from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

from providers.answers import Answer, excerpt, failure_of, json_of
from providers.api import Failure, Malformed, NotFound, Throttled, Unauthorised, Unavailable
from providers.hooks import CONNECT, Created, Hook, Wish
from providers.http import Client, Connections, Limits, Request, bearer
from providers.outline import at
from providers.reading import text_id
from providers.stripe.api import API_VERSION, BASE_URL
from schemas.records import Document

PATH: Final = "/v1/webhook_endpoints"
PLACEHOLDER: Final = "sigma.scheduled_query_run.created"
STATE, MARK, PLACE = "penstock_state", "penstock_secret", "penstock_place"  # keys of metadata
UNFINISHED: Final = "unfinished"
MAX_PAGES: Final = 5  # of 100; Stripe allows 16 endpoints
_FORM: Final = {"stripe-version": API_VERSION, "content-type": "application/x-www-form-urlencoded"}
_Fields = Sequence[tuple[str, str]]


class StripeHooks:
    """The endpoints of one account."""

    def __init__(
        self,
        token: Callable[[], str],
        base_url: str = BASE_URL,
        limits: Limits = Limits(),  # noqa: B008  a value
        shared: Connections | None = None,
    ) -> None:
        """Connect to nothing yet; `BaseUrlError` for an address that no key may be sent to."""
        self._client = Client(base_url, bearer(token), limits, shared)

    async def hooks(self, place: str) -> tuple[Hook, ...] | Failure:
        """Return the endpoints of one place, from all pages."""
        found: list[Hook] = []
        query = {"limit": "100"}
        for _ in range(MAX_PAGES):
            page = await self._sent("GET", PATH, query)
            if not isinstance(page, dict):
                return page
            endpoints, has_more = page.get("data"), page.get("has_more")
            if not isinstance(endpoints, list) or not isinstance(has_more, bool):
                return Malformed("expected a list of endpoints with data and has_more")
            hooks = [_hook(endpoint) for endpoint in endpoints]
            for hook in hooks:
                if not isinstance(hook, Hook):
                    return hook
                found.append(hook)
            if not has_more or not found:
                return tuple(hook for hook in found if hook.place == place)
            query = {"limit": "100", "starting_after": found[-1].id}
        return Malformed(f"expected at most {MAX_PAGES} pages of endpoints")

    async def create(self, wish: Wish, secret: str | None) -> Created | Failure:  # noqa: ARG002  Stripe makes it
        """Make an endpoint that sends nothing of use yet, and return its secret."""
        fields = [
            ("url", wish.url),
            ("enabled_events[]", PLACEHOLDER),
            ("description", "Penstock"),
            (f"metadata[{STATE}]", UNFINISHED),
            (f"metadata[{PLACE}]", wish.place),
            *([("api_version", wish.api_version)] if wish.api_version else []),
            *([("connect", "true")] if wish.place == CONNECT else []),
        ]
        made = await self._sent("POST", PATH, fields=fields)
        hook = _hook(made)
        if not isinstance(hook, Hook) or not isinstance(made, dict):
            return hook if not isinstance(hook, Hook) else Malformed("expected an endpoint")
        told = made.get("secret")
        return Created(hook, told if isinstance(told, str) else None)

    async def update(self, hook: Hook, wish: Wish, secret: str | None) -> Hook | Failure:  # noqa: ARG002
        """Make an endpoint what is wanted, and active; `wish.mark` is left in its metadata."""
        fields = [
            *(("enabled_events[]", topic) for topic in wish.topics),
            ("disabled", "false"),
            (f"metadata[{STATE}]", ""),
            *([(f"metadata[{MARK}]", wish.mark)] if wish.mark else []),
        ]
        return _hook(await self._sent("POST", f"{PATH}/{quote(hook.id, safe='')}", fields=fields))

    async def delete(self, hook: Hook) -> Failure | None:
        """Delete an endpoint."""
        request = Request(f"{PATH}/{quote(hook.id, safe='')}", method="DELETE", headers={"stripe-version": API_VERSION})
        answer = await self._client.send(request)
        failure = failure_of(answer, _said(answer)) if isinstance(answer, Answer) else answer
        return None if isinstance(failure, NotFound) else failure

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _sent(
        self, method: str, path: str, query: dict[str, str] | None = None, fields: _Fields = ()
    ) -> Document | Failure:
        body = urlencode(fields).encode() if fields else None
        headers = _FORM if fields else {"stripe-version": API_VERSION}
        answer = await self._client.send(Request(path, query or {}, method, headers, body))
        if not isinstance(answer, Answer):
            return answer
        failure = failure_of(answer, _said(answer))
        if isinstance(failure, NotFound):
            return Malformed(f"status 404 for {path}: the endpoint is gone")
        if failure is not None:
            return failure
        value = json_of(answer)
        return value if isinstance(value, dict | Malformed) else Malformed(f"expected an object from {path}")


def _hook(shown: Any) -> Hook | Failure:
    """Return the endpoint in a reply or a list, or why there is none."""
    if isinstance(shown, Throttled | Unauthorised | Unavailable | Malformed):
        return shown
    if not isinstance(shown, dict):
        return Malformed("expected an endpoint, got another JSON value")
    named, url, events = text_id(shown.get("id")), shown.get("url"), shown.get("enabled_events")
    if named is None or not isinstance(url, str) or not isinstance(events, list):
        return Malformed("expected an endpoint with id, url and enabled_events")
    metadata = shown.get("metadata")
    noted = {name: at(metadata, name) for name in (STATE, MARK, PLACE)}
    version = shown.get("api_version")
    return Hook(
        named,
        url,
        tuple(sorted(str(event) for event in events)),
        CONNECT if noted[PLACE] == CONNECT else "",
        "active" if shown.get("status") == "enabled" else "disabled",
        "" if shown.get("status") == "enabled" else "switched off",
        version if isinstance(version, str) else None,
        mark=str(noted[MARK] or ""),
        is_unfinished=noted[STATE] == UNFINISHED,
    )


def _said(answer: Answer) -> str:
    """Return the code and the parameter of an error; its message may quote what was sent."""
    if answer.status < 400 or not answer.body:
        return ""
    error = at(json_of(answer), "error")
    words = [at(error, name) for name in ("code", "type", "param")]
    return excerpt(", ".join(word for word in words if isinstance(word, str)))

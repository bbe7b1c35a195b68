"""A fake of GitHub's REST API: its resources, and the webhooks about them, from one state.

It shows what surprises a reader: limits as 403 or 429, 404 for what the token may not see, redirects of what was renamed or
transferred, fields that only REST shows and others that lists leave out, pages that shift, and deliveries that are never retried.
Source: GitHub's REST API description 2022-11-28.
"""

import hashlib
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from schemas.records import Document
from simulator.providers.clock import Clock
from simulator.providers.faults import Faults
from simulator.providers.github.deliveries import Deliveries, Entry, log_page
from simulator.providers.github.hooks import GitHubHooksFake
from simulator.providers.github.lists import MAX_PAGE, kind_of, listed, page_of
from simulator.providers.quota import Taken, WindowQuota
from simulator.providers.serving import FAULT
from simulator.providers.store import Store

TOKEN: Final = "ghp_made_up"  # noqa: S105  made up
MAX_SEEN: Final = 200_000  # requests that are remembered
HOUR_S: Final = 3_600
ONLY_IN_REST: Final[Mapping[str, Document]] = {
    "issue": {"closed_by": None, "pinned_comment": None},
    "repository": {
        "permissions": {"admin": False, "pull": True},
        "temp_clone_token": "a made-up credential",
        "network_count": 3,
        "subscribers_count": 4,
        "allow_squash_merge": True,
    },
}
"""By the name of a webhook's main object, the fields that a read shows besides."""

Limit = Literal["secondary", "retry_after", "too_many"]
_FAULTY: Final = {
    "error": (500, "Server Error"),
    "unavailable": (503, "No server is currently available"),
    "throttled": (429, "Too many requests"),
}
_ALL: Final = ""  # the kind and tenant of every resource: the path names it


class GitHubFake:
    """The resources that one token can read, by their path."""

    def __init__(self, clock: Clock | None = None, token: str = TOKEN, *, requests_per_hour: int = 5_000) -> None:
        self.clock = Clock() if clock is None else clock
        self.store = Store(self.clock.now)
        self.faults = Faults()
        self.quota = WindowQuota(self.clock.now, requests_per_hour, HOUR_S)
        self.requests: deque[str] = deque(maxlen=MAX_SEEN)
        self.deliveries = Deliveries(self.clock.now)
        self.hooks = GitHubHooksFake(self._refusal, _error)
        reads = Route("/{path:path}", self._answer, methods=["GET", "POST"])
        self.app: ASGIApp = Starlette(routes=[*self.hooks.routes, reads])
        self._token = token
        self._limits: list[Limit] = []
        self._moved: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def put(self, name: str, path: str, document: Document) -> Document:
        """Create or change a resource, and return it as a webhook with the main object `name` shows it."""
        shown = document | {"url": f"https://api.github.com{path}"}
        self._names[path] = name
        self.store.put(_ALL, _ALL, path, shown)
        return shown

    def delete(self, path: str) -> None:
        """Delete a resource."""
        self.store.delete(_ALL, _ALL, path)

    def move(self, path: str, to: str) -> None:
        """Redirect a path to another one, or to another address."""
        self._moved[path] = to

    def limit(self, limit: Limit) -> None:
        """Let the next request meet a limit: a secondary one without a time, one with a time, or status 429."""
        self._limits.append(limit)

    async def _answer(self, request: Request) -> Response:
        path = f"/{request.path_params['path']}"
        self.requests.append(path)
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        if path == "/rate_limit":
            return self._rate_limit()
        if self._limits:
            return _limited(self._limits.pop(0))
        shown = self._list(path, request) if request.method == "GET" else None
        if shown is not None and shown.headers.get("etag") == request.headers.get("if-none-match", "-"):
            tag = {"etag": shown.headers["etag"]}
            return Response(status_code=304, headers=tag | self._quota_headers(self._untaken()))  # costs nothing
        taken = self.quota.take(_ALL)
        headers = self._quota_headers(taken)
        if not taken.is_allowed:
            return _error(403, "API rate limit exceeded for user ID 1.", headers)
        answer = shown or self._delivery(path, request.method) or self._resource(path, {})
        answer.headers.update(headers)
        return answer

    def _list(self, path: str, request: Request) -> Response | None:
        """Return a page of a list or log, None if the path is neither."""
        query, url = dict(request.query_params), f"https://api.github.com{path}"
        entries = self.deliveries.log(path.removesuffix("/deliveries")) if path.endswith("/deliveries") else None
        if entries is not None:
            return _page(*log_page(entries, url, query))
        kind, repository = kind_of(path), "/".join(path.split("/")[:4])
        if kind is None or self.store.get(_ALL, _ALL, repository) is None:
            return None
        if kind == "issues" and int(query.get("page", 1)) > MAX_PAGE:
            return _error(422, "Pagination with the page parameter is not supported for large datasets")
        documents = self.store.documents(_ALL, _ALL, self.faults.search_lag_s)
        return _page(*page_of(listed(kind, path, documents, query), url, query))

    def _delivery(self, path: str, method: str) -> Response | None:
        """Return one delivery of a log, or deliver it again; None if the path names none."""
        hook, _, rest = path.partition("/deliveries/")
        number, _, attempts = rest.partition("/")
        log = self.deliveries.log(hook) or []
        entry: Entry | None = next((entry for entry in log if str(entry.delivery_id) == number), None)
        if entry is None:
            return None
        if method == "POST" and attempts == "attempts":
            return JSONResponse({}, 202, background=BackgroundTask(self.deliveries.redeliver, entry))
        return JSONResponse(entry.detailed())

    def _refusal(self, request: Request) -> Response | None:
        """Return what a fault or a wrong token is answered, None for neither."""
        fault = _FAULTY.get(request.scope.get(FAULT) or "")
        if fault is not None:
            return _error(*fault)
        if self.faults.has_expired_token or request.headers.get("authorization") != f"Bearer {self._token}":
            return _error(401, "Bad credentials")
        return None

    def _resource(self, path: str, headers: dict[str, str]) -> Response:
        if path in self._moved:
            return Response(status_code=301, headers=headers | {"location": self._moved[path]})
        document = self.store.get(_ALL, _ALL, path, self.faults.read_lag_s)
        if document is None:
            return _error(404, "Not Found", headers)
        return JSONResponse(document | ONLY_IN_REST.get(self._names[path], {}), headers=headers)

    def _rate_limit(self) -> Response:
        """Return the quota, which does not count."""
        return JSONResponse({"resources": {}}, headers=self._quota_headers(self._untaken()))

    def _untaken(self) -> Taken:
        """Return the quota without a request; the fake's window is only looked at."""
        windows = self.quota.windows(_ALL)
        left = self.quota.limit - (windows[-1].taken if windows else 0)
        now_s = self.clock.now().timestamp()
        return Taken(True, self.quota.limit, left, HOUR_S, HOUR_S - now_s % HOUR_S)

    def _quota_headers(self, taken: Taken) -> dict[str, str]:
        now = self.clock.now()
        return {
            "x-ratelimit-limit": str(taken.limit),
            "x-ratelimit-remaining": str(taken.left),
            "x-ratelimit-used": str(taken.limit - taken.left),
            "x-ratelimit-reset": str(round(now.timestamp() + taken.resets_in_s)),
            "x-ratelimit-resource": "core",
            "x-github-api-version-selected": "2022-11-28",
            "date": f"{now:%a, %d %b %Y %H:%M:%S} GMT",
        }


def _page(elements: Sequence[Document], link: str) -> Response:
    """Return a page; equal pages have an equal tag."""
    answer = JSONResponse(list(elements), headers={"link": link} if link else {})
    answer.headers["etag"] = f'W/"{hashlib.sha256(bytes(answer.body) + link.encode()).hexdigest()}"'
    return answer


def _limited(limit: Limit) -> Response:
    said = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    match limit:
        case "secondary":
            return _error(403, said)
        case "retry_after":
            return _error(403, said, {"retry-after": "7"})
        case "too_many":
            return _error(429, said)


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    body = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
    return JSONResponse(body, status, dict(headers or {}))

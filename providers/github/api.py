"""Reads GitHub's resources singly by their own URLs: the lists of its REST API show fewer fields.

Limits come as 403 or 429: the hourly quota with no requests remaining, or a secondary limit, which asks for patience. 404 may
mean that the token has no right, so a resource counts as missing only where its repository can be read.
Source: GitHub's REST API, "Rate limits", "Best practices", "Troubleshooting", version 2022-11-28.
"""

from collections.abc import Callable, Sequence
from typing import Final

from msgspec.structs import replace

from providers.answers import Answer, excerpt, failure_of, json_of, object_in, retry_in_s
from providers.api import (
    Checked,
    Failure,
    Fetched,
    Malformed,
    NotFound,
    Quota,
    Read,
    Reply,
    Throttled,
    Wanted,
)
from providers.github.fetched import READABLE, document_of
from providers.http import Client, Connections, Limits, Request, bearer
from providers.outline import at
from providers.reading import text_id
from providers.times import instant
from schemas.records import Document

BASE_URL: Final = "https://api.github.com"
API_VERSION: Final = "2022-11-28"  # pinned: later ones drop fields that the webhooks, which have no version, still show
SECONDARY_S: Final = 60.0  # GitHub asks for at least a minute where it says no time
REDIRECTS: Final = 3  # of a repository that was renamed, transferred, and renamed again

HEADERS: Final = {"accept": "application/vnd.github+json", "x-github-api-version": API_VERSION}
_REPOSITORY_PARTS: Final = {"repos": 4, "repositories": 3}
"""The parts of a repository's path, by its first: `/repos/octo/hello` and `/repositories/7`."""


class GitHubApi:
    """The repositories that one token can read."""

    def __init__(
        self,
        token: Callable[[], str],
        base_url: str = BASE_URL,
        limits: Limits = Limits(),  # noqa: B008  a value
        shared: Connections | None = None,
    ) -> None:
        """`token` is called for every request; an enterprise server's `base_url` ends with /api/v3."""
        limits = replace(limits, redirects=REDIRECTS)
        self._client = Client(base_url, bearer(token), limits, shared)

    def batch(self, waiting: Sequence[Wanted]) -> Sequence[Wanted]:
        """Return the first: GitHub reads resources one by one."""
        return waiting[:1]

    def cost_of(self, wanted: Sequence[Wanted]) -> float:
        """Return one request for each resource; where one is missing, its repository costs another."""
        return float(len(wanted))

    async def read(self, wanted: Sequence[Wanted]) -> Reply:
        """Read resources one after the other, as GitHub asks."""
        calls = _Calls(self._client)
        results = {each: await _read(calls, each) for each in wanted}
        return Reply(results, calls.count, float(calls.count), calls.quota)

    async def check(self) -> Checked | Failure:
        """Ask for the quota, which costs nothing."""
        calls = _Calls(self._client)
        found = await calls.get("/rate_limit")
        if isinstance(found, NotFound):
            return Malformed("expected the quota at /rate_limit, got status 404")
        if not isinstance(found, dict):
            return found
        quota = calls.quota
        words = f", quota {quota.limit:g} per hour, {quota.left:g} left" if quota else ""
        return Checked(f"token works{words}", quota)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


class _Calls:
    """The requests of one read: their number, and the quota that the last one told."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.count = 0
        self.quota: Quota | None = None

    async def get(self, path: str) -> Document | NotFound | Failure:
        """Return the object at a path, or why there is none."""
        self.count += 1
        answer = await self._client.send(Request(path, headers=HEADERS))
        if not isinstance(answer, Answer):
            return answer
        self.quota = quota_of(answer) or self.quota
        value = json_of(answer)
        failure = limit_of(answer, value) or failure_of(answer, said_in(value))
        if failure is not None:
            return failure
        return object_in(value)


async def _read(calls: _Calls, wanted: Wanted) -> Read:
    if wanted.resource_type not in READABLE or not wanted.reference:
        return Malformed(f"expected a type that can be read, with its URL, got {wanted.resource_type}")
    document = await calls.get(wanted.reference)
    if isinstance(document, NotFound):
        return await _missing(calls, wanted)
    if not isinstance(document, dict):
        return document
    # A redirect leads to where an issue was transferred, which is another issue; a name may be taken by another repository.
    if text_id(document.get("id")) != wanted.resource_id:
        return NotFound()
    return Fetched(document_of(wanted.resource_type, document))


async def _missing(calls: _Calls, wanted: Wanted) -> Read:
    """Return what 404 means for a resource: that it is gone, if the token can read its repository."""
    parts = wanted.reference.split("/")
    repository = "/".join(parts[: _REPOSITORY_PARTS.get(parts[1], 0)])
    found = await calls.get(repository) if repository not in ("", wanted.reference) else NotFound()
    if isinstance(found, dict):
        return NotFound()
    if isinstance(found, NotFound):
        return Malformed("status 404 for the repository too: it is gone, or the token has no right to read it")
    return found


def limit_of(answer: Answer, value: object) -> Throttled | None:
    """Return how long to wait if a limit is the reason for 403 or 429."""
    if answer.status not in (403, 429):
        return None
    said = said_in(value)
    detail = f"status {answer.status}: {said}"
    wait_s = retry_in_s(answer)
    if wait_s is not None:
        return Throttled(wait_s, detail)
    quota = quota_of(answer)
    if quota is not None and quota.left == 0 and quota.resets_in_s is not None:
        return Throttled(quota.resets_in_s, detail)
    is_limit = answer.status == 429 or "rate limit" in said.lower()
    return Throttled(SECONDARY_S, detail) if is_limit else None


def quota_of(answer: Answer) -> Quota | None:
    """Return the quota of the hour, by the answer's own clock."""
    limit, left, reset = (answer.headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining", "reset"))
    if not (limit.isdigit() and left.isdigit()):
        return None
    until = instant(int(reset)) if reset.isdigit() and len(reset) < 12 else None
    now = instant(answer.headers.get("date", "")) or answer.received_at
    return Quota(float(limit), float(left), None if until is None else max((until - now).total_seconds(), 0.0))


def said_in(value: object) -> str:
    """Return the message of an error, for people; "" if there is none."""
    message = at(value, "message")
    return excerpt(message) if isinstance(message, str) else ""

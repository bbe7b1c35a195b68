"""Reads the log of a hook's deliveries, asks GitHub to deliver one again, and reads what one contained.

A hook is named by its path: `/repos/octo/hello/hooks/1`, `/orgs/octo/hooks/1`, or `/app/hook`, for which the token is the app's
JWT.
Source: GitHub's REST API 2022-11-28, "Repository webhook deliveries", "GitHub App webhooks".
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

from msgspec import Struct

from providers.answers import Answer, failure_of, json_of, object_in
from providers.api import Failure, Malformed, NotFound, Quota
from providers.github.api import BASE_URL, HEADERS, limit_of, said_in
from providers.github.deliveries import Attempt, Groups, Missed, RecordedDelivery, attempt_of, recorded
from providers.github.pages import PAGE, Part, part_of
from providers.http import Client, Connections, Limits, Request, bearer

MAX_PAGES: Final = 1_000  # 100,000 attempts, and a fifth of the quota of an hour
PAUSE_S: Final = 1.0  # that GitHub asks to leave between two requests that change something
DELIVERED_AGAIN: Final = 202


class Redelivered(Struct, frozen=True):
    """GitHub has accepted to deliver an event again, once, soon. Before the next such request pass `PAUSE_S` seconds."""


class AttemptsPage(Struct, frozen=True):
    """One page of a log, the newest attempt first. `cursor` leads to older ones, None at the log's end."""

    attempts: tuple[Attempt, ...]
    cursor: str | None
    quota: Quota | None = None


class DeliveryLog:
    """The logs of the hooks that one token can administer; used by one event loop."""

    def __init__(
        self,
        token: Callable[[], str],
        base_url: str = BASE_URL,
        limits: Limits = Limits(),  # noqa: B008  a value
        shared: Connections | None = None,
    ) -> None:
        """`token` is called for every request; an enterprise server's `base_url` ends with /api/v3."""
        self._client = Client(base_url, bearer(token), limits, shared)
        self.page_size = PAGE

    async def missed_deliveries(self, hook: str, since: datetime) -> Missed | Failure:
        """Return the events that failed since a time and did not arrive later.

        Of a log of more than `MAX_PAGES` the rest is not read, which the result says. A failure on the way leaves no result: what
        was read until then may show as missed what arrived.
        """
        groups, requests = Groups(), 0
        cursor: str | None = None
        while True:
            page, requests = await self.attempts(hook, cursor), requests + 1
            if not isinstance(page, AttemptsPage):
                return page
            groups.add(page.attempts)
            cursor, oldest = page.cursor, page.attempts[-1].at if page.attempts else since
            is_over = cursor is None or oldest < since
            if is_over or requests >= MAX_PAGES:
                reached = since if is_over else oldest
                return Missed(groups.missed(reached), reached, requests, page.quota)

    async def attempts(self, hook: str, cursor: str | None = None) -> AttemptsPage | Failure:
        """Return a page of a hook's log; for a log that is too long to be read at once."""
        path = f"{hook}/deliveries"
        query = dict(parse_qsl(cursor)) if cursor else {"per_page": str(self.page_size)}
        part = await part_of(self._client, path, query)
        if not isinstance(part, Part):
            return part
        found = [attempt_of(element) for element in part.elements]
        attempts = tuple(attempt for attempt in found if attempt is not None)
        if len(attempts) < len(found):
            return Malformed(f"expected deliveries with id, guid and delivered_at at {path}")
        return AttemptsPage(attempts, urlencode(part.following) if part.following else None, part.quota)

    async def redeliver(self, hook: str, delivery_id: str) -> Redelivered | NotFound | Failure:
        """Ask GitHub to deliver an event again; `NotFound` for one older than three days. Whether it arrives the log shows."""
        path = f"{hook}/deliveries/{quote(delivery_id, safe='')}/attempts"
        answer = await self._client.send(Request(path, method="POST", headers=HEADERS))
        if not isinstance(answer, Answer):
            return answer
        if answer.status == DELIVERED_AGAIN:
            return Redelivered()
        value = json_of(answer)
        failure = limit_of(answer, value) or failure_of(answer, said_in(value))
        return failure or Malformed(f"expected status {DELIVERED_AGAIN}, got {answer.status}")

    async def delivery(self, hook: str, delivery_id: str) -> RecordedDelivery | NotFound | Failure:
        """Return what a delivery contained, for a GitHub that cannot reach us; `NotFound` for one older than three days."""
        path = f"{hook}/deliveries/{quote(delivery_id, safe='')}"
        answer = await self._client.send(Request(path, headers=HEADERS))
        if not isinstance(answer, Answer):
            return answer
        value = json_of(answer)
        failure = limit_of(answer, value) or failure_of(answer, said_in(value))
        document = failure or object_in(value)
        if not isinstance(document, dict):
            return document
        last = hook.rpartition("/")[2]
        return recorded(document, last if last.isdigit() else "")

    async def close(self) -> None:
        """Close the connections, unless they are shared."""
        await self._client.close()

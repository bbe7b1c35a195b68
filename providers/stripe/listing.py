"""Lists what changed at Stripe, forward in time, and the ids of all objects of a type.

The log of events is shown newest first, and `ending_before` walks it towards the newest: a walk that stops goes on where it was,
and new events come at its end. Its beginning is the newest event before the window or, in a log without one, is found by halving
the time. Stripe tells no quota.
Source: Stripe's API reference 2026-06-24, "Pagination", "List all events"; "List pagination" of the second API.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from msgspec import Struct

from providers.answers import Answer, json_of
from providers.api import Failure, Malformed, NotFound
from providers.http import Client, Connections, Limits, Request, bearer
from providers.listing import Listed, Listing, Page, Window
from providers.outline import at
from providers.stripe.api import API_VERSION, BASE_URL, PAGE, object_of
from providers.stripe.lists import (
    EVENTS,
    FAILURE,
    LISTINGS,
    UNGENERATED,
    Seconds,
    listed_by_event,
    listed_by_failure,
    listed_object,
    parameters_of,
    seconds_of,
)
from providers.stripe.paths import collection_of
from schemas.records import Document

MAX_PAGES_OF_A_SECOND: Final = 1_000  # without an older event, a second's events are walked back to the first of them
_EVENTS: Final = "/v1/events"
_EVENTS_V2: Final = "/v2/core/events"
_LOST: Final = "resource_missing"


class StripeLister:
    """The lists of one account, or of one that is connected to it. `account` is "" for the key's own."""

    listings = LISTINGS

    def __init__(
        self,
        token: Callable[[], str],
        base_url: str = BASE_URL,
        account: str = "",
        limits: Limits = Limits(),  # noqa: B008  a value
        shared: Connections | None = None,
    ) -> None:
        """`token` returns the key, and is called for every request; `BaseUrlError` for a URL to which no key may be sent."""
        self._client = Client(base_url, bearer(token), limits, shared)
        self._account = account
        self.page_size = PAGE

    async def page(self, listing: Listing, window: Window, cursor: str | None) -> Page | Failure:
        """Return a page of the events, of the events that were not made, or of all objects of a type.

        A list of objects has no window. A cursor whose event or object is gone costs a few requests and no element.
        """
        calls = _Calls(self._client, self._account)
        if listing.name == EVENTS.name:
            return await self._events(calls, seconds_of(window.since, window.until), cursor)
        if listing.name == UNGENERATED.name:
            return await self._ungenerated(calls, window, cursor)
        return await self._objects(calls, listing, cursor)

    async def close(self) -> None:
        """Close the connections, unless they are shared."""
        await self._client.close()

    async def _events(self, calls: "_Calls", span: Seconds, cursor: str | None) -> Page | Failure:
        """Return the events that follow the cursor, oldest first."""
        found = await self._after(calls, span, cursor) if cursor else None
        if found is None or found == _LOST_CURSOR:
            found = await self._first(calls, span)
        if not isinstance(found, _Part):
            return found
        events = found.elements[::-1]
        listed = [listed_by_event(event, self._account) for event in events]
        return _page(listed, found.elements[0]["id"] if found.has_more and events else None, calls.count)

    async def _after(self, calls: "_Calls", span: Seconds, event_id: str) -> "_Part | Failure":
        """Return what follows an event; its `has_more` is about newer ones. The event itself may be older than the span."""
        query = {"ending_before": event_id, "created[lt]": str(span.end)}
        return await calls.get(_EVENTS, self._sized(query))

    async def _first(self, calls: "_Calls", span: Seconds) -> "_Part | Failure":
        """Return the oldest events of a span; its `has_more` is about newer ones."""
        whole = await calls.get(_EVENTS, self._sized(span.query))
        if not isinstance(whole, _Part) or not whole.has_more:
            return whole
        before = await calls.get(_EVENTS, {"created[lt]": str(span.begin), "limit": "1"})
        if isinstance(before, _Part) and before.elements:
            return await self._after(calls, span, before.elements[0]["id"])
        return await self._halved(calls, span) if isinstance(before, _Part) else before

    async def _halved(self, calls: "_Calls", span: Seconds) -> "_Part | Failure":
        """Return the oldest events of a span that has more than a page of them."""
        begin, end = span.begin, span.end
        while end - begin > 1:
            middle = (begin + end) // 2
            older = await calls.get(_EVENTS, self._sized(Seconds(begin, middle).query))
            if not isinstance(older, _Part):
                return older
            if older.elements and not older.has_more:
                return _Part(older.elements, has_more=True)
            begin, end = (begin, middle) if older.elements else (middle, end)
        return await self._oldest_of(calls, Seconds(begin, end))

    async def _oldest_of(self, calls: "_Calls", second: Seconds) -> "_Part | Failure":
        """Return the oldest events of one second, which has more than a page of them."""
        part = await calls.get(_EVENTS, self._sized(second.query))
        for _ in range(MAX_PAGES_OF_A_SECOND):
            if not isinstance(part, _Part) or not part.has_more:
                break
            query = second.query | {"starting_after": part.elements[-1]["id"]}
            part = await calls.get(_EVENTS, self._sized(query))
        return _Part(part.elements, has_more=True) if isinstance(part, _Part) else part

    async def _ungenerated(self, calls: "_Calls", window: Window, cursor: str | None) -> Page | Failure:
        """Return the objects of which no event was made, by the events that tell this, newest first."""
        query = {"types[0]": FAILURE, "created[lt]": f"{window.until:%Y-%m-%dT%H:%M:%SZ}", "limit": str(self.page_size)}
        if window.since is not None:
            query["created[gte]"] = f"{window.since:%Y-%m-%dT%H:%M:%SZ}"
        found = await calls.get(_EVENTS_V2, dict(parse_qsl(cursor)) if cursor else query)
        if not isinstance(found, _Part):
            return found
        return _page(
            [listed_by_failure(event, self._account) for event in found.elements], found.next_query, calls.count
        )

    async def _objects(self, calls: "_Calls", listing: Listing, cursor: str | None) -> Page | Failure:
        """Return ids, newest first: objects that are created meanwhile come before the first page.

        A cursor is an object's id and time of creation: where the object was deleted, the walk goes on at that time.
        """
        resource_type = listing.resource_type or ""
        path, query = collection_of(resource_type) or "", self._sized(parameters_of(resource_type))
        last_id, _, created = (cursor or "").partition(" ")
        found = await calls.get(path, query | ({"starting_after": last_id} if last_id else {}))
        if found == _LOST_CURSOR and created:
            found = await calls.get(path, query | {"created[lte]": created})
        if not isinstance(found, _Part):
            return found
        last = found.elements[-1] if found.elements and found.has_more else None
        listed = [listed_object(element, self._account) for element in found.elements]
        return _page(listed, f"{last['id']} {last.get('created', '')}" if last else None, calls.count)

    def _sized(self, query: Mapping[str, str]) -> dict[str, str]:
        return {**query, "limit": str(self.page_size)}


class _Part(Struct, frozen=True):
    """What one request brought: objects with an id, newest first. `next_query` leads on in lists of the second API."""

    elements: list[Document]
    has_more: bool
    next_query: str | None = None


_LOST_CURSOR: Final = Malformed("the object of the cursor is gone")


class _Calls:
    """The requests of one page, and their number."""

    def __init__(self, client: Client, account: str) -> None:
        self._client, self._account = client, account
        self.count = 0

    async def get(self, path: str, query: Mapping[str, str]) -> _Part | Failure:
        """Return a part of a list, `_LOST_CURSOR`, or why there is neither."""
        self.count += 1
        headers = {"stripe-version": API_VERSION}
        if self._account:
            headers["stripe-context" if path.startswith("/v2/") else "stripe-account"] = self._account
        answer = await self._client.send(Request(path, query, headers=headers))
        if not isinstance(answer, Answer):
            return answer
        if answer.status in (400, 404) and at(json_of(answer), "error.code") == _LOST:
            return _LOST_CURSOR
        value = object_of(answer)
        if isinstance(value, NotFound):
            return Malformed(f"expected a list at {path}, got status {answer.status}")
        return _part(path, value) if isinstance(value, dict) else value


def _part(path: str, value: Document) -> _Part | Malformed:
    elements = value.get("data")
    if not isinstance(elements, list) or not all(_has_id(element) for element in elements):
        return Malformed(f"expected a list with data at {path}, each element with an id")
    if not path.startswith("/v2/"):
        has_more = value.get("has_more")
        return _Part(elements, has_more) if isinstance(has_more, bool) else Malformed(f"expected has_more at {path}")
    url = value.get("next_page_url")
    if url is None:
        return _Part(elements, has_more=False)
    if not isinstance(url, str) or url.partition("?")[0] != path:
        return Malformed(f"expected next_page_url to lead to {path}")
    return _Part(elements, True, url.partition("?")[2])


def _has_id(element: Any) -> bool:
    return isinstance(element, dict) and isinstance(element.get("id"), str)


def _page(listed: list[Listed | None], cursor: str | None, requests: int) -> Page:
    readable = tuple(each for each in listed if each is not None)
    omitted = len(listed) - len(readable)
    return Page(readable, cursor, requests=requests, cost=float(requests), omitted=omitted)

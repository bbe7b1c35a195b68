"""Reads Stripe's objects: one request each, and one more for each further page of a list that the object cuts.

Stripe tells no quota. It documents 100 requests per second for live mode, 25 for a sandbox, and 25 for each endpoint in either.
Source: Stripe's API reference, "Versioning", "Errors", "Rate limits"; the retries of stripe-python 16.1.0.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

from msgspec import Struct

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
    Unauthorised,
    Unavailable,
    Wanted,
)
from providers.http import Client, Connections, Limits, Request, bearer
from providers.outline import at
from providers.reading import text_id
from providers.stripe.fetched import cut_lists
from providers.stripe.paths import path_of
from schemas.records import Document

BASE_URL: Final = "https://api.stripe.com"
API_VERSION: Final = (
    "2026-06-24.dahlia"  # for events without a version, which thin ones are; the second API insists on one
)
PAGE: Final = 100  # the most that Stripe gives
MAX_PAGES: Final = (
    100  # of one list; one with more keeps `has_more`, and its missing elements are not taken for deleted ones
)
THROTTLED_S: Final = 1.0  # the limits are per second, and Stripe says no time
# Of 25 in any second: five at once and those that come back. Others keep a fifth.
DOCUMENTED: Final = Quota(limit=5, left=5, restored_per_s=20, is_told=False)

_MISSING: Final = frozenset({"resource_missing", "not_found"})


class StripeApi:
    """One account's objects, or those of the accounts that are connected to it."""

    def __init__(
        self,
        token: Callable[[], str],
        base_url: str = BASE_URL,
        limits: Limits = Limits(),  # noqa: B008  a value
        shared: Connections | None = None,
    ) -> None:
        """`token` returns the key, and is called for every request; `BaseUrlError` for a URL to which no key may be sent."""
        self._client = Client(base_url, bearer(token), limits, shared)

    def batch(self, waiting: Sequence[Wanted]) -> Sequence[Wanted]:
        """Return the first: Stripe reads objects one by one."""
        return waiting[:1]

    def cost_of(self, wanted: Sequence[Wanted]) -> float:
        """Return one request for each object; the pages of a cut list come on top."""
        return float(len(wanted))

    async def read(self, wanted: Sequence[Wanted]) -> Reply:
        """Read objects one after the other, each with all elements of its lists."""
        results: dict[Wanted, Read] = {}
        requests = 0
        for each in wanted:
            results[each], made = await self._read(each)
            requests += made
        return Reply(results, requests, float(requests), DOCUMENTED)

    async def check(self) -> Checked | Failure:
        """Read the balance, which every account has."""
        answer = await self._client.send(Request("/v1/balance", headers={"stripe-version": API_VERSION}))
        balance = answer if not isinstance(answer, Answer) else object_of(answer)
        match balance:
            case NotFound():
                return Malformed("expected the account's balance at /v1/balance, got status 404")
            case dict():
                mode = "live mode" if balance.get("livemode") is True else "test mode"
                return Checked(f"key works, {mode}; Stripe documents 25 requests per second and endpoint", DOCUMENTED)
            case _:
                return balance

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _read(self, wanted: Wanted) -> tuple[Read, int]:
        path = wanted.reference or path_of(wanted.resource_type, wanted.resource_id)
        if path is None:
            return Malformed(f"expected a type of object that can be read by its id, got {wanted.resource_type}"), 0
        headers = _headers(wanted)
        answer = await self._client.send(Request(path, headers=headers))
        stripe_object = answer if not isinstance(answer, Answer) else object_of(answer)
        if not isinstance(stripe_object, dict):
            return stripe_object, 1
        completed = await self._completed(stripe_object, headers)
        if completed.failure is not None:
            return completed.failure, 1 + completed.requests
        # An answer without the header is in the version that was asked for.
        shown = answer.headers.get("stripe-version") if isinstance(answer, Answer) else None
        return Fetched(completed.document, shown or headers["stripe-version"]), 1 + completed.requests

    async def _completed(self, stripe_object: Document, headers: dict[str, str]) -> "_Completed":
        """Return an object whose cut lists have all elements."""
        document, requests = dict(stripe_object), 0
        for field, path in cut_lists(stripe_object).items():
            listed = await self._rest(stripe_object[field], path, headers)
            requests += listed.requests
            if listed.failure is not None:
                return _Completed(document, requests, listed.failure)
            document[field] = listed.document
        return _Completed(document, requests)

    async def _rest(self, first_page: Document, path: str, headers: dict[str, str]) -> "_Completed":
        """Return a list with the elements of its further pages."""
        path, _, parameters = path.partition("?")
        elements, has_more, requests = list(first_page["data"]), True, 0
        while has_more and requests < MAX_PAGES:
            last_id = text_id(elements[-1].get("id")) if elements and isinstance(elements[-1], dict) else None
            query = (
                dict(parse_qsl(parameters)) | {"limit": str(PAGE)} | ({"starting_after": last_id} if last_id else {})
            )
            answer = await self._client.send(Request(path, query, headers=headers))
            page, requests = answer if not isinstance(answer, Answer) else object_of(answer), requests + 1
            if not isinstance(page, dict):
                # The object was there a moment ago: that its list is not is no deletion.
                failure = Unavailable(f"expected a page at {path}, got none") if isinstance(page, NotFound) else page
                return _Completed(first_page, requests, failure)
            data = page.get("data")
            if not isinstance(data, list) or not isinstance(page.get("has_more"), bool):
                return _Completed(first_page, requests, Malformed(f"expected a list with data and has_more at {path}"))
            elements, has_more = elements + data if last_id else data, page["has_more"] and bool(data)
        return _Completed(first_page | {"data": elements, "has_more": has_more}, requests)


class _Completed(Struct, frozen=True):
    """A document, how many requests completed it, and why it is not complete."""

    document: Document
    requests: int
    failure: Failure | None = None


def _headers(wanted: Wanted) -> dict[str, str]:
    """Return the version and the account; a thin event names the account by a path, which is Stripe's newer header."""
    headers = {"stripe-version": wanted.api_version or API_VERSION}
    if wanted.context:
        headers["stripe-context" if wanted.reference else "stripe-account"] = wanted.context
    return headers


def object_of(answer: Answer) -> Document | NotFound | Failure:
    """Return the object in an answer, or what the answer says instead."""
    value = json_of(answer)
    error = at(value, "error") if isinstance(value, dict) else None
    failure = _failure_of(answer, error if isinstance(error, dict) else {})
    if failure is not None:
        return failure
    return object_in(value)


def _failure_of(answer: Answer, error: Document) -> NotFound | Failure | None:
    """Return what an error means. Where Stripe says whether a request is worth repeating, that goes before its status.

    A 404 without the code of a missing object is an address that does not exist: an object is never deleted for that.
    """
    said = said_in(error)
    if answer.status == 404:
        return NotFound() if error.get("code") in _MISSING else Malformed(f"status 404: {said or 'no such address'}")
    failure = failure_of(answer, said)
    if failure is None or isinstance(failure, Unauthorised):
        return failure
    if answer.status == 429:
        return Throttled(retry_in_s(answer) or THROTTLED_S, f"status 429: {said}")
    should_retry = answer.headers.get("stripe-should-retry")
    detail = f"status {answer.status}: {said}"
    if should_retry == "true" or (answer.status == 409 and should_retry != "false"):
        return Unavailable(detail, retry_in_s(answer))
    return Malformed(detail) if should_retry == "false" else failure


def said_in(error: Document) -> str:
    """Return the code of an error, or else its type; the message may quote what was sent."""
    words: list[Any] = [error.get("code"), error.get("type")]
    return next((excerpt(word) for word in words if isinstance(word, str)), "")

"""The requests to one BigCommerce store: counted, with the newest quota, and with statuses as values.

Every reply tells the store's quota, which all apps of the store share; 429 means what it says, whatever quota its headers tell,
and one without headers means that the platform is busy. Errors are an object (V3) or an array (V2).
Source: BigCommerce's REST reference, "API rate limits", read 2026-11.
"""

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

from msgspec.structs import replace

from providers.answers import Answer, excerpt, failure_of, json_of
from providers.api import Failure, Malformed, NotFound, Quota, Throttled, Unauthorised
from providers.http import Client, Connections, Limits, Request
from providers.outline import at

MAX_CALLS: Final = 16  # of a read that is divided: one bad id among a hundred takes fourteen
REFUSALS: Final = frozenset({400, 413, 414, 422})  # which may be the fault of one id, or of their number

_RESET_MS: Final = "x-rate-limit-time-reset-ms"


def store_client(
    store_hash: str, token: Callable[[], str], base_url: str, limits: Limits, shared: Connections | None
) -> Client:
    """Return the HTTP client of a store, connected to nothing yet; `BaseUrlError` for an address that no token may be sent to."""
    address = f"{base_url.rstrip('/')}/stores/{quote(store_hash, safe='')}"
    return Client(address, lambda: {"x-auth-token": token()}, limits, shared)


class Calls:
    """The requests of one read or one page: counted, with the quota of the newest reply."""

    def __init__(self, client: Client) -> None:
        self.count = 0
        self.quota: Quota | None = None
        self._client = client
        self._is_too_much = False

    @property
    def may_divide(self) -> bool:
        """Say whether the last request may do better with fewer ids, and whether there is quota to try that."""
        has_quota = self.quota is None or self.quota.left > self.quota.limit / 2
        return self._is_too_much and has_quota and self.count < MAX_CALLS

    async def get(self, path: str, query: Mapping[str, str], right: str) -> Answer | NotFound | Failure:
        """Return a successful answer, or what its status means."""
        self.count += 1
        answer = await self._client.send(Request(path, query))
        self._is_too_much = isinstance(answer, Malformed)  # too long
        if not isinstance(answer, Answer):
            return answer
        self._is_too_much = answer.status in REFUSALS
        self.quota = _quota(answer) or self.quota
        match failure_of(answer, _said(answer)):
            case None:
                return answer
            case Throttled() as throttled:
                wait_ms = _number(answer, _RESET_MS)
                return throttled if wait_ms is None else replace(throttled, retry_in_s=wait_ms / 1000)
            case Unauthorised(detail=detail) if answer.status == 403:
                return Unauthorised(f"{detail}; the token needs the right {right}")
            case failure:
                return failure


def quota_words(answer: Answer, quota: Quota | None) -> str:
    """Return the quota in words, for people."""
    window_ms = _number(answer, "x-rate-limit-time-window-ms")
    if quota is None or window_ms is None:
        return "BigCommerce tells no quota"
    return f"quota {quota.limit:g} per {window_ms / 1000:g} s"


def _quota(answer: Answer) -> Quota | None:
    """Return what a reply says of the quota, None if it says nothing; with 429 nothing is left, even if the headers differ."""
    limit, left = _number(answer, "x-rate-limit-requests-quota"), _number(answer, "x-rate-limit-requests-left")
    reset_ms = _number(answer, _RESET_MS)
    if limit is None or left is None or reset_ms is None:
        return None
    return Quota(limit, 0.0 if answer.status == 429 else left, reset_ms / 1000)


def _number(answer: Answer, name: str) -> float | None:
    text = answer.headers.get(name, "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


def _said(answer: Answer) -> str:
    """Return the message of an error: `title` of V3's object, `message` of the first of V2's array, "" if there is none."""
    if answer.status < 400 or not answer.body:
        return ""
    value = json_of(answer)
    first = value[0] if isinstance(value, list) and value else value
    texts = [at(first, name) for name in ("title", "message", "detail")]
    return excerpt(next((text for text in texts if isinstance(text, str) and text), ""))

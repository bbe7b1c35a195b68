"""What an answer of any provider's API means: statuses, `Retry-After`, JSON. Pure; no network."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from providers.api import Failure, Malformed, NotFound, Throttled, Unauthorised, Unavailable
from providers.reading import MALFORMED
from providers.times import instant
from schemas.codec import json_value
from schemas.records import Document

DEFAULT_THROTTLE_S: Final = (
    30.0  # 429 without a time: as long as BigCommerce's window, which is the longest of the quotas
)
MAX_RETRY_S: Final = 3_600.0  # what asks for more is a mistake or an attack; trying again costs one request
MAX_EXCERPT_CHARS: Final = 200
LOCKED: Final = 423

_SECONDS: Final = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)


class Answer(Struct, frozen=True):
    """One HTTP answer: the status, the headers with lower-case names, the whole decoded body, and when it came (UTC)."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


def failure_of(answer: Answer, said: str = "") -> NotFound | Failure | None:
    """Return what a status means, None for success (2xx); `said` is what the provider wrote, for people.

    A redirect that was not followed is `Malformed`, as is a request that the provider takes for wrong.
    """
    detail = f"status {answer.status}{f': {said}' if said else ''}"
    match answer.status:
        case status if 200 <= status < 300:
            return None
        case 404 | 410:
            return NotFound()
        case 401 | 403:
            return Unauthorised(detail)
        case 429:
            wait_s = retry_in_s(answer)
            return Throttled(DEFAULT_THROTTLE_S if wait_s is None else wait_s, detail)
        case status if status >= 500 or status == LOCKED:
            return Unavailable(detail, retry_in_s(answer))
        case _:
            return Malformed(detail)


def retry_in_s(answer: Answer) -> float | None:
    """Return how long `Retry-After` asks to wait, from now on, in seconds; None if it says nothing that can be read.

    A date is compared with the answer's own `Date`, so that a difference between the two clocks does not matter.
    Source: RFC 9110, 10.2.3.
    """
    text = answer.headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), MAX_RETRY_S)
    until = instant(text)
    if until is None:
        return None
    now = instant(answer.headers.get("date", "")) or answer.received_at
    return min(max((until - now).total_seconds(), 0.0), MAX_RETRY_S)


def json_of(answer: Answer) -> Any:
    """Return the JSON value of a body with exact numbers, or `Malformed`; `object_in` checks that it is an object."""
    try:
        return json_value(answer.body)
    except (*MALFORMED, RecursionError) as error:
        kind = excerpt(answer.headers.get("content-type", "")) or "no content type"
        return Malformed(f"expected JSON, got {len(answer.body)} bytes of {kind}: {type(error).__name__}")


def object_in(value: Any) -> Document | Malformed:
    """Return a JSON value if it is an object; what `json_of` found wrong, or that it is another value, if it is not."""
    if isinstance(value, dict | Malformed):
        return value
    return Malformed("expected an object, got another JSON value")


def excerpt(text: str) -> str:
    """Return a text of a stranger's for a message: at most 200 characters of one line, all of them printable."""
    line = "".join(char if char.isprintable() else " " for char in text[: 2 * MAX_EXCERPT_CHARS]).strip()
    return line if len(line) <= MAX_EXCERPT_CHARS else f"{line[:MAX_EXCERPT_CHARS]}…"

"""What follows from a read: a delivery to write, another try, or nothing because the whole account has to wait. Pure."""

import random
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from providers.api import Fetched, Malformed, NotFound, Read, Throttled, Unauthorised, Unavailable
from providers.base import Unparsed
from providers.fetched import parse_fetched
from schemas import codec
from schemas.codec import time_us, us_time
from schemas.fetches import FetchRequest, FetchResult

EARLY_S: Final = (1.0, 5.0, 15.0)
"""How long after a read that is older than its callback the next one is made; then what it shows is taken."""
MISSING_S: Final = 10.0  # what was not found is read once more: a list may lag behind
AHEAD_US: Final = 1_000_000  # callbacks are stamped in whole seconds, and a little after the change
RETRIES_S: Final = (5.0, 15.0, 60.0, 60.0, 600.0, 600.0, 3_600.0)
"""How long to wait after each failure; the last one for all that follow."""
JITTER: Final = 0.1


class Limits(Struct, frozen=True):
    """When a resource is given up: after so many failed reads, or so long after the oldest delivery that waits for it."""

    max_attempts: int = 10
    max_age_s: float = 172_800.0


class Publish(Struct, frozen=True):
    """Write a delivery: what a read brought, with the document as canonical JSON text, empty for none."""

    result: FetchResult
    body: bytes = b""
    api_version: str | None = None


class Again(Struct, frozen=True):
    """Write the request again, to be tried in so many seconds."""

    request: FetchRequest
    in_s: float


class Hold(Struct, frozen=True):
    """Keep the request: it is not to blame. `retry_in_s` is what the provider asked for, None if it did not say."""

    kind: Literal["throttled", "unauthorised", "unavailable"]
    detail: str
    retry_in_s: float | None = None


Decision = Publish | Again | Hold


def decided(request: FetchRequest, read: Read, read_at_us: int, now_us: int, limits: Limits) -> Decision:
    """Return what follows from a read that started at `read_at_us`, microseconds since 1970, UTC."""
    match read:
        case Fetched():
            return _found(request, read, read_at_us, now_us)
        case NotFound():
            if not request.missing:
                return _again(replace(request, missing=1, detail="not found; read once more"), MISSING_S, now_us)
            return Publish(_result(request, "gone", read_at_us))
        case Throttled():
            return Hold("throttled", read.detail, read.retry_in_s)
        case Unauthorised():
            return Hold("unauthorised", read.detail)
        case Unavailable() | Malformed():
            return _failed(request, read, now_us, limits)


def given_up(request: FetchRequest, detail: str, now_us: int) -> Publish:
    """Return what ends the deliveries that wait for a resource which is not read any more."""
    return Publish(replace(_result(request, "failed", now_us), detail=detail))


def _found(request: FetchRequest, read: Fetched, read_at_us: int, now_us: int) -> Decision:
    read_at = us_time(read_at_us) or codec.EPOCH
    parsed = parse_fetched(request.provider, request.resource_type, request.resource_id, read.document, read_at)
    version_us = None if isinstance(parsed, Unparsed) else time_us(parsed.snapshots[0].version)
    is_early = version_us is not None and request.told_us is not None and version_us < request.told_us - AHEAD_US
    if is_early and request.early < len(EARLY_S):
        detail = "the provider showed an older version than its callback promised"
        return _again(replace(request, early=request.early + 1, detail=detail), EARLY_S[request.early], now_us)
    body = codec.document_json(read.document)
    return Publish(_result(request, "found", read_at_us), body, read.api_version)


def _failed(request: FetchRequest, read: Unavailable | Malformed, now_us: int, limits: Limits) -> Decision:
    tried = replace(request, attempts=request.attempts + 1, detail=read.detail)
    age_s = (now_us - request.since_us) / 1e6
    if tried.attempts >= limits.max_attempts or age_s >= limits.max_age_s:
        detail = f"given up after {tried.attempts} failed reads in {age_s:,.0f} s, the last: {read.detail}"
        return given_up(tried, detail, now_us)
    asked_s = read.retry_in_s if isinstance(read, Unavailable) else None
    wait_s = RETRIES_S[min(tried.attempts, len(RETRIES_S)) - 1]
    return _again(tried, max(wait_s, asked_s or 0.0) * random.uniform(1, 1 + JITTER), now_us)  # noqa: S311 - no secret


def _again(request: FetchRequest, in_s: float, now_us: int) -> Again:
    return Again(replace(request, due_us=now_us + round(in_s * 1e6)), in_s)


def _result(request: FetchRequest, status: Literal["found", "gone", "failed"], read_at_us: int) -> FetchResult:
    return FetchResult(
        request.resource_type,
        request.resource_id,
        status,
        request.answers,
        read_at_us,
        request.attempts + 1,
        run=request.run,
    )

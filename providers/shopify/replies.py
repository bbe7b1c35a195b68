"""What the replies of Shopify's GraphQL API mean: results, costs, the bucket of points, and errors within status 200. Pure.

Source: Shopify's GraphQL Admin API reference 2026-07, "Rate limits" and "Status and error codes".
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from providers.answers import Answer, excerpt, failure_of, json_of
from providers.api import Failure, Malformed, NotFound, Quota, Throttled, Unauthorised, Unavailable
from providers.outline import at
from schemas.records import Document

THROTTLED_S: Final = 1.0  # without the bucket's state
SECURITY_REJECTION: Final = 430
PAYMENT_REQUIRED: Final = 402
_ERRORS: Final = {
    "THROTTLED": Throttled,
    "ACCESS_DENIED": Unauthorised,
    "INTERNAL_SERVER_ERROR": Unavailable,
    "SHOP_INACTIVE": Unavailable,
    "TIMEOUT": Unavailable,
}


class Answered(Struct, frozen=True):
    """What one query brought: for each place the object there, None for null, or why there is nothing; its cost; the bucket.

    `api_version` is the version that answered: for one that is no longer supported Shopify answers in the oldest that is.
    """

    found: tuple[Document | Failure | None, ...]
    cost: float = 0.0
    quota: Quota | None = None
    api_version: str | None = None


def answered(answer: Answer | Failure, places: Sequence[tuple[str | int, ...]]) -> Answered:
    """Return what an answer to a query says of each place.

    An error with the path of one place concerns that place alone. Any other concerns all, for a null may then be no null.
    """
    body = answer if not isinstance(answer, Answer) else _body(answer)
    if not isinstance(body, dict):
        return Answered(tuple(body for _ in places))
    version = answer.headers.get("x-shopify-api-version") if isinstance(answer, Answer) else None
    return Answered(_all_found(body, places), _cost(body), quota_of(body), version)


def quota_of(body: Document) -> Quota | None:
    """Return the bucket of points after a query, None if the reply does not tell."""
    status = at(body, "extensions.cost.throttleStatus")
    if not isinstance(status, dict):
        return None
    limit, left, rate = (
        _number(status.get(name)) for name in ("maximumAvailable", "currentlyAvailable", "restoreRate")
    )
    return None if limit is None or left is None else Quota(limit, left, restored_per_s=rate or None)


def _all_found(body: Document, places: Sequence[tuple[str | int, ...]]) -> tuple[Document | Failure | None, ...]:
    errors = body.get("errors")
    errors = [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    data = body.get("data")
    if not isinstance(data, dict):
        failure = _failure(errors[0], body) if errors else Malformed("expected an object in data")
        return tuple(failure for _ in places)
    general = next((error for error in errors if not any(_concerns(error, place) for place in places)), None)
    if general is not None:
        return tuple(_failure(general, body) for _ in places)
    return tuple(_found(data, place, errors, body) for place in places)


def _body(answer: Answer) -> Document | Failure:
    """Return the reply's object. A 404 is a wrong address or shop, not a resource that is gone."""
    if answer.status in (SECURITY_REJECTION, PAYMENT_REQUIRED):
        return Unavailable(
            f"status {answer.status}: {'rejected' if answer.status == SECURITY_REJECTION else 'shop is frozen'}"
        )
    failure = failure_of(answer)
    if isinstance(failure, NotFound):
        return Malformed(f"status {answer.status}: expected the address of a shop's GraphQL API")
    if failure is not None:
        return failure
    value = json_of(answer)
    return value if isinstance(value, dict | Malformed) else Malformed("expected an object with data")


def _found(
    data: Document, place: tuple[str | int, ...], errors: Sequence[Document], body: Document
) -> Document | Failure | None:
    error = next((error for error in errors if _concerns(error, place)), None)
    if error is not None:
        return _failure(error, body)
    value: Any = data
    for step in place:
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                return Malformed("expected as many nodes as ids")
            value = value[step]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return Malformed(f"expected a field {step} in data") if value is not None else None
    return value if value is None or isinstance(value, dict) else Malformed("expected objects in data")


def _concerns(error: Document, place: tuple[str | int, ...]) -> bool:
    """Say whether an error is about one place; those of a level begin with the item that has it."""
    path = error.get("path")
    steps = 2 if len(place) > 1 and isinstance(place[1], int) else 1
    return isinstance(path, list) and tuple(path[:steps]) == place[:steps]


def _failure(error: Document, body: Document) -> Failure:
    code = at(error, "extensions.code")
    code = code if isinstance(code, str) else ""
    kind = _ERRORS.get(code)
    # The message of a missing right says which one is needed; others may quote what was sent.
    message = error.get("message") if kind is Unauthorised or not code else None
    detail = ": ".join(part for part in (excerpt(code), excerpt(message) if isinstance(message, str) else "") if part)
    if kind is None:
        return Malformed(f"error {detail}")
    return Throttled(_wait_s(body), detail) if kind is Throttled else kind(detail)


def _wait_s(body: Document) -> float:
    """Return in how many seconds the bucket has the points that a refused query needs."""
    requested, quota = _number(at(body, "extensions.cost.requestedQueryCost")), quota_of(body)
    if requested is None or quota is None or not quota.restored_per_s:
        return THROTTLED_S
    return max((requested - quota.left) / quota.restored_per_s, 0.0) or THROTTLED_S


def _cost(body: Document) -> float:
    cost = at(body, "extensions.cost")
    if not isinstance(cost, dict):
        return 0.0
    # A throttled query has no actual cost and takes nothing from the bucket.
    return _number(cost.get("actualQueryCost")) or 0.0


def _number(value: object) -> float | None:
    try:
        return None if isinstance(value, bool | None) else float(value)  # type: ignore[arg-type]  # ValueError, TypeError below
    except (TypeError, ValueError):
        return None

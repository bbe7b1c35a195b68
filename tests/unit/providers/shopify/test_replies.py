"""What replies mean that no fake would send, and those that are rare."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from providers.answers import Answer
from providers.api import Malformed, Quota, Throttled, Unauthorised, Unavailable
from providers.shopify.replies import answered, quota_of

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
PLACES = (("nodes", 0), ("nodes", 1))


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"data": None},
        {"data": []},
        {"data": {}},
        {"data": {"nodes": {}}},
        {"data": {"nodes": "ab"}},
        {"data": {"nodes": [1, "x"]}},
        {"errors": "Not Found"},
        {"errors": [{"message": "x", "extensions": {"code": 7}}]},
        {"errors": [{"message": "Field 'x' doesn't exist", "extensions": {"code": "undefinedField"}}]},
    ],
)
def test_reply_of_another_shape_is_malformed(body: Any) -> None:
    """Nothing is taken for a missing product, and nothing raises."""
    found = answered(_answer(body), PLACES).found

    assert [type(each) for each in found] == [Malformed, Malformed]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, Unauthorised),
        (402, Unavailable),
        (403, Unauthorised),
        (404, Malformed),
        (423, Unavailable),
        (430, Unavailable),
    ],
)
def test_status_is_about_the_shop(status: int, expected: type) -> None:
    """A shop that is frozen, locked or gone has lost no product by that."""
    found = answered(_answer({"errors": "Not Found"}, status), PLACES).found

    assert {type(each) for each in found} == {expected}


def test_error_without_a_path_concerns_all() -> None:
    """The null of another node may have the same reason."""
    error = {"message": "Access denied for x field. Required access: `read_x`", "extensions": {"code": "ACCESS_DENIED"}}
    found = answered(_answer({"data": {"nodes": [{"id": 1}, None]}, "errors": [error]}), PLACES).found

    assert found == (Unauthorised(f"ACCESS_DENIED: {error['message']}"),) * 2


@pytest.mark.parametrize(
    ("cost", "retry_in_s"),
    [
        ({}, 1.0),
        (
            {
                "requestedQueryCost": 500,
                "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 100, "restoreRate": 100.0},
            },
            4.0,
        ),
        (
            {
                "requestedQueryCost": 50,
                "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 100, "restoreRate": 100.0},
            },
            1.0,
        ),
        ({"requestedQueryCost": "x", "throttleStatus": {"maximumAvailable": []}}, 1.0),
    ],
)
def test_throttled_query_waits_for_its_points(cost: dict[str, Any], retry_in_s: float) -> None:
    """Without the bucket's state a second is waited, and never no time at all."""
    body = {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], "extensions": {"cost": cost}}

    assert answered(_answer(body), PLACES).found == (Throttled(retry_in_s, "THROTTLED"),) * 2


def test_bucket_is_read() -> None:
    """Numbers come as integers and with a fraction."""
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": 1990, "restoreRate": 100.0}

    assert quota_of({"extensions": {"cost": {"throttleStatus": status}}}) == Quota(2000, 1990, restored_per_s=100)
    assert quota_of({"extensions": {"cost": {"throttleStatus": status | {"currentlyAvailable": True}}}}) is None
    assert quota_of({"extensions": None}) is None


def _answer(body: Any, status: int = 200) -> Answer:
    return Answer(status, {"content-type": "application/json"}, msgspec.json.encode(body), NOW)

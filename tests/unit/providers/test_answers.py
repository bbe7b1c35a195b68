"""Tests for providers/answers.py."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from providers.answers import Answer, excerpt, failure_of, json_of, retry_in_s
from providers.api import Malformed, NotFound, Throttled, Unauthorised, Unavailable

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def answered(status: int = 200, body: bytes = b"", **headers: str) -> Answer:
    """Return an answer; `retry_after` becomes the header retry-after."""
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, NOW)


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (200, None),
        (204, None),
        (301, Malformed("status 301: said")),
        (400, Malformed("status 400: said")),
        (401, Unauthorised("status 401: said")),
        (403, Unauthorised("status 403: said")),
        (404, NotFound()),
        (410, NotFound()),
        (413, Malformed("status 413: said")),
        (422, Malformed("status 422: said")),
        (423, Unavailable("status 423: said")),
        (429, Throttled(30.0, "status 429: said")),
        (500, Unavailable("status 500: said")),
        (503, Unavailable("status 503: said")),
    ],
)
def test_status_has_a_meaning(status: int, failure: object) -> None:
    """What every provider means by a status."""
    assert failure_of(answered(status), "said") == failure


def test_failure_without_words_is_the_status() -> None:
    """Nothing is made up for a provider that says nothing."""
    assert failure_of(answered(500)) == Unavailable("status 500")


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("2", 2.0),
        ("2.0", 2.0),
        ("0", 0.0),
        ("Mon, 02 Nov 2026 09:01:30 GMT", 90.0),
        ("Mon, 02 Nov 2026 08:00:00 GMT", 0.0),
        ("999999", 3600.0),  # bounded: nothing waits for days because of one header
        ("-1", None),
        ("soon", None),
        ("", None),
        ("\u0661", None),  # a digit, but of another script
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, wait_s: float | None) -> None:
    """Both forms of RFC 9110; anything else says nothing."""
    assert retry_in_s(answered(503, retry_after=text)) == wait_s


def test_retry_date_is_compared_with_the_answers_own_date() -> None:
    """The provider's clock is five minutes ahead; the wait is not."""
    answer = answered(503, retry_after="Mon, 02 Nov 2026 09:05:10 GMT", date="Mon, 02 Nov 2026 09:05:00 GMT")

    assert retry_in_s(answer) == 10.0
    assert failure_of(answer) == Unavailable("status 503", 10.0)


def test_json_keeps_every_digit() -> None:
    """Integers beyond 2^53 and decimals are exact."""
    body = b'{"id": 9007199254740993, "price": 10.10, "rate": 1.1234567890123456789}'

    assert json_of(answered(body=body)) == {
        "id": 9007199254740993,
        "price": Decimal("10.10"),
        "rate": Decimal("1.1234567890123456789"),
    }


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"id": 1', b"[" * 100_000, b'{"a": 1e99999999999999999999}', b"\xff"]
)
def test_body_that_is_no_json_is_malformed(body: bytes) -> None:
    """An answer of a proxy in between, a cut one, a hostile one: a value, never an error."""
    found = json_of(answered(body=body, content_type="text/html"))

    assert isinstance(found, Malformed)
    assert f"{len(body)} bytes of text/html" in found.detail


def test_excerpt_is_one_short_printable_line() -> None:
    """A stranger's text cannot break a log line or a terminal."""
    assert excerpt("no\n\x1b[31mluck\u202e\u2028today") == "no  [31mluck  today"
    assert len(excerpt("x" * 10_000)) == 201

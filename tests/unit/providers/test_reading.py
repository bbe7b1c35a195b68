"""Reading what providers write: exact numbers, instants in every notation, names, and no exception."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Unparsed
from providers.reading import (
    body_digest,
    instant,
    is_deletion,
    read_json,
    read_object,
    resource_of_event,
    text_id,
    topic_name,
)


def test_numbers_keep_every_digit() -> None:
    """Shopify's ids pass 2**53 and money must not pass through a binary fraction."""
    assert read_json(b'{"id":788032119674292922,"huge":123456789012345678901234567890,"price":19.90}') == {
        "id": 788032119674292922,
        "huge": 123456789012345678901234567890,
        "price": Decimal("19.90"),
    }


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "unreadable"),
        (b" \n", "unreadable"),
        (b"{", "unreadable"),
        (b"\xff\xfe{}", "unreadable"),
        (b"NaN", "unreadable"),
        (b'{"total":1e99999999999999999999}', "unreadable"),  # no decimal has such an exponent
        (b"[" * 100_000, "unreadable"),
        (b"<order/>", "unreadable"),
        (b"[]", "unknown_shape"),
        (b'"text"', "unknown_shape"),
        (b"null", "unknown_shape"),
        (b"1", "unknown_shape"),
        (b"true", "unknown_shape"),
    ],
)
def test_what_is_no_object_says_why(body: bytes, reason: str) -> None:
    """An unusable body is a value with a reason, for the dead letter."""
    parsed = read_object(body)

    assert isinstance(parsed, Unparsed)
    assert parsed.reason == reason


@given(st.binary())
def test_reading_never_raises(body: bytes) -> None:
    """Any bytes give a document or a reason."""
    assert isinstance(read_object(body), dict | Unparsed)


NEW_YEAR = datetime(2022, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2022-01-01T00:00:00Z", NEW_YEAR),
        ("2022-01-01T00:00:00.000Z", NEW_YEAR),
        ("2021-12-31T19:00:00-05:00", NEW_YEAR),  # Shopify's store offset names the same instant
        ("2022-01-01T00:00:00+00:00", NEW_YEAR),
        ("2025-07-10T16:15:47.000001Z", datetime(2025, 7, 10, 16, 15, 47, 1, tzinfo=UTC)),
        ("Sat, 01 Jan 2022 00:00:00 +0000", NEW_YEAR),
        (1640995200, NEW_YEAR),
        (Decimal("1640995200.5"), datetime(2022, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        ("Mon, 11 Mar 99999999999999999999 15:17:25 +0000", None),
        ("Mon, 11 Mar 2019 15:17:25 +99999999999999999999", None),
        ("0001-01-01T00:00:00+23:59", None),  # before the first instant
        ("2022-01-01" * 100, None),
        (0, None),
        (-1, None),
        (10**30, None),
        (True, None),
        (None, None),
        ({}, None),
    ],
)
def test_instant_reads_every_notation_in_use(value: object, expected: datetime | None) -> None:
    """Offsets are resolved to UTC; text that is no time is None."""
    assert instant(value) == expected


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,25} [A-Z][a-z]{2} \d{1,25} \d{1,6}:\d\d:\d\d [+-]\d{1,9}"))
def test_instant_never_raises(text: str) -> None:
    """Any text gives an aware time or None."""
    time = instant(text)

    assert time is None or time.tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, "7"),
        (0, "0"),
        (788032119674292922, "788032119674292922"),
        ("gid://x", "gid://x"),
        ("", None),
        ("x" * 255, "x" * 255),
        ("x" * 256, None),
        (10**40, None),
        (True, None),
        (None, None),
        (Decimal("1.5"), None),
        ([7], None),
    ],
)
def test_only_texts_and_integers_are_ids(value: Any, expected: str | None) -> None:
    """A fraction, a flag or a structure never becomes part of a key."""
    assert text_id(value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("products", "products"),
        ("ProductVariant", "product_variant"),
        ("Price List", "price_list"),
        ("a|b/c.d", "a_b_c_d"),
        ("", "unknown"),
        ("|", "unknown"),
        ("ü", "unknown"),
        ("x" * 500, "x" * 80),
    ],
)
def test_topic_name_is_lower_snake(text: str, expected: str) -> None:
    """A provider's name for a thing becomes a part of a Kafka topic's name."""
    assert topic_name(text) == expected


@pytest.mark.parametrize(
    ("event_type", "resource", "deleted"),
    [
        ("invoice.paid", "invoice", False),
        ("customer.subscription.deleted", "customer_subscription", True),
        ("order-created", "order", False),
        ("order_removed", "order", True),
        ("line_item", "line_item", False),
        ("order", "order", False),
        ("products/destroy", "products", True),
        ("userDeleted", "user", True),
        ("undeleted", "undeleted", False),
        ("deleted", "deleted", True),
        ("", "unknown", False),
        ("...", "unknown", False),
    ],
)
def test_event_name_tells_resource_and_deletion(event_type: str, resource: str, deleted: bool) -> None:
    """The part before the last dot is the resource; only a whole last word means a deletion."""
    assert resource_of_event(event_type) == resource
    assert is_deletion(event_type) == deleted


def test_body_digest_differs_with_one_byte() -> None:
    """Two bodies of one length are two deliveries."""
    assert body_digest(b"a") != body_digest(b"b")
    assert body_digest(b"a") == body_digest(b"a")

"""Reading what providers write: exact numbers, names, and no exception."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Unparsed
from providers.reading import (
    body_digest,
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
        ("contact.deletion", "contact", True),
        ("order.deleted.", "order", True),
        ("customer.card_removed", "customer", False),
        ("customer.cardRemoved", "customer", False),
        ("pullrequest:comment_deleted", "pullrequest", False),
        ("team/member_deleted", "team", False),
        ("order.line_item_removed", "order", False),
        ("customer.customer_deleted", "customer", True),
        ("shop.orders.order_deleted", "shop_orders", True),
        ("categories.category_deleted", "categories", True),
        ("", "unknown", False),
        ("...", "unknown", False),
    ],
)
def test_event_name_tells_resource_and_deletion(event_type: str, resource: str, deleted: bool) -> None:
    """What comes before the last dot is the resource; only a whole last word means a deletion, and not that of a part."""
    assert resource_of_event(event_type) == resource
    assert is_deletion(event_type) == deleted


@pytest.mark.parametrize(
    ("event_type", "resource", "deleted"),
    [
        ("deleted", "customer", True),
        ("entry.delete", "blog_post", True),
        ("entry_deleted", "blog_post", True),
        ("card_removed", "customer", False),
        ("customer_card_removed", "card", True),
        ("line_items_removed", "order_line_item", True),
        ("item_removed", "order", False),
    ],
)
def test_deletion_is_that_of_the_resource_that_the_body_names(event_type: str, resource: str, deleted: bool) -> None:
    """A sender may name the type in the body: what the event says is deleted must be of that type."""
    assert is_deletion(event_type, resource) == deleted


def test_body_digest_differs_with_one_byte() -> None:
    """Two bodies of one length are two deliveries."""
    assert body_digest(b"a") != body_digest(b"b")
    assert body_digest(b"a") == body_digest(b"a")

"""The matches of a filter: every rule of docs/filters.md."""

import sys
from decimal import Decimal
from typing import Any

import pytest

from schemas.records import Document
from streams.steps.filter import TermVerdict, compile_filter
from tests.support.builders.deliveries import second

PRODUCT: Document = {
    "id": 9554194432293,
    "title": "Greatest Hits",
    "subtitle": "one, two",
    "vendor": "Nike Inc",
    "status": "active",
    "tags": "music, VIP, Big Sale",
    "note": None,
    "weight": Decimal("0.20"),
    "taxable": True,
    "count": 3,
    "created_at": "2026-01-31T07:00:00-05:00",
    "variants": [
        {"id": 1, "title": "Album", "price": "129.99", "options": ["red", "XL"]},
        {"id": 2, "title": "Single", "price": "9.50", "options": []},
    ],
    "images": [],
    "vendor_address": {"city": "Köln", "zip": None},
    "line_items": [{"properties": []}, {"properties": [{"name": "_mine", "value": "x"}]}],
    "a.b": 1,
}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        # Equality: of text by text, case-sensitive, whole.
        ("vendor:'Nike Inc'", True),
        ("vendor:'nike inc'", False),
        ("vendor:Nike", False),
        ("variants.price:129.99", True),
        ("variants.price:129.990", False),  # a text is compared as text
        # Of numbers and booleans by value.
        ("id:9554194432293", True),
        ("id:9554194432294", False),
        ("weight:0.2", True),
        ("count:3.0", True),
        ("taxable:true", True),
        ("taxable:false", False),
        ("-taxable:false", True),
        # Prefix and existence.
        ("title:Great*", True),
        ("title:great*", False),
        ("title:Hits*", False),
        ('vendor:"Nike I"*', True),
        ("variants.title:Sing*", True),
        ("title:*", True),
        ("note:*", False),  # null is nothing
        ("-note:*", True),
        ("images:*", False),  # nor is an empty array
        ("vendor_address:*", True),
        ("variants:*", True),
        # Comparison of numbers, of numbers in text too.
        ("count:>2", True),
        ("count:>3", False),
        ("count:>=3", True),
        ("count:<=3 count:<4", True),
        ("variants.price:>=129.99", True),
        ("variants.price:>129.99", False),
        ("variants.price:<10", True),  # as text "9.50" would not be less
        ("count:<-1", False),
        # Any element, through nested arrays; each term may match a different one.
        ("line_items.properties.name:_mine", True),
        ("variants.options:XL", True),
        ("variants.title:Album variants.price:<10", True),
        ("-variants.title:Album", False),
        ("-variants.title:Other", True),
        # Tags, one by one.
        ("tags:VIP", True),
        ("tags:'Big Sale'", True),
        ("tags:Big", False),
        ("tags:vip", False),
        ("tags:VI*", True),
        ("tags:'music, VIP, Big Sale'", True),
        ("-tags:rock", True),
        ("subtitle:two", False),  # other texts have no parts
        # Times, of any notation.
        ("created_at:>'2026-01-30'", True),
        ("created_at:>='2026-01-31T12:00:00Z'", True),
        ("created_at:<'2026-01-31T12:00:00Z'", False),
        ("created_at:<now", True),
        ("created_at:>now", False),
        # Connectives.
        ("count:1 OR count:3 AND status:active", True),
        ("count:3 OR count:1 AND status:draft", False),  # (3 or 1) and draft
        ("(count:1 AND status:active) OR vendor:Nike*", True),
        ("-(count:1 OR status:draft)", True),
        ("NOT status:draft", True),
        # Absent fields: no match, plain or negated, except for existence.
        ("color:red", False),
        ("-color:red", False),
        ("color:>1", False),
        ("-color:>1", False),
        ("color:*", False),
        ("-color:*", True),
        ("-(color:red)", False),
        ("color:red OR status:active", True),
        ("-(color:red AND status:draft)", True),  # false whatever color is
        ("-(color:red AND status:active)", False),
        ("variants.color:red", False),
        ("-variants.color:red", False),
        ("title.length:1", False),
        # Below a null or an empty array: known to be empty.
        ("images.src:x", False),
        ("-images.src:x", True),
        ("-vendor_address.zip:5", True),
        ("-note.text:x", True),
        ("note:x", False),
        # Incomparable values: no match either way.
        ("title:>5", False),
        ("-title:>5", False),
        ("-taxable:yes", False),
        ("-count:many", False),
        ("-count:3*", False),
        ("-vendor_address:Köln", False),
        ("-title:>'2026-01-01'", False),
        ("-taxable:>0", False),
        ("taxable:>0", False),
        # A dot inside a name.
        (r"a\.b:1", True),
    ],
)
def test_matches(text: str, matches: bool) -> None:
    """One document against every rule."""
    assert compile_filter(text).matches(PRODUCT, now=second(60)) is matches


@pytest.mark.parametrize(
    ("value", "matches"),
    [
        (1769860801, True),  # Unix seconds, as Stripe and BigCommerce send them
        (1769860799, False),
        ("Sat, 31 Jan 2026 12:00:01 +0000", True),  # RFC 2822, BigCommerce v2
        ("2026-01-31T12:00:01", True),  # without a zone: UTC
        ("2026-01-31", False),
        ("soon", False),
        (True, False),
        (["2025-01-01", "2026-12-31"], True),
    ],
)
def test_times_are_compared_as_instants(value: Any, matches: bool) -> None:
    """This holds for any provider's notation."""
    assert compile_filter("t:>'2026-01-31T12:00:00Z'").matches({"t": value}) is matches


def test_now_without_a_time_is_undecided() -> None:
    """Without a given time there is no match, nor one by negation."""
    for text in ("created_at:<now", "-created_at:<now"):
        assert not compile_filter(text).matches(PRODUCT)


@pytest.mark.parametrize("value", [Decimal("1E+400"), 10**300, "1" * 5000, "1e5", "٣", "", {}, [[[]]]])
def test_odd_values_are_compared_or_not_and_never_raise(value: Any) -> None:
    """Huge exponents, endless digits, other alphabets."""
    for text in ("a:>1", "a:1", "a:1*", "a:*", "a:>'2026-01-01'"):
        compile_filter(text).matches({"a": value})


def test_explanation_gives_every_term_with_what_was_found() -> None:
    """Terms that did not matter are included, in the order of the text, with modifiers."""
    explained = compile_filter("status:draft (-tags:rock OR color:red) variants.price:>=10 title:>5").explain(PRODUCT)

    assert explained == [
        TermVerdict("status:draft", False, ("active",), field="status"),
        TermVerdict("-tags:rock", True, ("music, VIP, Big Sale",), field="tags"),
        TermVerdict("color:red", None, (), "the document has no field color", "color"),
        TermVerdict("variants.price:>=10", True, ("129.99", "9.50"), field="variants.price"),
        TermVerdict("title:>5", None, ("Greatest Hits",), "what is there cannot be compared with '5'", "title"),
    ]


def test_explanation_of_an_absent_field_that_should_be_absent() -> None:
    """Negated existence holds, and the explanation gives the reason."""
    (verdict,) = compile_filter("-invalid_field:*").explain(PRODUCT)

    assert (verdict.text, verdict.holds, verdict.found) == ("-invalid_field:*", True, ())


def test_fields_are_named_once() -> None:
    """`penstock check` uses this to find fields that no delivery ever had."""
    assert compile_filter("a:1 OR (b.c:2 -a:3)").fields == ("a", "b.c")


def test_deep_arrays_do_not_recurse() -> None:
    """An array in an array in an array, deeper than Python's stack."""
    value: Any = "x"
    for _ in range(10 * sys.getrecursionlimit()):
        value = [value]

    assert compile_filter("a:x").matches({"a": value})

"""Changes as lines for people."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from console.queries.change_lines import SHOWN_CHARS, SHOWN_LINES, Line, as_json, lines
from schemas.records import Document


def change(before: Any, after: Any, *changed: str) -> Document:
    """Return a partial change event with the fields that are read."""
    texts = {
        name: None if value is None else json.dumps(value) for name, value in (("before", before), ("after", after))
    }
    return {**texts, "changed": list(changed)}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (change({"price": "1"}, {"price": "2"}, "/price"), ("/price", '"1"', '"2"')),
        (change({}, {"note": None}, "/note"), ("/note", "", "null")),
        (change({"note": None}, {}, "/note"), ("/note", "null", "")),
        (change({"a/b": {"~": 1}}, {"a/b": {"~": 2}}, "/a~1b/~0"), ("/a~1b/~0", "1", "2")),
        (change({"tags": ["x"]}, {"tags": ["x", "y"]}, "/tags/1"), ("/tags/1", "", '"y"')),
        (change({"n": {"m": 1}}, {"n": 1}, "/n"), ("/n", '{"m":1}', "1")),
        (change(None, {"id": 1}), ("/id", "", "1")),
        (change({"id": 1}, None), ("/id", "1", "")),
    ],
)
def test_a_line_shows_both_values_at_the_pointer(event: Document, expected: Line) -> None:
    """Created and deleted resources show their fields."""
    assert lines(event) == [expected]


def test_elements_are_matched_by_their_id() -> None:
    """The pointer's index is that of the new array; the old value belongs to the same element, at any former index."""
    before = {"variants": [{"id": 1, "price": "1"}, {"id": 2, "price": "2"}]}
    after = {"variants": [{"id": 2, "price": "3"}, {"id": 9, "price": "9"}]}

    shown = lines(change(before, after, "/variants/0/price", "/variants/1"))

    assert shown == [("/variants/0/price", '"2"', '"3"'), ("/variants/1", "", '{"id":9,"price":"9"}')]


def test_long_values_and_long_changes_are_cut() -> None:
    """The output stays readable; --json has everything."""
    after = {f"field {number}": "x" * 100 for number in range(30)}

    shown = lines(change(None, after))

    assert shown[-1][0] == "… and 10 more"
    assert len(shown) == SHOWN_LINES + 1
    assert max(len(line[2]) for line in shown) == SHOWN_CHARS


def test_what_a_document_is_stands_before_the_rest() -> None:
    """Of a product with 72 fields a person sees name and price; a change shows its pointers in their order."""
    product = {
        "availability": "available",
        "id": 7,
        "name": "Lamp",
        "price": "49.90",
        **dict.fromkeys(map(str, range(30))),
    }

    assert [line[0] for line in lines(change(None, product))][:4] == ["/name", "/price", "/availability", "/id"]
    assert [line[0] for line in lines(change(product, {}, "/id", "/name"))] == ["/id", "/name"]


def test_json_keeps_every_digit_and_shows_documents_as_objects() -> None:
    """For jq, numbers are unchanged and times are in ISO 8601."""
    event = change(None, {"id": 9007199254740993}) | {"version": datetime(2026, 1, 2, tzinfo=UTC)}
    event["after"] = '{"id":9007199254740993,"rate":1.10}'

    text = as_json(event)

    assert '"after":{"id":9007199254740993,"rate":1.10}' in text
    assert '"before":null' in text
    assert json.loads(text, parse_float=Decimal)["version"] == "2026-01-02T00:00:00Z"

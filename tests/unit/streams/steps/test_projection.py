"""Projecting documents on included fields."""

import pytest

from schemas.records import Document
from streams.steps.projection import projected


@pytest.mark.parametrize(
    ("document", "fields", "kept"),
    [
        ({"id": 7, "a": 1, "b": 2}, ["a"], {"id": 7, "a": 1}),
        ({"a": 1, "b": 2}, ["a"], {"a": 1}),  # no id, none made up
        ({"id": 7, "a": 1}, ["x"], {"id": 7}),
        ({"id": 7, "a": {"b": 1, "c": 2}}, ["a.b"], {"id": 7, "a": {"b": 1}}),
        ({"id": 7, "a": {"b": 1, "c": 2}}, ["a"], {"id": 7, "a": {"b": 1, "c": 2}}),
        ({"a": {"b": 1, "c": 2}}, ["a.b", "a"], {"a": {"b": 1, "c": 2}}),  # the whole wins over its part
        ({"a": {"b": 1, "c": 2}}, ["a", "a.b"], {"a": {"b": 1, "c": 2}}),
        ({"a": [{"b": 1, "c": 2}, {"c": 3}]}, ["a.b"], {"a": [{"b": 1}, {}]}),  # indexes stay
        ({"a": [[{"b": 1, "c": 2}]]}, ["a.b"], {"a": [[{"b": 1}]]}),
        ({"a": None}, ["a.b"], {"a": None}),
        ({"a": "text"}, ["a.b"], {"a": None}),
        ({"id": {"x": 1, "y": 2}}, ["id.x"], {"id": {"x": 1, "y": 2}}),  # the id is always whole
    ],
)
def test_narrowed_keeps_the_included_fields_and_the_id(document: Document, fields: list[str], kept: Document) -> None:
    """No other field passes, and none is added."""
    assert projected(document, tuple(fields)) == kept

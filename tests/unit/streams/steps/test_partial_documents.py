"""What a partial rendering leaves out keeps its stored value."""

from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas import codec
from schemas.records import Document
from streams.steps.partial_documents import merged_partial
from tests.support.builders.deliveries import snapshot

LIST = frozenset({"variants"})
ONE, TWO = {"id": 1, "price": "1.00", "sku": "a"}, {"id": 2, "price": "2.00"}


def merge(stored: Document, shown: Document, partial_lists: Collection[str] = ()) -> Document:
    """Return the merged document."""
    partial = replace(snapshot(shown), is_partial=True, partial_lists=frozenset(partial_lists))
    return codec.document(merged_partial(codec.document_json(stored), codec.document_json(shown), partial))


@pytest.mark.parametrize(
    ("stored", "shown", "merged"),
    [
        ({"a": 1, "b": 2}, {"a": 3}, {"a": 3, "b": 2}),
        ({"a": 1}, {"a": None}, {"a": None}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": 3}}, {"a": {"x": 3, "y": 2}}),
        (
            {"variants": [ONE, TWO]},
            {"variants": [{"id": 1, "price": "9.00"}]},
            {"variants": [{"id": 1, "price": "9.00", "sku": "a"}]},
        ),
        ({"tags": ["a", "b"]}, {"tags": ["b"]}, {"tags": ["b"]}),
        ({"at": "2026-01-31T07:00:00-05:00"}, {"at": "2026-01-31T12:00:00Z"}, {"at": "2026-01-31T07:00:00-05:00"}),
        ({"at": "2026-01-31T07:00:00-05:00"}, {"at": "2026-01-31T12:00:01Z"}, {"at": "2026-01-31T12:00:01Z"}),
        ({"title": "1.0"}, {"title": "1.00"}, {"title": "1.00"}),
    ],
)
def test_shown_fields_replace_stored_ones(stored: Document, shown: Document, merged: Document) -> None:
    """At every depth; a time that is the same instant keeps its stored notation, other texts are compared as texts."""
    assert merge(stored, shown) == merged


@pytest.mark.parametrize(
    ("stored", "shown", "merged"),
    [
        ([ONE, TWO], [{"id": 2, "price": "9.00"}], [ONE, {"id": 2, "price": "9.00"}]),
        ([ONE], [TWO], [ONE, TWO]),
        ([ONE, TWO], [], [ONE, TWO]),
        ([ONE, TWO], [{"price": "9.00"}], [ONE, TWO]),
        ([{"price": "1.00"}], [{"price": "9.00"}], [{"price": "9.00"}]),
        ([], [ONE], [ONE]),
    ],
)
def test_element_of_a_truncated_list_stays(stored: Any, shown: Any, merged: Any) -> None:
    """A page of a list says nothing about the elements of the other pages."""
    assert merge({"variants": stored}, {"variants": shown}, LIST) == {"variants": merged}


_values = st.recursive(
    st.none() | st.integers(0, 3) | st.sampled_from(["a", "2026-01-31T12:00:00Z", "2026-01-31T07:00:00-05:00"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
        | st.lists(
            st.fixed_dictionaries({"id": st.integers(1, 3)}, optional={"a": inner}),
            max_size=3,
            unique_by=lambda element: int(element["id"]),
        )
    ),
    max_leaves=10,
)
_documents = st.dictionaries(st.sampled_from(["a", "b", "variants"]), _values, max_size=3)


@given(stored=_documents, shown=_documents)
def test_no_field_is_lost_and_merging_again_changes_nothing(stored: Document, shown: Document) -> None:
    """Whatever the documents are."""
    once = merge(stored, shown, LIST)

    assert once.keys() == stored.keys() | shown.keys()
    assert merge(once, shown, LIST) == once

"""Step 3: JSON Pointers to the differences."""

import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.codec import document, document_json
from schemas.records import Document
from streams.steps.diff import diff


def pointers(before: Document, after: Document, volatile: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the diff of two documents."""
    return diff(document_json(before), document_json(after), frozenset(volatile))


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ({}, {}, ()),
        ({"a": 1}, {"a": 1}, ()),
        ({"a": 1}, {"a": 2}, ("/a",)),
        ({}, {"a": 1}, ("/a",)),
        ({"a": 1}, {}, ("/a",)),
        ({"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 1, "d": 1}, ("/a", "/c", "/d")),
        ({"a": {"b": {"c": 1, "d": 2}}}, {"a": {"b": {"c": 9, "d": 2}}}, ("/a/b/c",)),
        ({"a": {"b": 1}}, {"a": {}}, ("/a/b",)),
        ({"a": {"b": 1}}, {"a": [1]}, ("/a",)),
        ({"a": {}}, {"a": None}, ("/a",)),
        ({"a": None}, {}, ("/a",)),  # null and absent differ
        ({"a": {"b": None}}, {"a": {}}, ("/a/b",)),
        ({"a": True}, {"a": 1}, ("/a",)),  # true is not 1
        ({"a": False}, {"a": 0}, ("/a",)),
        ({"a": [True]}, {"a": [1]}, ("/a/0",)),
        ({"a": "1"}, {"a": 1}, ("/a",)),
        ({"a": "10.00"}, {"a": "10.0"}, ("/a",)),  # text by text: a price's notation is content
        ({"a": ""}, {"a": None}, ("/a",)),
        ({"a/b": 1, "m~n": 1, "": 1}, {"a/b": 2, "m~n": 2, "": 2}, ("/", "/a~1b", "/m~0n")),
        ({"~1": 1}, {"~1": 2}, ("/~01",)),
        ({"a": {"x/y~z": 1}}, {"a": {"x/y~z": 2}}, ("/a/x~1y~0z",)),
    ],
)
def test_diff_points_at_what_differs(before: Document, after: Document, changed: tuple[str, ...]) -> None:
    """One pointer for each value that was added, removed or changed."""
    assert pointers(before, after) == changed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{"a":1}', b'{"a":1.0}'),
        (b'{"a":1}', b'{"a":1e0}'),
        (b'{"a":1.0}', b'{"a":10e-1}'),
        (b'{"a":0}', b'{"a":-0.0}'),
        (b'{"a":[100]}', b'{"a":[1e2]}'),
        (b'{"a":123456789012345678901234567890}', b'{"a":123456789012345678901234567890.0}'),
    ],
)
def test_numbers_are_compared_by_value(before: bytes, after: bytes) -> None:
    """A sender that writes 1.0 today and 1 tomorrow has changed nothing."""
    assert diff(before, after) == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{"a":9007199254740993}', b'{"a":9007199254740992}'),  # one float, two integers
        (b'{"a":0.1}', b'{"a":0.1000000000000000055511151231257827}'),
        (b'{"a":1e400}', b'{"a":1e401}'),
    ],
)
def test_numbers_are_compared_exactly(before: bytes, after: bytes) -> None:
    """No value passes through a binary fraction."""
    assert diff(before, after) == ("/a",)


def by_id(*elements: tuple[int, int]) -> list[Document]:
    """Return array elements as (id, content)."""
    return [{"id": element_id, "n": content} for element_id, content in elements]


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ([1, 2], [1, 2], ()),
        ([1, 2], [1, 3], ("/a/1",)),
        ([1, 2], [2, 1], ("/a/0", "/a/1")),  # order is content
        ([1], [1, 2], ("/a/1",)),
        ([1, 2], [1], ("/a/1",)),
        ([], [1], ("/a/0",)),
        ([[1]], [[2]], ("/a/0/0",)),
        (by_id((1, 1), (2, 2)), by_id((1, 1), (2, 3)), ("/a/1/n",)),
        (by_id((1, 1), (2, 2)), by_id((0, 0), (1, 1), (2, 2)), ("/a/0",)),  # put in front, nothing else moved
        (by_id((1, 1), (2, 2)), by_id((1, 1), (2, 2), (3, 3)), ("/a/2",)),
        (by_id((1, 1), (2, 2), (3, 3)), by_id((1, 1), (3, 3)), ("/a",)),  # an element is removed
        (by_id((1, 1)), [], ("/a",)),
        ([], by_id((1, 1)), ("/a/0",)),
        (by_id((1, 1), (2, 2)), by_id((2, 2), (1, 1)), ("/a",)),  # reordered
        (by_id((1, 1), (2, 2)), by_id((2, 9), (1, 1)), ("/a/0/n", "/a")),
        (by_id((1, 1), (2, 2)), by_id((2, 2)), ("/a",)),
        (by_id((1, 1), (1, 2)), by_id((1, 2), (1, 1)), ("/a/0/n", "/a/1/n")),  # an id twice: by index
        ([{"n": 1}, {"n": 2}], [{"n": 2}], ("/a/0/n", "/a/1")),  # no ids: by index
        ([{"id": "x", "n": 1}], [{"id": "x", "n": 2}], ("/a/0/n",)),
        ([{"id": None}], [{"id": 1}], ("/a/0/id",)),
        ([{"id": {}}], [{"id": []}], ("/a/0/id",)),
        (by_id((1, 1)), [1], ("/a/0",)),
        ([{"id": 1, "b": by_id((5, 5))}], [{"id": 1, "b": by_id((4, 4), (5, 6))}], ("/a/0/b/0", "/a/0/b/1/n")),
    ],
)
def test_arrays_are_matched_by_id_where_every_element_has_one(
    before: list[Any], after: list[Any], changed: tuple[str, ...]
) -> None:
    """A variant inserted in front does not change all that follow; pointers lead into the new document."""
    assert pointers({"a": before}, {"a": after}) == changed


@pytest.mark.parametrize(
    ("before", "after", "volatile", "changed"),
    [
        ({"total": "10.00"}, {"total": "10.00", "updated_at": "later"}, ["updated_at"], ()),
        ({"a": 1, "updated_at": 1}, {"a": 2, "updated_at": 2}, ["updated_at"], ("/a",)),
        ({"a": {"updated_at": 1}}, {"a": {"updated_at": 2}}, ["updated_at"], ("/a/updated_at",)),  # top level only
        ({"a": {"b": 1, "c": 1}}, {"a": {"b": 2, "c": 2}}, ["a.b"], ("/a/c",)),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, ["a.b"], ()),  # no index in the name
        ({"a": by_id((1, 1))}, {"a": by_id((1, 2))}, ["a.n"], ()),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 2}}}, ["a.b"], ()),
        ({"a": {"b": 1}}, {"a": {}}, ["a.b"], ()),
        ({"a": 1}, {}, ["a"], ()),
        ({"ab": 1}, {"ab": 2}, ["a"], ("/ab",)),
    ],
)
def test_volatile_fields_never_count(
    before: Document, after: Document, volatile: list[str], changed: tuple[str, ...]
) -> None:
    """This holds at the top and, with a dotted name, further down."""
    assert pointers(before, after, volatile) == changed


def calls_of_diff(length: int) -> int:
    """Return the number of function calls for comparing two arrays of that many elements, one of them changed."""
    before = document_json({"a": by_id(*[(number, number) for number in range(length)])})
    after = document_json({"a": by_id(*[(number, number) for number in range(1, length)], (0, 99))})
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        changed = diff(before, after)
    finally:
        sys.setprofile(None)
    assert changed == (f"/a/{length - 1}/n", "/a")
    return calls


def test_work_grows_with_the_array_and_not_with_its_square() -> None:
    """Ten thousand elements, all moved by one index, take ten times the calls of a thousand."""
    assert calls_of_diff(10_000) < 11 * calls_of_diff(1_000)


@pytest.mark.parametrize("depth", [100, 600, 900])
def test_deep_nesting_is_named_at_its_top_at_least(depth: int) -> None:
    """Every readable document has a diff; beyond Python's stack the pointer is the top-level field."""
    before, after = (b'{"a":' * depth + number + b"}" * depth for number in (b"1", b"2"))

    (pointer,) = diff(before, after)

    assert ("/a" * depth).startswith(pointer)


def test_deep_nesting_leaves_the_other_fields_exact() -> None:
    """Only the field that is too deep is named as a whole."""
    deep = b'{"a":' * 600 + b"%d" + b"}" * 600
    before, after = (b'{"b":{"c":%d},"deep":' % number + deep % number + b"}" for number in (1, 2))

    assert diff(before, after) == ("/b/c", "/deep")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["id", "a", "b/c", "d~e"]), inner, max_size=4)
        | st.lists(st.fixed_dictionaries({"id": st.integers(0, 3), "n": inner}), max_size=4)
    ),
    max_leaves=12,
)
documents = st.dictionaries(st.sampled_from(["id", "a", "b/c", "d~e"]), json_values, max_size=4)


@given(documents, documents)
def test_nothing_differs_exactly_when_the_documents_are_equal(before: Document, after: Document) -> None:
    """No difference is missed, and none is invented."""
    assert (pointers(before, after) == ()) == equal(before, after)


@given(documents, documents)
@example({"id": [{"id": 1, "n": None}, {"id": 0, "n": [None]}]}, {"id": [{"id": 0, "n": []}]})
def test_pointers_lead_into_the_new_document(before: Document, after: Document) -> None:
    """The target of a pointer is in the new document, or was in the value that the rest of the pointer names there."""
    new = document(document_json(after))

    for pointer in pointers(before, after):
        assert leads_into(new, pointer.rpartition("/")[0])


@given(documents, documents)
def test_a_document_differs_from_another_wherever_it_stands(before: Document, after: Document) -> None:
    """Arrays at the top are compared as texts, those below as values: both must give the same result."""
    below = pointers({"w": before}, {"w": after})

    assert tuple(f"/w{pointer}" for pointer in pointers(before, after)) == below


def equal(left: Any, right: Any) -> bool:
    """Compare JSON values the slow and simple way."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | Decimal) and isinstance(right, int | Decimal):
        return left == right
    return type(left) is type(right) and bool(left == right)


def leads_into(node: Any, pointer: str) -> bool:
    """Say whether a JSON Pointer names a value of a document (RFC 6901, section 4)."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and name in node:
            node = node[name]
        elif isinstance(node, list) and name.isdigit() and int(name) < len(node):
            node = node[int(name)]
        else:
            return False
    return True

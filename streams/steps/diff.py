"""Step 3 of 5: names what differs between two documents, as JSON Pointers (RFC 6901).

Documents come as canonical JSON text (`schemas.codec.document_json`), so a top-level field that did not change is the same
bytes and is never parsed. Numbers are compared by value (`1.0` is `1`), text by text (`"10.00"` is not `"10.0"`), `null` is not
absent, `true` is not `1`. Arrays of objects that all have an `id` are matched by it; order is content.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from schemas.codec import document

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_ABSENT = object()
_PLAIN = frozenset({str, int, bool, Decimal, type(None)})


def diff(before: bytes, after: bytes, volatile: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return a pointer for each value that was added, removed or changed, sorted as in the documents.

    `volatile` holds dotted field names, array indexes left out (`variants.updated_at`), which never count.
    """
    if before == after:
        return ()
    old, new = _fields(before), _fields(after)
    pointers: list[str] = []
    for name in {**old, **new}:
        if name in volatile or old.get(name) == new.get(name):
            continue
        pointers += _compare_field(old, new, name, volatile)
    return tuple(pointers)


def _compare_field(
    old: dict[str, msgspec.Raw], new: dict[str, msgspec.Raw], name: str, volatile: frozenset[str]
) -> list[str]:
    pointer = "/" + _escape(name)
    try:
        return list(_compare(_parsed(old, name), _parsed(new, name), pointer, name, volatile))
    except RecursionError:
        return [pointer]  # nested some 500 deep: true, if less exact, and better than no change event at all


def _parsed(fields: dict[str, msgspec.Raw], name: str) -> Any:
    return document(fields[name]) if name in fields else _ABSENT


def _compare(old: Any, new: Any, pointer: str, name: str, volatile: frozenset[str]) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _compare_objects(old, new, pointer, name, volatile)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _compare_arrays(old, new, pointer, name, volatile)
    elif not _equal_scalars(old, new):
        yield pointer


def _equal_scalars(old: Any, new: Any) -> bool:
    is_number = isinstance(old, int | Decimal) and isinstance(new, int | Decimal)
    if is_number and isinstance(old, bool) == isinstance(new, bool):
        return bool(old == new)
    return type(old) is type(new) and bool(old == new)


def _compare_objects(
    old: dict[str, Any], new: dict[str, Any], pointer: str, name: str, volatile: frozenset[str]
) -> Iterator[str]:
    for key in {**old, **new}:
        previous, current = old.get(key, _ABSENT), new.get(key, _ABSENT)
        if type(previous) is type(current) and type(previous) in _PLAIN and previous == current:
            continue  # most fields of an object are as they were
        dotted = f"{name}.{key}"
        if dotted not in volatile:
            yield from _compare(previous, current, f"{pointer}/{_escape(key)}", dotted, volatile)


def _compare_arrays(old: list[Any], new: list[Any], pointer: str, name: str, volatile: frozenset[str]) -> Iterator[str]:
    old_ids, new_ids = _ids(old), _ids(new)
    if old_ids is None or new_ids is None:
        yield from _compare_by_place(old, new, pointer, name, volatile)
        return
    for element_id, index in new_ids.items():
        previous = old[old_ids[element_id]] if element_id in old_ids else _ABSENT
        yield from _compare(previous, new[index], f"{pointer}/{index}", name, volatile)
    common = [element_id for element_id in new_ids if element_id in old_ids]
    is_reordered = common != [element_id for element_id in old_ids if element_id in new_ids]
    if is_reordered or len(common) < len(old_ids):
        yield pointer  # an element that is gone has no place in the new array, so the array itself is named


def _compare_by_place(
    old: list[Any], new: list[Any], pointer: str, name: str, volatile: frozenset[str]
) -> Iterator[str]:
    for index in range(max(len(old), len(new))):
        previous = old[index] if index < len(old) else _ABSENT
        current = new[index] if index < len(new) else _ABSENT
        yield from _compare(previous, current, f"{pointer}/{index}", name, volatile)


def _ids(elements: list[Any]) -> dict[Any, int] | None:
    """Return id -> place, None unless every element is an object with an id of its own."""
    places: dict[Any, int] = {}
    for index, element in enumerate(elements):
        element_id = element.get("id") if isinstance(element, dict) else None
        if not isinstance(element_id, str | int) or element_id in places:
            return None
        places[element_id] = index
    return places


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")

"""Step 3 of 5: returns the differences between two documents as JSON Pointers (RFC 6901).

Documents are canonical JSON text (`schemas.codec.document_json`). An unchanged top-level field has identical bytes and is
never parsed; of a long array of objects only the changed elements are parsed. Numbers are compared by value (`1.0` is `1`),
text by text (`"10.00"` is not `"10.0"`), `null` is not absent, `true` is not `1`. Arrays of objects that all have an `id` are
matched by it; order is content.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

import msgspec

from schemas.codec import json_value

LONG_BYTES: Final = 4096  # of an array: comparing elements as text pays off only if there are many
_ABSENT = object()
_PLAIN = frozenset({str, int, bool, Decimal, type(None)})
_ID_TYPES = frozenset({str, int, bool})
_Id = str | int
_Indexes = dict[_Id, int]


class _Element(msgspec.Struct):
    id: str | int


_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode
_identified = msgspec.json.Decoder(list[_Element]).decode


def diff(before: bytes, after: bytes, volatile: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return a pointer for each value that was added, removed or changed, in document order.

    `volatile` holds dotted field names without array indexes (`variants.updated_at`), which never count.
    """
    if before == after:
        return ()
    comparison = _Comparison(volatile)
    for name, previous, current in _pairs(_fields(before), _fields(after)):
        if previous != current and name not in volatile:
            comparison.field(previous, current, name)
    return tuple(comparison.pointers)


class _Comparison:
    """Collects pointers. Each method takes two texts or values that may differ, their pointer, and their dotted name."""

    def __init__(self, volatile: frozenset[str]) -> None:
        self.pointers: list[str] = []
        self._volatile = volatile

    def field(self, old: Any, new: Any, name: str) -> None:
        """Compare a field of the documents as text, `_ABSENT` where one lacks it."""
        pointer, known = "/" + _escape(name), len(self.pointers)
        if old is _ABSENT or new is _ABSENT:
            self.pointers.append(pointer)
            return
        try:
            if len(memoryview(old)) < LONG_BYTES or not self._array_texts(old, new, pointer, name):
                self._values(json_value(old), json_value(new), pointer, name)
        except RecursionError:
            # Nested some 500 deep: the whole field is less exact but correct, and better than no change event.
            self.pointers[known:] = [pointer]

    def _array_texts(self, old: msgspec.Raw, new: msgspec.Raw, pointer: str, name: str) -> bool:
        """Compare two arrays as text, parsing the elements that differ; False unless both are arrays of objects with ids."""
        old_ids, new_ids = _ids_in_text(old), _ids_in_text(new)
        if old_ids is None or new_ids is None:
            return False
        old_texts, new_texts = _elements(old), _elements(new)
        for element_id, index in new_ids.items():
            old_index = old_ids.get(element_id)
            if old_index is None:
                self.pointers.append(f"{pointer}/{index}")
            elif old_texts[old_index] != new_texts[index]:
                self._values(json_value(old_texts[old_index]), json_value(new_texts[index]), f"{pointer}/{index}", name)
        self._order(old_ids, new_ids, pointer)
        return True

    def _values(self, old: Any, new: Any, pointer: str, name: str) -> None:
        if isinstance(old, dict) and isinstance(new, dict):
            self._objects(old, new, pointer, name)
        elif isinstance(old, list) and isinstance(new, list):
            self._arrays(old, new, pointer, name)
        elif not _equal_scalars(old, new):
            self.pointers.append(pointer)

    def _objects(self, old: dict[str, Any], new: dict[str, Any], pointer: str, name: str) -> None:
        for key, previous, current in _pairs(old, new):
            if previous is current or (previous == current and type(previous) is type(current) in _PLAIN):
                continue  # most fields of an object are unchanged
            dotted = f"{name}.{key}"
            if dotted not in self._volatile:
                self._values(previous, current, f"{pointer}/{_escape(key)}", dotted)

    def _arrays(self, old: list[Any], new: list[Any], pointer: str, name: str) -> None:
        old_ids, new_ids = _ids(old), _ids(new)
        if old_ids is None or new_ids is None:
            self._by_index(old, new, pointer, name)
            return
        for element_id, index in new_ids.items():
            previous = old[old_ids[element_id]] if element_id in old_ids else _ABSENT
            self._values(previous, new[index], f"{pointer}/{index}", name)
        self._order(old_ids, new_ids, pointer)

    def _order(self, old_ids: _Indexes, new_ids: _Indexes, pointer: str) -> None:
        if [*old_ids] == [*new_ids]:
            return
        common = [element_id for element_id in new_ids if element_id in old_ids]
        is_reordered = common != [element_id for element_id in old_ids if element_id in new_ids]
        if is_reordered or len(common) < len(old_ids):
            # A removed element has no index in the new array, so the pointer names the array itself.
            self.pointers.append(pointer)

    def _by_index(self, old: list[Any], new: list[Any], pointer: str, name: str) -> None:
        for index in range(max(len(old), len(new))):
            previous = old[index] if index < len(old) else _ABSENT
            current = new[index] if index < len(new) else _ABSENT
            self._values(previous, current, f"{pointer}/{index}", name)


def _pairs(old: dict[str, Any], new: dict[str, Any]) -> Iterable[tuple[str, Any, Any]]:
    """Return each field name with its value in both documents, `_ABSENT` where there is none."""
    names = [*old]
    if names == [*new]:  # nearly always, because canonical JSON is sorted
        return zip(names, old.values(), new.values(), strict=True)
    return [(name, old.get(name, _ABSENT), new.get(name, _ABSENT)) for name in {**old, **new}]


def _equal_scalars(old: Any, new: Any) -> bool:
    is_number = isinstance(old, int | Decimal) and isinstance(new, int | Decimal)
    if is_number and isinstance(old, bool) == isinstance(new, bool):
        return bool(old == new)
    return type(old) is type(new) and bool(old == new)


def _ids_in_text(text: msgspec.Raw) -> _Indexes | None:
    """Return `_ids` of an array without parsing its elements; also None if only full parsing can tell."""
    try:
        found = _identified(text)
    except msgspec.ValidationError:
        return None
    indexes = {element.id: index for index, element in enumerate(found)}
    return indexes if len(indexes) == len(found) else None


def _ids(elements: list[Any]) -> _Indexes | None:
    """Return id -> index, None unless every element is an object with a unique id."""
    try:
        indexes = {element["id"]: index for index, element in enumerate(elements)}
    except (TypeError, KeyError):
        return None
    return indexes if len(indexes) == len(elements) and _ID_TYPES.issuperset(map(type, indexes)) else None


def _escape(name: str) -> str:
    return name if name.isidentifier() else name.replace("~", "~0").replace("/", "~1")

"""A change as lines for people: the value before and after at each changed pointer."""

from typing import Any

from console.abridged import cut
from schemas.codec import document as parsed_document
from schemas.codec import document_json
from schemas.records import Document

ABSENT = object()
SHOWN_CHARS = 60  # of one value; --json shows whole documents
SHOWN_LINES = 20  # of one change
TELLING = ("name", "title", "subject", "sku", "price", "total", "total_price", "total_inc_tax", "status", "state")
"""Fields that tell a person which document it is: of a whole one they come first, because only some of its fields are shown."""

Line = tuple[str, str, str]
"""(pointer, before, after), values as JSON text, "" where there is none."""


def lines(change: Document) -> list[Line]:
    """Return the lines of a change: one per changed pointer, or per top-level field of a created or deleted document."""
    before, after = _parsed(change["before"]), _parsed(change["after"])
    if change["changed"]:
        pointers = change["changed"]
    else:
        shown = after if isinstance(after, dict) else before
        fields = shown if isinstance(shown, dict) else {}
        named = sorted(fields, key=lambda name: TELLING.index(name) if name in TELLING else len(TELLING))
        pointers = [f"/{name.replace('~', '~0').replace('/', '~1')}" for name in named]
    found = [_line(pointer, before, after) for pointer in pointers[:SHOWN_LINES]]
    if len(pointers) <= SHOWN_LINES:
        return found
    return [*found, (f"… and {len(pointers) - SHOWN_LINES:,} more", "", "")]


def _line(pointer: str, before: Any, after: Any) -> Line:
    old, new = _pair(pointer, before, after)
    return cut(pointer), _text(old), _text(new)


def _pair(pointer: str, before: Any, after: Any) -> tuple[Any, Any]:
    """Return both values at a pointer. Array indexes refer to `after`; elements with ids are looked up in `before` by id."""
    old, new = before, after
    for escaped in pointer.split("/")[1:]:
        step = escaped.replace("~1", "/").replace("~0", "~")
        old, new = _step_old(step, old, new), _step(step, new)
    return old, new


def _step_old(step: str, old: Any, new: Any) -> Any:
    element = _step(step, new)
    element_id = element.get("id") if isinstance(element, dict) else None
    if isinstance(old, list) and isinstance(element_id, str | int):
        by_id = {other.get("id"): other for other in old if isinstance(other, dict)}
        return by_id.get(element_id, ABSENT) if len(by_id) == len(old) else _step(step, old)
    return _step(step, old)


def _step(step: str, value: Any) -> Any:
    if isinstance(value, dict):
        return value.get(step, ABSENT)
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    return ABSENT


def _parsed(text: str | None) -> Any:
    return ABSENT if text is None else parsed_document(text.encode())


def _text(value: Any) -> str:
    if value is ABSENT:
        return ""
    return cut(document_json(value).decode(), SHOWN_CHARS)


def as_json(record: Document) -> str:
    """Return a decoded record as one line of JSON: times in ISO 8601, documents as objects, all digits kept."""
    documents = {
        name: parsed_document(record[name].encode())
        for name in ("before", "after")
        if isinstance(record.get(name), str)
    }
    return document_json({**record, **documents}).decode()

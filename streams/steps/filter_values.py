"""Looks up the values of a filter's term in a document, and compares them."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from providers.times import any_instant
from schemas.records import Document
from streams.steps.filter_syntax import Term

TAGS = "tags"  # Shopify joins tags into one string; a filter compares them one by one
_NUMBER = re.compile(r"[+-]?(?:\d{1,100}\.?\d{0,100}|\.\d{1,100})", re.ASCII)


def values_at(document: Document, path: tuple[str, ...]) -> list[Any] | None:
    """Return every value at a dotted path, through all arrays on the way; None if the document has no such field.

    Below an empty array or a null the list is empty: the field does not count as missing.
    """
    nodes: list[Any] = [document]
    for name in path:
        elements, has_gap = _elements(nodes)
        nodes = [element[name] for element in elements if isinstance(element, dict) and name in element]
        if not nodes:
            return [] if has_gap else None
    return _elements(nodes)[0]


def _elements(nodes: list[Any]) -> tuple[list[Any], bool]:
    """Return the nodes with every array replaced by its elements, and whether an empty array or a null was among them."""
    elements, has_gap = [], False
    waiting = nodes[::-1]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(reversed(node))
        else:
            elements.append(node)
        has_gap = has_gap or node is None or node == []
    return elements, has_gap


def holds(term: Term, value: Any, now: datetime | None) -> bool | None:
    """Say whether one value matches a term that does not test existence; None if the two cannot be compared."""
    if value is None:
        return False
    return _equals(term, value) if term.comparator == ":" else _compares(term, value, now)


def _equals(term: Term, value: Any) -> bool | None:
    if isinstance(value, str):
        return any(_is_text(term, text) for text in _texts(term, value))
    if term.is_prefix or isinstance(value, dict):
        return None
    if isinstance(value, bool):
        return None if term.value not in {"true", "false"} else value == (term.value == "true")
    return None if term.operand is None else bool(value == term.operand)


def _is_text(term: Term, text: str) -> bool:
    return text.startswith(term.value) if term.is_prefix else text == term.value


def _texts(term: Term, value: str) -> list[str]:
    if term.path[-1] != TAGS:
        return [value]
    return [value, *(keyword.strip() for keyword in value.split(","))]


def _compares(term: Term, value: Any, now: datetime | None) -> bool | None:
    operand: Any = now if term.operand == "now" else term.operand
    subject: Any = any_instant(value) if isinstance(operand, datetime) else _number(value)
    if operand is None or subject is None:
        return None
    match term.comparator:
        case ":<":
            return bool(subject < operand)
        case ":<=":
            return bool(subject <= operand)
        case ":>":
            return bool(subject > operand)
        case _:
            return bool(subject >= operand)


def _number(value: Any) -> int | Decimal | None:
    """Return a number, or the number in a string: amounts of money are sent as strings."""
    if isinstance(value, str):
        return Decimal(value) if _NUMBER.fullmatch(value) else None
    return value if isinstance(value, int | Decimal) and not isinstance(value, bool) else None

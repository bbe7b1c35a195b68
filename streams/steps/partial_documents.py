"""Merges a rendering that leaves fields out into the stored document (docs/semantics.md, "Renderings").

What a rendering leaves out is unknown, not removed. The stored notation of a time stays while the instant is the same: a shop's
webhooks write `2026-01-31T07:00:00-05:00` where a GraphQL query writes `2026-01-31T12:00:00Z`.
"""

from typing import Any

from providers.reading import instant
from schemas import codec
from schemas.records import Snapshot
from streams.steps.children import is_another

_DATE_AND_TIME_CHARS = 19  # `2026-01-31T12:00:00`, the shortest text that is compared as a time


def merged_partial(stored: bytes, shown: bytes, snapshot: Snapshot) -> bytes:
    """Return the stored document with everything that a partial snapshot shows, as canonical JSON text.

    Objects are merged at every depth, elements of arrays by `id`. An array replaces the stored one, except below the fields in
    `snapshot.partial_lists`: there, elements that are not shown stay.
    """
    try:
        document = _merged_fields(codec.document(stored), codec.document(shown), snapshot.partial_lists)
        return codec.document_json(document)
    except RecursionError:
        return shown  # nested some 500 deep: no provider sends that, and it is no reason to fail


def _merged_fields(stored: dict[str, Any], shown: dict[str, Any], partial_lists: frozenset[str]) -> dict[str, Any]:
    merged = dict(stored)
    for name, value in shown.items():
        merged[name] = _merged(stored[name], value, name in partial_lists) if name in stored else value
    return merged


def _merged(stored: Any, shown: Any, is_partial: bool) -> Any:
    if isinstance(stored, dict) and isinstance(shown, dict):
        if is_another(stored, shown):
            return shown
        return stored | {
            name: _merged(stored[name], value, is_partial) if name in stored else value for name, value in shown.items()
        }
    if isinstance(stored, list) and isinstance(shown, list):
        return _merged_list(stored, shown, is_partial)
    return stored if _is_same_instant(stored, shown) else shown


def _merged_list(stored: list[Any], shown: list[Any], is_partial: bool) -> list[Any]:
    known = {element["id"]: element for element in stored if _has_id(element)}
    if not is_partial:
        return [_merged_element(known, element, is_partial) for element in shown]
    if known and not all(_has_id(element) for element in shown):
        return stored  # nothing tells which of the stored elements these are
    if not known:
        return shown or stored
    shown_by_id = {element["id"]: element for element in shown}
    kept = [
        _merged(element, shown_by_id.get(element["id"], element), True) if _has_id(element) else element
        for element in stored
    ]
    return kept + [element for element_id, element in shown_by_id.items() if element_id not in known]


def _merged_element(known: dict[Any, Any], element: Any, is_partial: bool) -> Any:
    if not _has_id(element) or element["id"] not in known:
        return element
    return _merged(known[element["id"]], element, is_partial)


def _has_id(element: Any) -> bool:
    return isinstance(element, dict) and isinstance(element.get("id"), str | int)


def _is_same_instant(stored: Any, shown: Any) -> bool:
    if not (isinstance(stored, str) and isinstance(shown, str)) or stored == shown:
        return False
    if not (_is_dated(stored) and _is_dated(shown)):
        return False
    time = instant(stored)
    return time is not None and time == instant(shown)


def _is_dated(text: str) -> bool:
    return len(text) >= _DATE_AND_TIME_CHARS and text[4] == text[7] == "-" and text[10] == "T" and text[:4].isdigit()

"""Merges a rendering that leaves fields out into the stored document (docs/semantics.md, "Renderings").

What a rendering leaves out is unknown, not removed. In a partial snapshot, which is written anew from another API's names, the
stored notation of a time stays while the instant is the same: a shop's webhooks write `2026-01-31T07:00:00-05:00` where a
GraphQL query writes `2026-01-31T12:00:00Z`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from providers.reading import instant
from schemas import codec
from schemas.records import Snapshot

_DATE_AND_TIME_CHARS = 19  # `2026-01-31T12:00:00`, the shortest text that is compared as a time


_Choose = Callable[[Any, Any], Any]
"""Which of a stored and a shown value stays, where they are not two objects or two arrays."""


def merged(stored: bytes, shown: bytes) -> bytes:
    """Return the shown document plus the stored fields that it lacks, at every depth; elements are matched by `id`."""
    return _merged_text(stored, shown, frozenset(), _shown)


def merged_partial(stored: bytes, shown: bytes, snapshot: Snapshot) -> bytes:
    """Return the stored document with everything that a partial snapshot shows, as canonical JSON text.

    Objects are merged at every depth, elements of arrays by `id`. An array replaces the stored one, except below the fields in
    `snapshot.partial_lists`: there, elements that are not shown stay.
    """
    return _merged_text(stored, shown, snapshot.partial_lists, _in_the_stored_notation)


def _merged_text(stored: bytes, shown: bytes, partial_lists: frozenset[str], choose: _Choose) -> bytes:
    try:
        old, new = codec.document(stored), codec.document(shown)
        fields = {
            name: _merged(old[name], value, choose, name in partial_lists) if name in old else value
            for name, value in new.items()
        }
        return codec.document_json(old | fields)
    except RecursionError:
        return shown  # nested some 500 deep: no provider sends that, and it is no reason to fail


def _merged(stored: Any, shown: Any, choose: _Choose, is_partial: bool) -> Any:
    if isinstance(stored, dict) and isinstance(shown, dict):
        if _is_another(stored, shown):
            return shown
        return stored | {
            name: _merged(stored[name], value, choose, is_partial) if name in stored else value
            for name, value in shown.items()
        }
    if isinstance(stored, list) and isinstance(shown, list):
        return _merged_list(stored, shown, choose, is_partial)
    return choose(stored, shown)


def _merged_list(stored: list[Any], shown: list[Any], choose: _Choose, is_partial: bool) -> list[Any]:
    known = {element["id"]: element for element in stored if _has_id(element)}
    if not is_partial:
        return [
            _merged(known[element["id"]], element, choose, False)
            if _has_id(element) and element["id"] in known
            else element
            for element in shown
        ]
    if known and not all(_has_id(element) for element in shown):
        return stored  # nothing tells which of the stored elements these are
    if not known:
        return shown or stored
    shown_by_id = {element["id"]: element for element in shown}
    kept = [
        _merged(element, shown_by_id.get(element["id"], element), choose, True) if _has_id(element) else element
        for element in stored
    ]
    return kept + [element for element_id, element in shown_by_id.items() if element_id not in known]


def _is_another(stored: Mapping[str, Any], shown: Mapping[str, Any]) -> bool:
    """Say whether two objects in one place are two things: they have different ids. No field of one is a field of the other."""
    return _has_id(stored) and _has_id(shown) and stored["id"] != shown["id"] and str(stored["id"]) != str(shown["id"])


def _has_id(element: Any) -> bool:
    return isinstance(element, dict) and isinstance(element.get("id"), str | int)


def _shown(_stored: Any, shown: Any) -> Any:
    return shown


def _in_the_stored_notation(stored: Any, shown: Any) -> Any:
    """Return the shown value, or the stored one if both are the same instant."""
    if not (isinstance(stored, str) and isinstance(shown, str)) or stored == shown:
        return shown
    if not (_is_dated(stored) and _is_dated(shown)):
        return shown
    time = instant(stored)
    return stored if time is not None and time == instant(shown) else shown


def _is_dated(text: str) -> bool:
    return len(text) >= _DATE_AND_TIME_CHARS and text[4] == text[7] == "-" and text[10] == "T" and text[:4].isdigit()

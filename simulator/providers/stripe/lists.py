"""Lists of the fake Stripe: newest first, in pages that begin after an object or end before one, filtered by creation. Pure.

Source: Stripe's API reference 2026-06-24, "Pagination"; "List pagination" of the second API.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final
from urllib.parse import urlencode

from msgspec import Struct

from schemas.records import Document

MAX_LIMIT: Final = 100
DEFAULT_LIMIT: Final = 10
DEFAULT_LIMIT_V2: Final = 20
_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "gt": lambda left, right: left > right,
    "gte": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "lte": lambda left, right: left <= right,
}


class Missing(Struct, frozen=True):
    """The object that a page should begin after or end before does not exist."""

    parameter: str


def page_of(elements: Sequence[Document], query: Mapping[str, str]) -> Document | Missing:
    """Return a page of the first API; `elements` are in the order of their creation.

    With `ending_before` these are the elements next to that object, still newest first, and `has_more` is about newer ones.
    """
    limit = max(min(int(query.get("limit", DEFAULT_LIMIT)), MAX_LIMIT), 1)
    positions = {element["id"]: position for position, element in enumerate(elements)}
    for parameter in ("starting_after", "ending_before"):
        if parameter in query and query[parameter] not in positions:
            return Missing(parameter)
    if "ending_before" in query:
        newer = (each for each in elements[positions[query["ending_before"]] + 1 :] if _matches(each, query))
        found = list(islice(newer, limit + 1))
        return {"object": "list", "data": found[:limit][::-1], "has_more": len(found) > limit}
    end = positions[query["starting_after"]] if "starting_after" in query else len(elements)
    found = list(islice((each for each in reversed(elements[:end]) if _matches(each, query)), limit + 1))
    return {"object": "list", "data": found[:limit], "has_more": len(found) > limit}


def page_of_v2(elements: Sequence[Document], query: Mapping[str, str], path: str) -> Document:
    """Return a page of the second API, which names the next one by a URL with a text of its own; here it is a position."""
    limit = max(min(int(query.get("limit", DEFAULT_LIMIT_V2)), MAX_LIMIT), 1)
    end = int(query.get("page", len(elements)))
    found = [position for position in reversed(range(end)) if _matches(elements[position], query)][: limit + 1]
    rest = {name: value for name, value in query.items() if name != "page"}
    next_url = f"/{path}?{urlencode(rest | {'page': str(found[limit - 1])})}" if len(found) > limit else None
    data = [elements[position] for position in found[:limit]]
    return {"data": data, "next_page_url": next_url, "previous_page_url": None}


def _matches(element: Document, query: Mapping[str, str]) -> bool:
    types = {value for name, value in query.items() if name.startswith("types[")}
    if types and element.get("type") not in types:
        return False
    created = _seconds(element.get("created", 0))
    bounds = ((name, query.get(f"created[{name}]")) for name in _COMPARISONS)
    return all(bound is None or _COMPARISONS[name](created, _seconds(bound)) for name, bound in bounds)


def _seconds(time: Any) -> float:
    """Return a time of either API, Unix seconds or RFC 3339, in Unix seconds."""
    return datetime.fromisoformat(time).timestamp() if isinstance(time, str) and "T" in time else float(time)

"""Searches of the fake Shopify, with their order and cursors, over the documents of its webhooks. Pure.

A search is what Penstock sends: terms joined by AND, each a field, a comparator and a value. Shopify answers a search for a field
that it does not know as if the term were not there, and takes a time without zone for the shop's own.
Source: Shopify's "API search syntax", read 2026-11.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from schemas.records import Document
from simulator.providers.graphql import Connection, QueryError

SHOP_ZONE: Final = timezone(timedelta(hours=-5))
_TERM: Final = re.compile(r"(\w+):(>=|<=|>|<|)(?:'([^']*)'|([^\s']+))$")
_SORT_KEYS: Final = {"ID": "id", "UPDATED_AT": "updated_at", "CREATED_AT": "created_at"}
_COMPARED: Final = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "": operator.eq}
_TIMES: Final = frozenset({"updated_at", "created_at"})


def found_by(
    documents: Iterable[Document], node: Callable[[Document], Any], arguments: Mapping[str, Any], fields: Sequence[str]
) -> Connection:
    """Return the documents that a search finds, in its order; `fields` are those that can be searched for.

    `QueryError` for a search that cannot be read.
    """
    terms = [_term(text) for text in (arguments.get("query") or "").split(" AND ") if text]
    known = [term for term in terms if term[0] in fields]
    found = [one for one in documents if all(_matches(one, *term) for term in known)]
    field = _SORT_KEYS.get(arguments.get("sortKey") or "ID", "id")

    def key(document: Document) -> list[Any]:
        value = document.get(field)
        return [_instant(str(value)).isoformat() if field in _TIMES else value, document["id"]]

    return Connection(sorted(found, key=key), node, key)


def _term(text: str) -> tuple[str, str, str]:
    found = _TERM.match(text.strip())
    if found is None:
        raise QueryError(f"expected a term of a search, got {text}", "BAD_REQUEST")
    return found[1], found[2], found[3] if found[3] is not None else found[4]


def _matches(document: Document, field: str, comparator: str, value: str) -> bool:
    held: Any = document.get(field)
    if held is None:
        return False
    if field in _TIMES:
        return bool(_COMPARED[comparator](_instant(str(held)), _instant(value)))
    if isinstance(held, int):
        return bool(_COMPARED[comparator](held, int(value)))
    return bool(_COMPARED[comparator](str(held).casefold(), value.casefold()))


def _instant(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=SHOP_ZONE)).astimezone(UTC)

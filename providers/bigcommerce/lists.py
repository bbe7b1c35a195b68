"""What can be listed at BigCommerce, as data, and what the pages of its lists mean. Pure; `listing.py` makes the requests.

Page numbers pass over a resource if one before it leaves the list in between: it is deleted, or, within a window, changed. So
products, categories and orders are walked by their ids, customers by BigCommerce's cursors, and where there are only numbers, a
list that became shorter is read again from as many pages before.
Source: BigCommerce's REST reference (catalog, customers, inventory V3; orders V2), read 2026-11.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from providers.api import Malformed
from providers.bigcommerce.reads import NUMBER, READINGS
from providers.listing import Coverage, Listed, Listing, Page, Window, utc_text
from providers.outline import at
from providers.reading import instant, text_id
from schemas.records import Document

Paging = Literal["id", "cursor", "number"]
SECOND: Final = timedelta(seconds=1)


class List(Struct, frozen=True):
    """One list: its path below the store's address, and how it is walked.

    With the paging `id`, `after` is the parameter with the first id of a page, `is_after_inclusive` if that id is in it.
    `since` and `until` are the parameters of a window, "" for a list that knows no times. `coverage` as in
    `Listing`.
    """

    path: str
    paging: Paging
    query: Mapping[str, str] = {}
    after: str = "id:greater"
    is_after_inclusive: bool = False
    since: str = ""
    until: str = ""
    coverage: Coverage = "complete"


_MODIFIED: Final = ("date_modified:min", "date_modified:max")
LISTS: Final[Mapping[str, List]] = {
    "category": List("/v3/catalog/categories", "id", {"include_fields": "id", "sort": "id"}),
    "customer": List("/v3/customers", "cursor", since=_MODIFIED[0], until=_MODIFIED[1]),
    "customer_address": List("/v3/customers/addresses", "number"),
    "inventory": List("/v3/inventory/items", "number"),
    "location": List("/v3/inventory/locations", "number"),
    # Its order is by id, the lowest first. An order is archived and never gone. `/v2/orders/count` might count what the list does
    # not show, so that a whole list would look short; so no total is told.
    "order": List(
        "/v2/orders",
        "id",
        after="min_id",
        is_after_inclusive=True,
        since="min_date_modified",
        until="max_date_modified",
        coverage="changes",
    ),
    "product": List(
        "/v3/catalog/products",
        "id",
        {"include_fields": "id,date_modified", "sort": "id", "direction": "asc"},
        since=_MODIFIED[0],
        until=_MODIFIED[1],
    ),
}
"""By resource type."""

NOT_LISTED: Final[Mapping[str, str]] = {
    "cart": "BigCommerce has no list of carts",
    "shipment": "listed for one order at a time only",
    "store": "there is one",
}
"""What can be read and not be listed, and why; parts of a product or cart are read with it."""

LISTINGS: Final = tuple(Listing(name, name, each.coverage) for name, each in LISTS.items())


class Position(Struct, frozen=True, omit_defaults=True):
    """Where a page begins: after an id or a provider's cursor, or at the number of a page of `limit` resources.

    `seen` resources were in the pages before; `total` is what the list had when it was last counted.
    """

    after: str = ""
    number: int = 1
    limit: int = 0
    seen: int = 0
    total: int | None = None


def position_of(each: List, cursor: str | None) -> Position | Malformed:
    """Return the position that a cursor of a list names."""
    if cursor is None:
        return Position()
    unknown = Malformed(f"expected a cursor that a page of {each.path} has given; begin the list anew")
    try:
        position = msgspec.json.decode(cursor, type=Position)
    except (msgspec.DecodeError, ValueError):
        return unknown
    is_id = each.paging != "id" or NUMBER.fullmatch(position.after) is not None
    return position if is_id and position.number > 0 and position.limit >= 0 else unknown


def query_of(each: List, window: Window, position: Position, limit: int) -> dict[str, str]:
    """Return the query of a page. Times have their zone: BigCommerce completes a date by the time of day of the request.

    Whether an end belongs to what it limits is not documented, so a second more is asked for at the beginning; `page_of` cuts.
    """
    query = {**each.query, "limit": str(position.limit or limit)}
    if window.since is not None and each.since:
        query |= {each.since: utc_text(window.since - SECOND), each.until: utc_text(window.until)}
    match each.paging:
        case "id" if position.after:
            query[each.after] = str(int(position.after) + 1) if each.is_after_inclusive else position.after
        case "cursor" if position.after:
            query["after"] = position.after
        case "number":
            query["page"] = str(position.number)
    return query


def page_of(resource_type: str, window: Window, position: Position, limit: int, value: Any) -> Page | Malformed:
    """Return what a reply's JSON value says; None stands for no body, an empty list of V2.

    What cannot be understood is `Malformed`, never a shorter page: what a complete list lacks counts as gone.
    """
    each = LISTS[resource_type]
    elements = _elements(each, value)
    if elements is None:
        return Malformed(f"expected an array of objects from {each.path}")
    shown = [one for element in elements for one in _shown(resource_type, element)]
    listed = [one for one in shown if one is not None]
    if len(listed) < len(shown):
        return Malformed(f"expected an id in every element of {each.path}")
    reply = _Reply(value, len(elements), position.limit or limit)
    following = _FOLLOWING[each.paging](each, position, reply, listed)
    if isinstance(following, Malformed):
        return following
    in_window = tuple(one for one in listed if window.has(one.version))
    cursor = None if following is None else msgspec.json.encode(following).decode()
    return Page(in_window, cursor, None if resource_type == "inventory" else reply.total(each, position))


class _Reply(Struct, frozen=True):
    """What a reply says of its list: the number of its elements, and the counts of V3."""

    value: Any
    count: int
    limit: int

    @property
    def is_full(self) -> bool:
        """Say whether a page is as long as a page can be: the limit, or less if BigCommerce says so."""
        per_page = at(self.value, "meta.pagination.per_page")
        return self.count >= (min(per_page, self.limit) if isinstance(per_page, int) and per_page > 0 else self.limit)

    @property
    def counted(self) -> int | None:
        total = at(self.value, "meta.pagination.total")
        return total if isinstance(total, int) else None

    def total(self, each: List, position: Position) -> int | None:
        """Return how many resources the whole list has; after an id BigCommerce counts only those that follow."""
        if self.counted is None:
            return position.total
        return self.counted + (position.seen if each.paging == "id" else 0)


def _elements(each: List, value: Any) -> list[Document] | None:
    is_v2 = each.path.startswith("/v2/")
    elements = ([] if value is None else value) if is_v2 else at(value, "data")
    is_list = isinstance(elements, list) and all(isinstance(element, dict) for element in elements)
    return elements if is_list else None


def _shown(resource_type: str, element: Document) -> Iterator[Listed | None]:
    """Yield what an element shows: one resource, or the stock of a variant at each location; None for one without its id."""
    if resource_type == "inventory":
        yield from _stock(element)
        return
    reading = READINGS[resource_type]
    own_id = text_id(at(element, reading.key))
    version = None if reading.version is None else instant(element.get(reading.version))
    yield None if own_id is None or not NUMBER.fullmatch(own_id) else Listed(resource_type, own_id, version)


def _stock(element: Document) -> Iterator[Listed | None]:
    product_id, variant_id = (text_id(at(element, f"identity.{name}")) for name in ("product_id", "variant_id"))
    locations = element.get("locations")
    for location in locations if isinstance(locations, list) else (None,):
        ids = [part for part in (product_id, variant_id, text_id(at(location, "location_id"))) if part]
        yield Listed("inventory", ":".join(ids)) if len(ids) == len(READINGS["inventory"].names) else None


def _after_id(each: List, position: Position, reply: _Reply, listed: Sequence[Listed]) -> Position | Malformed | None:
    numbers = [int(position.after or 0), *(int(one.resource_id) for one in listed)]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        return Malformed(f"expected the ids of {each.path} to ascend from {numbers[0] + 1}, got others")
    has_more = reply.is_full if reply.counted is None else reply.counted > reply.count
    if not has_more:
        return None
    if not listed:
        return _empty(each)
    return Position(after=str(numbers[-1]), seen=position.seen + len(listed))


def _after_cursor(
    each: List, position: Position, reply: _Reply, listed: Sequence[Listed]
) -> Position | Malformed | None:
    if not listed or not reply.is_full:
        return None
    after = at(reply.value, "meta.cursor_pagination.end_cursor")
    if not isinstance(after, str) or not after or after == position.after:
        return Malformed(f"expected meta.cursor_pagination.end_cursor from {each.path}, and another in each page")
    return Position(after=after, total=reply.total(each, position))


def _after_number(
    each: List, position: Position, reply: _Reply, listed: Sequence[Listed]
) -> Position | Malformed | None:
    """Return the next page's number, or that of an earlier page if the list became shorter: its rest has moved forward."""
    pages, total = at(reply.value, "meta.pagination.total_pages"), reply.counted
    if not isinstance(pages, int) or total is None:
        return Malformed(f"expected meta.pagination from {each.path}")
    lost = (position.total or 0) - total
    if lost > 0 and position.number > 1:
        number = max(position.number - -(-lost // reply.limit), 1)
        return Position(number=number, limit=reply.limit, total=total)
    if position.number >= pages:
        return None
    return Position(number=position.number + 1, limit=reply.limit, total=total) if listed else _empty(each)


def _empty(each: List) -> Malformed:
    return Malformed(f"expected elements in a page of {each.path} before its last")


_FOLLOWING: Final = {"id": _after_id, "cursor": _after_cursor, "number": _after_number}

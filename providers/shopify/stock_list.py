"""The list of Shopify's inventory levels: those of one location after another, for there is no list of all. Pure.

It is walked by Shopify's cursors: a level has no id of its own to walk by. Behind one cursor are at most 25,000 levels.
Source: Shopify's GraphQL Admin API reference 2026-07 (query `locations`, `Location.inventoryLevels`).
"""

from typing import Final

import msgspec
from msgspec import Struct

from providers.api import Malformed
from providers.listing import Listed, Listing, Page, Window
from providers.outline import at
from providers.reading import instant, text_id
from providers.shopify.lists import nodes_of, search_of
from providers.shopify.queries import INVENTORY_LEVEL, Query
from providers.shopify.selections import points
from schemas.records import Document

FIELD: Final = "locations"
RIGHT: Final = "read_inventory, read_locations"


class Place(Struct, frozen=True):
    """Where a page begins: after a location, and at the location that follows it after a level; "" for the beginning."""

    location: str = ""
    level: str = ""


def levels_listing(page_size: int) -> Listing:
    """Return the list as the reconciliation knows it."""
    return Listing(INVENTORY_LEVEL, INVENTORY_LEVEL, "complete", cost=float(points(_text(page_size))))


def levels_query(window: Window, cursor: str | None, page_size: int) -> Query | Malformed:
    """Return the query for a page of one location's levels."""
    place = _place(cursor)
    if place is None:
        return Malformed("expected a cursor that a page of inventory levels has given; begin the list anew")
    search = " AND ".join(search_of(window, "updated_at")) or None
    variables = {"location": place.location or None, "level": place.level or None, "query": search}
    return Query(_text(page_size), variables, ((FIELD,),))


def levels_page(window: Window, cursor: str | None, found: Document) -> Page | Malformed:
    """Return what a reply lists; a shop without locations has no levels."""
    locations, place = nodes_of(found), _place(cursor)
    if locations is None or place is None:
        return Malformed("expected nodes of locations")
    if not locations:
        return Page((), None)
    location = locations[0]
    levels = nodes_of(location.get("inventoryLevels"))
    if levels is None:
        return Malformed("expected nodes of inventoryLevels")
    following = _following(place, found, location)
    listed = [_listed(location, level) for level in levels]
    shown = tuple(one for one in listed if one is not None)
    if isinstance(following, Malformed) or len(shown) < len(listed):
        return Malformed("expected pageInfo, and in every level the ids of its location and item")
    in_window = tuple(one for one in shown if window.has(one.version))
    return Page(in_window, None if following is None else msgspec.json.encode(following).decode())


def _text(page_size: int) -> str:
    page = "pageInfo { hasNextPage endCursor }"
    level = f"nodes {{ updatedAt item {{ legacyResourceId }} }} {page}"
    levels = f"inventoryLevels(first: {page_size}, after: $level, query: $query) {{ {level} }}"
    locations = f"{FIELD}(first: 1, after: $location) {{ nodes {{ legacyResourceId {levels} }} {page} }}"
    return f"query($location: String, $level: String, $query: String) {{ {locations} }}"


def _place(cursor: str | None) -> Place | None:
    try:
        return Place() if cursor is None else msgspec.json.decode(cursor, type=Place)
    except (msgspec.DecodeError, ValueError):
        return None


def _following(place: Place, found: Document, location: Document) -> Place | Malformed | None:
    """Return where the next page begins: at this location's next levels, else at the next location."""
    level, following = _end(location["inventoryLevels"]), _end(found)
    if level is None or following is None:
        return Malformed("expected pageInfo")
    if level:
        return Place(place.location, level)
    return Place(following) if following else None


def _end(connection: Document) -> str | None:
    """Return the cursor of a page that has a next one, "" for the last page; None for what is neither."""
    has_more, end = at(connection, "pageInfo.hasNextPage"), at(connection, "pageInfo.endCursor")
    if has_more is False:
        return ""
    return end if has_more is True and isinstance(end, str) and end else None


def _listed(location: Document, level: Document) -> Listed | None:
    ids = (text_id(at(level, "item.legacyResourceId")), text_id(location.get("legacyResourceId")))
    if not all(ids):
        return None
    return Listed(INVENTORY_LEVEL, ":".join(one for one in ids if one), instant(level.get("updatedAt")))

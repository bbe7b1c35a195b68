"""What can be listed at Shopify, as data, the queries for it, and what their replies mean. Pure; `listing.py` sends them.

Every list is walked by id (`id:>7`), in pages that each are a first page: what changes meanwhile moves nothing, and Shopify's
limit of 25,000 objects behind one cursor is never reached. Deletions are in no list of resources; Shopify keeps events of
products, collections and orders that were deleted for a year.
Source: Shopify's GraphQL Admin API reference 2026-07 (queries `products`, `productVariants`, `customers`, `orders`,
`collections`, `inventoryItems`, `events`), "API search syntax", "API limits".
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct

from providers.api import Malformed
from providers.listing import Coverage, Listed, Listing, Page, Window, utc_text
from providers.outline import at
from providers.reading import instant
from providers.shopify.ids import plain_id
from providers.shopify.queries import Query
from providers.shopify.selections import points
from schemas.records import Document

MAX_PAGE: Final = 250
DELETED: Final = "destroy"
"""The action of an event by which a resource was deleted."""


class List(Struct, frozen=True):
    """One list: the field of the query, the type of what it lists, and the right that it needs.

    `sort_key` is "" for a field without that argument, which lists by id. `subject` is the type of the events' subjects, "" for
    a list of resources. `coverage` and `days` as in `Listing`.
    """

    field: str
    resource_type: str
    right: str
    sort_key: str = "ID"
    subject: str = ""
    coverage: Coverage = "complete"
    days: int | None = None

    @property
    def time(self) -> str:
        """Return the name, in a search, of the time that a window is about."""
        return "created_at" if self.subject else "updated_at"

    def text(self, page_size: int) -> str:
        """Return the query's text."""
        sort = f", sortKey: {self.sort_key}" if self.sort_key else ""
        event = "id action createdAt ... on BasicEvent { subjectId subjectType }"
        node = event if self.subject else "id updatedAt"
        page = f"nodes {{ {node} }} pageInfo {{ hasNextPage }}"
        return f"query($query: String) {{ {self.field}(first: {page_size}{sort}, query: $query) {{ {page} }} }}"


def _deletions(resource_type: str, right: str) -> List:
    subject = resource_type.upper()
    return List("events", resource_type, right, subject=subject, coverage="changes", days=365)


LISTS: Final[Mapping[str, List]] = {
    "collection": List("collections", "collection", "read_products"),
    "customer": List("customers", "customer", "read_customers"),
    "inventory_item": List("inventoryItems", "inventory_item", "read_inventory", sort_key=""),
    # Older ones show with `read_all_orders` only, so one that is absent need not be gone.
    "order": List("orders", "order", "read_orders", coverage="changes", days=60),
    "product": List("products", "product", "read_products"),
    "variant": List("productVariants", "variant", "read_products"),
    "collection_deletions": _deletions("collection", "read_products"),
    "order_deletions": _deletions("order", "read_orders"),
    "product_deletions": _deletions("product", "read_products"),
}
"""By name."""


def listing_of(name: str, page_size: int) -> Listing:
    """Return a list as the reconciliation knows it."""
    each = LISTS[name]
    cost = float(points(each.text(page_size)))
    return Listing(name, each.resource_type, each.coverage, each.days, bool(each.subject), cost=cost)


def query_of(each: List, window: Window, cursor: str | None, page_size: int) -> Query | Malformed:
    """Return the query for a page. Times are quoted and have their zone, as Shopify's search wants them."""
    if cursor is not None and not _is_number(cursor):
        return Malformed(f"expected a cursor that a page of {each.field} has given; begin the list anew")
    terms = [f"subject_type:{each.subject}", f"action:{DELETED}"] if each.subject else []
    terms += search_of(window, each.time)
    terms += [] if cursor is None else [f"id:>{cursor}"]
    return Query(each.text(page_size), {"query": " AND ".join(terms) or None}, ((each.field,),))


def search_of(window: Window, time: str) -> list[str]:
    """Return the terms of a search for a window, none if it has no beginning."""
    if window.since is None:
        return []
    return [f"{time}:>='{utc_text(window.since)}'", f"{time}:<'{utc_text(window.until)}'"]


def page_of(each: List, window: Window, cursor: str | None, found: Document) -> Page | Malformed:
    """Return what a reply's connection lists.

    What cannot be understood is `Malformed`, never a shorter page. Shopify answers a search for a field that it does not know
    with everything; so ids must ascend from the cursor, and what lies outside the window is left out here too.
    """
    nodes, has_more = nodes_of(found), at(found, "pageInfo.hasNextPage")
    if nodes is None or not isinstance(has_more, bool):
        return Malformed(f"expected nodes and pageInfo from {each.field}")
    ids = [plain_id(node.get("id")) or "" for node in nodes]
    if not all(_is_number(one) for one in ids):
        return Malformed(f"expected a gid with a number in every node of {each.field}")
    numbers = [int(cursor or 0), *map(int, ids)]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        return Malformed(f"expected the ids of {each.field} to ascend from {numbers[0] + 1}, got others")
    if has_more and not ids:
        return Malformed(f"expected nodes in a page of {each.field} before its last")
    listed = _deleted(each, window, nodes) if each.subject else _resources(each, window, nodes)
    return listed if isinstance(listed, Malformed) else Page(listed, ids[-1] if has_more else None)


def nodes_of(connection: object) -> list[Document] | None:
    """Return the nodes of a connection, None if it has no list of objects."""
    nodes = at(connection, "nodes")
    return nodes if isinstance(nodes, list) and all(isinstance(node, dict) for node in nodes) else None


def _resources(each: List, window: Window, nodes: Sequence[Document]) -> tuple[Listed, ...]:
    listed = (Listed(each.resource_type, plain_id(node["id"]) or "", instant(node.get("updatedAt"))) for node in nodes)
    return tuple(one for one in listed if window.has(one.version))


def _deleted(each: List, window: Window, nodes: Sequence[Document]) -> tuple[Listed, ...] | Malformed:
    listed = []
    for node in nodes:
        if (node.get("action"), node.get("subjectType")) != (DELETED, each.subject):
            continue
        resource_id, happened = plain_id(node.get("subjectId")), instant(node.get("createdAt"))
        if resource_id is None or happened is None:
            return Malformed("expected subjectId and createdAt in every event of a deletion")
        if window.has(happened):
            listed.append(Listed(each.resource_type, resource_id, is_deleted=True, at=happened))
    return tuple(listed)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20

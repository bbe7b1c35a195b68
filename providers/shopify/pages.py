"""A resource whose long connection is read page by page, as far as it was read. Pure."""

from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from providers.api import Failure, Malformed, NotFound, Unavailable
from providers.outline import at
from providers.shopify.selections import SELECTIONS
from schemas.records import Document

MAX_PAGES: Final = 40  # of one connection: three times the 2,048 variants that a product may have
CHANGED_S: Final = 1.0


class Unfinished(Struct, frozen=True):
    """A resource as far as it was read, with `pages` further pages of its long connection."""

    node: Document
    pages: int = 0

    def cursor(self, resource_type: str) -> str | None:
        """Return where the long connection goes on, None at its end or after too many pages."""
        paged = SELECTIONS[resource_type].paged
        page = at(self.node, f"{paged.field}.pageInfo") if paged else None
        if not isinstance(page, dict) or page.get("hasNextPage") is not True or self.pages >= MAX_PAGES:
            return None
        cursor = page.get("endCursor")
        return cursor if isinstance(cursor, str) else None

    def with_page(self, resource_type: str, page: Document | Failure | None) -> "Unfinished | NotFound | Failure":
        """Return the resource with one page more; pages of two states of a resource do not make one."""
        if page is None:
            return NotFound()
        if not isinstance(page, dict):
            return page
        if page.get("updatedAt") != self.node.get("updatedAt"):
            return Unavailable(f"the {resource_type} changed while its pages were read", CHANGED_S)
        paged = SELECTIONS[resource_type].paged
        connection: Any = page.get(paged.field) if paged else None
        if paged is None or not isinstance(at(connection, "nodes"), list):
            return Malformed(f"expected a page of nodes of a {resource_type}")
        nodes = self.node[paged.field]["nodes"] + connection["nodes"]
        return replace(self, node=self.node | {paged.field: connection | {"nodes": nodes}}, pages=self.pages + 1)

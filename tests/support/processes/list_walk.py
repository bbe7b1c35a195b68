"""Walks a provider's list page by page, as reconciliation does, and lets something happen in between."""

from collections.abc import Callable
from datetime import timedelta

from providers.api import Failure
from providers.listing import Listed, Lister, Listing, Page, Window
from simulator.providers.clock import START

EVERYTHING = Window(None, START + timedelta(days=1))
MAX_PAGES = 1_000


def listing_of(lister: Lister, name: str) -> Listing:
    """Return a list by its name."""
    return next(listing for listing in lister.listings if listing.name == name)


async def pages(
    lister: Lister,
    name: str,
    window: Window = EVERYTHING,
    cursor: str | None = None,
    between: Callable[[int], None] = lambda _: None,
) -> list[Page]:
    """Return all pages from a cursor on; `between` is called after each with its number, from 1."""
    found: list[Page] = []
    while not found or cursor is not None:
        page = await one_page(lister, name, window, cursor)
        assert isinstance(page, Page), page
        found.append(page)
        assert len(found) < MAX_PAGES, "expected the list to end"
        cursor = page.cursor
        between(len(found))
    return found


async def one_page(lister: Lister, name: str, window: Window = EVERYTHING, cursor: str | None = None) -> Page | Failure:
    """Return one page of a list."""
    return await lister.page(listing_of(lister, name), window, cursor)


def listed(found: list[Page]) -> list[Listed]:
    """Return what pages list, in order."""
    return [each for page in found for each in page.listed]


def ids(found: list[Page]) -> list[str]:
    """Return the ids that pages list, in order."""
    return [each.resource_id for each in listed(found)]

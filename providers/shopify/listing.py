"""The lists of one shop, a page for each call: ids and update times of what there is, and what was deleted.

What can be listed, and how a list is walked, is in `lists` and, for inventory levels, in `stock_list`.
"""

from collections.abc import Callable

from msgspec.structs import replace

from providers.api import Failure, Malformed
from providers.http import Connections, Limits
from providers.listing import Listing, Page, Window
from providers.shopify.endpoint import ClientCredentials, Endpoint
from providers.shopify.lists import LISTS, MAX_PAGE, listing_of, page_of, query_of
from providers.shopify.queries import INVENTORY_LEVEL
from providers.shopify.stock_list import levels_listing, levels_page, levels_query


class ShopifyLister:
    """The lists of one shop; a page has at most `page_size` nodes, 250 at most."""

    def __init__(
        self,
        base_url: str,
        token: Callable[[], str] | None = None,
        client_credentials: ClientCredentials | None = None,
        limits: Limits = Limits(),  # noqa: B008  a value
        shared: Connections | None = None,
        page_size: int = MAX_PAGE,
    ) -> None:
        """`base_url` is the shop's, as in https://example.myshopify.com. Either a token is needed or client credentials.

        `token` is called for every request. `BaseUrlError` for a URL to which no token may be sent.
        """
        self._endpoint = Endpoint(base_url, token, client_credentials, limits, shared)
        self._page_size = page_size
        self._listings = (*(listing_of(name, page_size) for name in LISTS), levels_listing(page_size))

    @property
    def listings(self) -> tuple[Listing, ...]:
        """Return the lists that a shop has."""
        return self._listings

    async def page(self, listing: Listing, window: Window, cursor: str | None) -> Page | Failure:
        """Return one page, by one query."""
        each = LISTS.get(listing.name)
        if each is None and listing.name != INVENTORY_LEVEL:
            raise ValueError(f"expected a list of Shopify ({', '.join((*LISTS, INVENTORY_LEVEL))}), got {listing.name}")
        size = self._page_size
        query = query_of(each, window, cursor, size) if each else levels_query(window, cursor, size)
        if isinstance(query, Malformed):
            return query
        reply = await self._endpoint.query(query)
        (found,) = reply.found
        if not isinstance(found, dict):
            return found or Malformed(f"expected a connection in {listing.name}, got null")
        page = page_of(each, window, cursor, found) if each else levels_page(window, cursor, found)
        return page if isinstance(page, Malformed) else replace(page, cost=reply.cost, quota=self._endpoint.quota)

    async def close(self) -> None:
        """Close the connections."""
        await self._endpoint.close()

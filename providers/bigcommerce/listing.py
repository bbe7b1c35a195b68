"""The lists of one BigCommerce store, a page for each call: ids and update times of what there is.

What can be listed, and how a list is walked, is in `lists`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from providers.answers import Answer, json_of
from providers.api import Failure, Malformed, NotFound
from providers.bigcommerce.api import BASE_URL
from providers.bigcommerce.calls import Calls, store_client
from providers.bigcommerce.lists import LISTINGS, LISTS, page_of, position_of, query_of
from providers.bigcommerce.reads import MAX_PAGE, READINGS
from providers.http import Connections, Limits
from providers.listing import Listing, Page, Window

NO_CONTENT: Final = 204  # how V2 answers for an empty list


class BigCommerceLister:
    """The lists of one store. `token` is called for every request; a page has at most `page_size` elements, 250 at most."""

    def __init__(
        self,
        store_hash: str,
        token: Callable[[], str],
        base_url: str = BASE_URL,
        limits: Limits = Limits(),  # noqa: B008  a value
        shared: Connections | None = None,
        page_size: int = MAX_PAGE,
    ) -> None:
        """Connect to nothing yet; `BaseUrlError` for an address that no token may be sent to."""
        self._client = store_client(store_hash, token, base_url, limits, shared)
        self._page_size = page_size

    @property
    def listings(self) -> tuple[Listing, ...]:
        """Return the lists that a store has."""
        return LISTINGS

    async def page(self, listing: Listing, window: Window, cursor: str | None) -> Page | Failure:
        """Return one page, in one request."""
        each = LISTS.get(listing.name)
        if each is None:
            raise ValueError(f"expected a list of BigCommerce ({', '.join(LISTS)}), got {listing.name}")
        position = position_of(each, cursor)
        if isinstance(position, Malformed):
            return position
        calls = Calls(self._client)
        query = query_of(each, window, position, self._page_size)
        value = await _value(calls, each.path, query, READINGS[listing.name].right)
        if isinstance(value, Failure):
            return value
        page = page_of(listing.name, window, position, self._page_size, value)
        return page if isinstance(page, Malformed) else replace(page, quota=calls.quota)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


async def _value(calls: Calls, path: str, query: Mapping[str, str], right: str) -> Any:
    """Return the JSON value of a reply, None for one without a body, or a `Failure`."""
    answer = await calls.get(path, query, right)
    if isinstance(answer, NotFound):
        return Malformed(f"status 404 for the list {path}; is the store's hash right?")
    if not isinstance(answer, Answer):
        return answer
    return None if answer.status == NO_CONTENT else json_of(answer)

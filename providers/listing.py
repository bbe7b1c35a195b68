"""What listing a provider's resources is made of: windows, pages of ids with versions, and deletions. Pure; no network.

A list shows that a resource exists and how new it is; what it holds is read by `providers.api`. So a quiet day costs pages only,
and nothing depends on lists that show less than a read (GitHub's, Shopify's).
"""

from datetime import UTC, datetime
from typing import Literal, Protocol

from msgspec import Struct

from providers.api import Failure, Quota


class Window(Struct, frozen=True):
    """What has changed between two times, `until` excluded; everything if `since` is None.

    The end is fixed before the first page: a resource that changes meanwhile would otherwise move to another page. Providers'
    times are whole seconds, and so are the two ends. A window without `since` may show what came after its end too, and a list
    that knows no times (BigCommerce's categories) shows everything in every window.
    """

    since: datetime | None
    until: datetime

    def has(self, version: datetime | None) -> bool:
        """Say whether a resource of this version belongs to the window; one without a version may."""
        if self.since is None or version is None:
            return True
        return self.since.replace(microsecond=0) <= version < self.until.replace(microsecond=0)


def utc_text(time: datetime) -> str:
    """Return a time for a query: whole seconds, and always with its zone; `ValueError` for one without.

    What a provider makes of a time without zone differs: the shop's own, UTC, or the current time of day.
    """
    if time.tzinfo is None:
        raise ValueError("expected a time with a zone, got one without")
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


class Listed(Struct, frozen=True):
    """One resource in a list. `version` is its update time, None where the list has none.

    `is_deleted`: the provider says that it is gone. `at` is when that, or the event that lists it, happened. `reference` and
    `context` are those of `providers.api.Wanted`. `delivery_id` and `event_type` are those of the delivery that told of it, or
    should have, where the list knows that (Stripe's events): a delivery that was seen was not missed. "" for unknown.
    """

    resource_type: str
    resource_id: str
    version: datetime | None = None
    is_deleted: bool = False
    at: datetime | None = None
    reference: str = ""
    context: str = ""
    delivery_id: str = ""
    event_type: str = ""


class Page(Struct, frozen=True):
    """One page of a list. `cursor` leads to the next one, None after the last. `total` is what the provider counts, if it does.

    `requests`, `cost` and `quota` are as in `providers.api.Reply`. `omitted` counts what the page shows and `listed` leaves out,
    because nothing can read it by its id (a line of an invoice).
    """

    listed: tuple[Listed, ...]
    cursor: str | None
    total: int | None = None
    requests: int = 1
    cost: float = 1.0
    quota: Quota | None = None
    omitted: int = 0


Coverage = Literal["complete", "part", "changes"]
"""What a list without `since` has: all resources, so that one which is absent is gone; all of a part of the account (one of many
repositories), so that absence tells nothing; or changes of a limited time only.

A list is of `changes` too if absence proves nothing: an order that is archived, or too old for the token's rights.
"""


class Listing(Struct, frozen=True):
    """One list that a provider has. `resource_type` is None where one list has several types (Stripe's events).

    `days` is how far back it goes, None for no limit. `has_deletions`: deleted resources are in it. `is_readable`: what the list
    tells is enough to read a resource; if not, the list only shows what was missed. `cost` is what a page costs at most, in the
    quota's unit.
    """

    name: str
    resource_type: str | None
    coverage: Coverage
    days: int | None = None
    has_deletions: bool = False
    is_readable: bool = True
    cost: float = 1.0


class Lister(Protocol):
    """The lists of one account (tenant) at one provider, used by one event loop."""

    @property
    def listings(self) -> tuple[Listing, ...]:
        """Return the lists that this provider has."""

    async def page(self, listing: Listing, window: Window, cursor: str | None) -> Page | Failure:
        """Return the first page, or the one that a cursor leads to; never raises for what the provider or the network does.

        A cursor is text that outlives the process: another worker goes on from it. `ValueError` for a listing of another
        provider.
        """

    async def close(self) -> None:
        """Close the connections."""

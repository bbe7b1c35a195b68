"""One account whose lists are gone through: a page at a time, far below the quota that live deliveries have."""

import asyncio
import time
from typing import Final

import structlog
from msgspec import Struct

from providers.api import Failure, Malformed, Throttled, Unauthorised, Unavailable
from providers.listing import Lister, Listing, Page
from schemas.reconciliation import Walk
from streams.hydrate.budget import Budget
from streams.reconcile.windows import window_of

LEFT_TO_LIVE: Final = 0.5  # reads of live deliveries go down to 20 %: a list waits while these have use for the quota
PAGE_LIMIT_S: Final = 120.0
PAUSES_S: Final = (1.0, 5.0, 15.0, 60.0, 300.0)
"""How long to wait after each failure of a page in a row; the last one for all that follow."""
MOST_FAILURES: Final = 12  # half an hour; the next run begins anew, and nothing of this one counts as complete
MOST_MALFORMED: Final = 3  # what is not understood, or a cursor that is not taken any more

log = structlog.get_logger()


class Paged(Struct, frozen=True):
    """What one request for a page of a list brought."""

    account: str
    listing: str
    run: str
    page: Page | Failure


class Account:
    """Asks for the pages of one account, one at a time, within its budget."""

    def __init__(self, key: str, lister: Lister) -> None:
        self.key = key
        self.lister = lister
        self.asked_s = 0.0
        """When a page was asked for last, in monotonic seconds."""
        self._budget = Budget(LEFT_TO_LIVE)
        self._failures = self._malformed = 0
        self._from_s = 0.0

    def listing(self, name: str) -> Listing | None:
        """Return the list of that name."""
        return next((one for one in self.lister.listings if one.name == name), None)

    @property
    def has_log(self) -> bool:
        """Say whether one of the lists is a log of all changes, of any type."""
        return any(one.resource_type is None and one.coverage == "changes" for one in self.lister.listings)

    def may_ask(self, listing: Listing, now_s: float) -> bool:
        """Say whether the budget allows a page of a list now, and the last failure was long enough ago."""
        return now_s >= self._from_s and self._budget.wait_s(listing.cost, now_s) <= 0

    async def page(self, listing: Listing, walk: Walk) -> Paged:
        """Ask for the next page of a walk."""
        self.asked_s = time.monotonic()
        self._budget.started(listing.cost)
        page = await self._page(listing, walk)
        if isinstance(page, Page):
            self._budget.ended(listing.cost, page.quota, time.monotonic())
            self._failures = self._malformed = 0
        else:
            self._failed(page, listing.cost)
        return Paged(self.key, listing.name, walk.task.asked.run, page)

    @property
    def has_given_up(self) -> bool:
        """Say whether so many pages in a row failed that the walk ends."""
        return self._failures >= MOST_FAILURES or self._malformed >= MOST_MALFORMED

    def begin_anew(self) -> None:
        """Forget failures: another walk begins."""
        self._failures = self._malformed = 0

    async def close(self) -> None:
        """Close the connections."""
        await self.lister.close()

    async def _page(self, listing: Listing, walk: Walk) -> Page | Failure:
        try:
            return await asyncio.wait_for(self.lister.page(listing, window_of(walk), walk.cursor), PAGE_LIMIT_S)
        except TimeoutError:
            return Unavailable(f"no answer within {PAGE_LIMIT_S:.0f} s")
        except Exception as error:  # noqa: BLE001 - a fault in a lister must not end all other accounts
            log.error("listing_broke_the_code", account=self.key, listing=listing.name, error=type(error).__name__)
            return Malformed(f"internal error: {type(error).__name__}")

    def _failed(self, failure: Failure, cost: float) -> None:
        self._malformed += isinstance(failure, Malformed)
        now_s = time.monotonic()
        if isinstance(failure, Throttled):  # it is not the list's fault, and passes
            self._budget.failed(cost, None, now_s, failure.retry_in_s)
            return
        self._failures += 1
        asked_s = failure.retry_in_s if isinstance(failure, Unavailable) else None
        pause_s = max(PAUSES_S[min(self._failures, len(PAUSES_S)) - 1], asked_s or 0.0)
        self._budget.failed(cost, None, now_s, pause_s)
        self._from_s = now_s + pause_s
        kind = "refused" if isinstance(failure, Unauthorised) else "failed"
        log.warning("listing_failed", account=self.key, kind=kind, detail=failure.detail, retry_in_s=pause_s)

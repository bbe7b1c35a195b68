"""Tasks, walks and lists for the tests of reconciliation."""

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from providers.listing import Listed, Listing, Page
from schemas.reconciliation import Asked, Progress, Task
from streams.reconcile.comparison import Stored
from streams.reconcile.walks import Lookup
from streams.reconcile.windows import Rules, begun

NOW_US = 1_764_000_000_000_000
DAY_US = 86_400 * 1_000_000
RUN = Asked("run-1", "reconcile", "shop", NOW_US, "ann")
LIST = Listing("product", "product", "complete")


def _nothing(_key: str) -> Stored | None:
    return None


UNKNOWN: Lookup = _nothing


def task(**fields: Any) -> Task:
    """Return a task to go through the products of a store."""
    return Task(replace(RUN, **fields), "bigcommerce", "s1", "product")


def progress(**fields: Any) -> Progress:
    """Return the progress of that list."""
    return replace(Progress("bigcommerce|shop|s1", "product"), **fields)


def walk(known: Progress | None = None, listing: Listing = LIST, **fields: Any) -> Any:
    """Return a walk that begins now."""
    return begun(task(**fields), listing, known or progress(), NOW_US, Rules())


def listed(number: int, at_s: int | None = 0, **fields: Any) -> Listed:
    """Return a listed product, whose version is so many seconds before now."""
    version = None if at_s is None else datetime.fromtimestamp(NOW_US / 1e6 - at_s, UTC)
    return replace(Listed("product", str(number), version), **fields)


def page(*resources: Listed, cursor: str | None = None, total: int | None = None) -> Page:
    """Return a page."""
    return Page(resources, cursor, total)

"""Decides what part of a list a run goes through. Pure."""

from datetime import UTC, datetime, time, timedelta
from typing import Final

from msgspec import Struct

from providers.listing import Listing, Window
from schemas.codec import EPOCH, us_time
from schemas.reconciliation import Progress, Task, Walk

OVERLAP_US: Final = 600 * 1_000_000  # clocks differ, and an index behind a list may lag by minutes
DAY_US: Final = 86_400 * 1_000_000


class Rules(Struct, frozen=True):
    """How often everything is listed, in days: only that shows what is gone where a list has no deletions."""

    complete_every_days: int = 7


def begun(
    task: Task, listing: Listing, progress: Progress, now_us: int, rules: Rules, *, is_logged: bool = False
) -> Walk:
    """Return a list to go through: from ten minutes before the last run that left nothing out, else everything."""
    asked, watermark_us = task.asked, progress.watermark_us
    since_us = asked.since_us
    if since_us is None and asked.kind == "reconcile" and not _is_complete_due(task, listing, progress, now_us, rules):
        since_us = None if watermark_us is None else watermark_us - OVERLAP_US
    is_gap_free = since_us is None or (watermark_us is not None and since_us <= watermark_us)
    return Walk(
        task,
        listing.resource_type,
        now_us,
        since_us,
        now_us,
        is_complete=since_us is None and listing.coverage == "complete",
        is_gap_free=is_gap_free,
        is_first=watermark_us is None,
        is_readable=listing.is_readable,
        is_logged=is_logged,
        beyond_us=_beyond_us(listing, since_us, now_us),
        detail="" if listing.is_readable else "the list shows what was missed, and too little to read it",
    )


def window_of(walk: Walk) -> Window:
    """Return the window of a walk's pages."""
    return Window(us_time(walk.since_us), us_time(walk.until_us) or EPOCH)


def due_us(daily_at: time, last_us: int, now: datetime) -> int | None:
    """Return when a daily run was due that has not been since `last_us`, None if none was."""
    today = datetime.combine(now.astimezone(UTC).date(), daily_at, UTC)
    latest = today if today <= now else today - timedelta(days=1)
    latest_us = round(latest.timestamp() * 1e6)
    return latest_us if latest_us > last_us else None


def _is_complete_due(task: Task, listing: Listing, progress: Progress, now_us: int, rules: Rules) -> bool:
    if task.asked.is_complete:
        return True
    if listing.coverage != "complete" or listing.has_deletions:
        return False
    last_us = progress.complete_us
    return last_us is None or now_us - last_us >= rules.complete_every_days * DAY_US - OVERLAP_US


def _beyond_us(listing: Listing, since_us: int | None, until_us: int) -> int | None:
    """Return the time before which the provider's list shows nothing of what was to be looked at, None if it shows all."""
    if listing.days is None:
        return None
    earliest_us = until_us - listing.days * DAY_US
    return earliest_us if since_us is None or since_us < earliest_us else None

"""Where a run begins, and when a daily one is due."""

from datetime import UTC, datetime, time, timedelta

import pytest

from providers.listing import Listing
from streams.reconcile.windows import OVERLAP_US, due_us, window_of
from tests.unit.streams.reconcile.builders import DAY_US, LIST, NOW_US, progress, walk

EVENTS = Listing("events", None, "changes", days=30, has_deletions=True)
KNOWN = progress(watermark_us=NOW_US - DAY_US, complete_us=NOW_US - DAY_US)


def test_first_run_lists_everything() -> None:
    """Nothing is known to be complete before it, so it is no alarm what it finds."""
    first = walk()

    assert (first.since_us, first.until_us, first.is_complete, first.is_first) == (None, NOW_US, True, True)
    assert window_of(first).since is None


def test_next_run_begins_ten_minutes_before_the_last() -> None:
    """Its end is fixed."""
    again = walk(KNOWN)

    assert (again.since_us, again.until_us) == (NOW_US - DAY_US - OVERLAP_US, NOW_US)
    assert (again.is_complete, again.is_gap_free, again.is_first) == (False, True, False)


@pytest.mark.parametrize(
    ("known", "listing", "fields", "is_complete"),
    [
        (progress(watermark_us=NOW_US - DAY_US, complete_us=NOW_US - 7 * DAY_US), LIST, {}, True),
        (progress(watermark_us=NOW_US - DAY_US, complete_us=NOW_US - 6 * DAY_US), LIST, {}, False),
        (KNOWN, LIST, {"is_complete": True}, True),
        (KNOWN, LIST, {"kind": "backfill"}, True),
        (KNOWN, LIST, {"since_us": NOW_US - 1}, False),
        (progress(watermark_us=NOW_US - DAY_US), EVENTS, {}, False),  # has its deletions
    ],
)
def test_everything_is_listed_every_seventh_day(
    known: object, listing: Listing, fields: dict[str, object], is_complete: bool
) -> None:
    """Only a complete list shows what is gone; a person may ask for it."""
    assert walk(known, listing, **fields).is_complete is is_complete  # type: ignore[arg-type]  # a table of cases


@pytest.mark.parametrize(("since_us", "is_gap_free"), [(NOW_US - 2 * DAY_US, True), (NOW_US - 1, False)])
def test_run_that_begins_later_than_the_last_leaves_a_gap(since_us: int, is_gap_free: bool) -> None:
    """Then the next one begins where it would have without it."""
    assert walk(KNOWN, since_us=since_us).is_gap_free is is_gap_free


@pytest.mark.parametrize(("days", "beyond"), [(29, None), (40, NOW_US - 30 * DAY_US)])
def test_what_lies_beyond_the_provider_s_window_is_said(days: int, beyond: int | None) -> None:
    """Stripe's events go back 30 days."""
    assert walk(progress(watermark_us=NOW_US - days * DAY_US), EVENTS).beyond_us == beyond


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        ("2026-11-02T02:00", "2026-11-02T02:59", None),
        ("2026-11-02T02:00", "2026-11-02T03:00", "2026-11-02T03:00"),
        ("2026-11-02T03:00", "2026-11-02T23:59", None),
        ("2026-11-02T03:00", "2026-11-03T03:01", "2026-11-03T03:00"),
        ("2026-10-02T03:00", "2026-11-03T01:00", "2026-11-02T03:00"),  # once, however long nothing ran
    ],
)
def test_daily_run_is_due_once(last: str, now: str, due: str | None) -> None:
    """At its time of day, or when a worker runs again."""
    found = due_us(time(3), _us(last), datetime.fromisoformat(now).replace(tzinfo=UTC))

    assert found == (None if due is None else _us(due))


def _us(text: str) -> int:
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        microseconds=1
    )

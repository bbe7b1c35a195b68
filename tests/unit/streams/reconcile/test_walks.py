"""Pages, reads and the end of a walk."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from providers.listing import Listed, Page
from schemas.fetches import NO_DELIVERY, FetchRequest
from schemas.reconciliation import Decided, Progress, Walk, decode_progress, encode, request_run
from streams.reconcile.comparison import Stored
from streams.reconcile.walks import (
    READS_LIMIT_US,
    Absent,
    after_absences,
    after_decided,
    after_page,
    ended,
    is_alarming,
    is_done,
    is_short,
    moved_on,
)
from tests.unit.streams.reconcile.builders import DAY_US, LIST, NOW_US, UNKNOWN, listed, page, progress, walk

KEY = "bigcommerce|shop|s1|product|"


def paged(before: Walk, page: Page, stored: dict[str, Stored] | None = None) -> tuple[Walk, list[FetchRequest]]:
    """Return a walk behind a page."""
    return after_page(before, page, (stored or {}).get, lambda _: False, NOW_US)


def test_page_asks_for_what_is_newer_or_unknown() -> None:
    """With a request behind all live ones, that answers no delivery and names its run."""
    stored = {f"{KEY}1": Stored(NOW_US - 9_000_000), f"{KEY}2": Stored(NOW_US - 50_000_000)}
    after, requests = paged(walk(), page(listed(1, 9), listed(2, 9), listed(3, 60), cursor="c"), stored)

    assert [request.resource_id for request in requests] == ["2", "3"]
    assert {(one.priority, one.answers, one.origin, one.run) for one in requests} == {
        (2, NO_DELIVERY, "reconcile", request_run("run-1", "product"))
    }
    assert (after.cursor, after.pages, after.looked_at, after.missed, after.asks) == ("c", 1, 3, 2, 2)
    assert (after.missed_from_us, after.missed_to_us) == (NOW_US - 60_000_000, NOW_US - 9_000_000)
    assert not after.is_listed


def test_dry_run_asks_for_nothing() -> None:
    """It says what it would have read."""
    after, requests = paged(walk(is_dry=True), page(listed(1)))

    assert (after.missed, after.asks, requests) == (1, 0, [])
    assert moved_on(progress(), after).watermark_us is None


def test_backfill_reads_all_but_what_is_deleted() -> None:
    """Also what is stored as the list shows it: the pipeline drops what is equal."""
    stored = {f"{KEY}1": Stored(NOW_US)}
    _, requests = paged(walk(kind="backfill"), page(listed(1, 9), listed(2, 9, is_deleted=True)), stored)

    assert [(one.resource_id, one.origin) for one in requests] == [("1", "backfill")]


def test_log_of_events_asks_once_for_a_resource() -> None:
    """However often a page shows it, and the pages before."""
    events = page(listed(1, 9), listed(1, 3), listed(2, 5))
    _, requests = after_page(walk(), events, UNKNOWN, lambda key: key == f"{KEY}2", NOW_US)

    assert [(one.resource_id, one.told_us) for one in requests] == [("1", NOW_US - 3_000_000)]


def test_list_with_fewer_resources_than_counted_is_not_complete() -> None:
    """So the next run begins where this one did, and nothing counts as gone."""
    after, _ = paged(walk(), page(listed(1), total=3))

    assert is_short(after)
    assert moved_on(progress(watermark_us=5), after).watermark_us == 5


def test_watermark_moves_at_the_end_of_a_list_alone() -> None:
    """To the start of the run, not its end."""
    known = progress(watermark_us=NOW_US - DAY_US, complete_us=NOW_US - DAY_US)
    after, _ = paged(walk(known), page(listed(1)))
    moved = moved_on(known, replace(after, started_us=NOW_US - 5))

    assert (moved.watermark_us, moved.complete_us) == (NOW_US - 5, NOW_US - DAY_US)
    assert moved_on(known, walk(known, since_us=NOW_US - 1)).watermark_us == NOW_US - DAY_US
    assert moved_on(known, walk(known, kind="backfill")).watermark_us == NOW_US - DAY_US


def test_absent_resources_are_looked_for_by_id() -> None:
    """Unless they are so many that a person is asked."""
    few, requests = after_absences(walk(), Absent(2, 100, ("8", "9")), NOW_US)
    many, none = after_absences(walk(), Absent(60, 100, (), "60 of 100?"), NOW_US)

    assert ([one.resource_id for one in requests], few.asks, few.absent) == (["8", "9"], 2, 2)
    assert (none, many.asks) == ([], 0)
    report = ended(progress(walk=many), "complete", "", NOW_US).last
    assert report is not None
    assert (report.asked, report.question) == (60, "60 of 100?")


def test_report_waits_for_the_reads() -> None:
    """Each is counted by what it changed; after some hours the report says how many are still waited for."""
    after, _ = paged(walk(), page(*(listed(number) for number in range(5))))
    known = progress(walk=after)
    for decided in (_decided("1", "u"), _decided("2", "r"), _decided("3", "d"), _decided("4", None, is_read=False)):
        known = after_decided(known, decided)
    assert known.walk is not None
    assert not is_done(known.walk, NOW_US)
    assert is_done(known.walk, NOW_US + READS_LIMIT_US + 1)
    known = ended(known, "complete", "", NOW_US)
    known = after_decided(known, _decided("0", "u"))  # late

    report = known.last
    assert report is not None
    assert (report.repaired, report.deleted, report.unread, report.waiting) == (3, 1, 1, 0)


def test_read_of_another_run_counts_for_none() -> None:
    """Such as one that was asked for before a restart with another configuration."""
    known = progress(walk=walk())

    assert after_decided(known, replace(_decided("1", "u"), run=request_run("other", "product"))) == known


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"repaired": 1}, True),
        ({"deleted": 1}, True),
        ({}, False),
        ({"repaired": 1, "is_first": True}, False),
        ({"repaired": 1, "kind": "backfill"}, False),
    ],
)
def test_alarm_is_for_changes_that_no_webhook_told_of(fields: dict[str, object], expected: bool) -> None:
    """Not for what was stored late, as before the first run."""
    report = ended(progress(walk=walk(progress(watermark_us=1))), "complete", "", NOW_US).last
    assert report is not None

    assert is_alarming(replace(report, **fields)) is expected


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 99)), max_size=5), min_size=1, max_size=6), st.data()
)
def test_killed_at_any_page_it_asks_for_the_same(shown: list[list[tuple[int, int]]], data: st.DataObject) -> None:
    """Progress that is written and read between any two pages leads to the same requests, each once."""
    pages = [
        page(*(listed(number, age) for number, age in one), cursor=None if last else str(index))
        for index, one in enumerate(shown)
        for last in (index == len(shown) - 1,)
    ]
    whole = _walked(pages, lambda known: known)
    killed = _walked(pages, lambda known: decode_progress(encode(known)) if data.draw(st.booleans()) else known)

    assert killed == whole
    asked = [request.resource_id for request in whole[1]]
    assert len(asked) == len(set(asked))
    assert set(asked) == {str(number) for one in shown for number, _ in one}


def _walked(pages: Iterable[Page], between: object) -> tuple[Walk, list[FetchRequest]]:
    known: Progress = progress(walk=walk())
    requests, keys = list[FetchRequest](), set[str]()
    for one in pages:
        assert known.walk is not None
        after, more = after_page(known.walk, one, UNKNOWN, keys.__contains__, NOW_US)
        requests += more
        keys |= {request.resource_key for request in more}
        known = between(replace(known, walk=after))  # type: ignore[operator]  # a function
    assert known.walk is not None
    return known.walk, requests


def _decided(resource_id: str, op: object, *, is_read: bool = True) -> Decided:
    return Decided(request_run("run-1", "product"), f"{KEY}{resource_id}", op, None, is_read)  # type: ignore[arg-type]


def test_deleted_resource_in_a_list_is_read_too() -> None:
    """The read confirms that it is gone, and says so to the pipeline."""
    stored = {f"{KEY}1": Stored(NOW_US - 9)}
    _, requests = paged(walk(), page(Listed("product", "1", is_deleted=True)), stored)

    assert [one.resource_id for one in requests] == ["1"]


def test_list_that_cannot_be_read_only_counts() -> None:
    """A comment at GitHub is in a list, and its issue, which it shares a partition with, is in no reply."""
    unreadable = walk(listing=replace(LIST, is_readable=False))
    after, requests = paged(unreadable, page(listed(1)))

    assert (after.missed, after.asks, requests) == (1, 0, [])
    assert "too little to read it" in after.detail

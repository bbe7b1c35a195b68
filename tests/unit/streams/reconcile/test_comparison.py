"""What a list shows against what is stored."""

import pytest

from schemas.records import LatestState
from streams.reconcile.comparison import Stored, is_absent, is_missed, stored_of
from tests.unit.streams.reconcile.builders import NOW_US, listed


@pytest.mark.parametrize(
    ("shown", "stored", "expected"),
    [
        (listed(7), None, True),  # unknown
        (listed(7, is_deleted=True), None, False),  # nothing to delete
        (listed(7, at_s=10), Stored(NOW_US - 20_000_000), True),  # newer
        (listed(7, at_s=10), Stored(NOW_US - 10_000_000), False),  # the same
        (listed(7, at_s=30), Stored(NOW_US - 20_000_000), False),  # the list lags behind
        (listed(7, at_s=None), Stored(NOW_US), True),  # the list has no times: it cannot be told
        (listed(7), Stored(None), True),  # what is stored has none
        (listed(7, at_s=30), Stored(NOW_US, is_whole=False), True),  # only named so far
        (listed(7, is_deleted=True), Stored(NOW_US), True),
        (listed(7, is_deleted=True), Stored(NOW_US, is_deleted=True), False),
        (listed(7, at_s=30), Stored(NOW_US, is_deleted=True), False),  # a list that still shows what was deleted
        (listed(7, at_s=0), Stored(NOW_US - 1, is_deleted=True), True),  # it came back
    ],
)
def test_only_what_is_newer_or_unknown_is_read(shown: object, stored: Stored | None, expected: bool) -> None:
    """A quiet day costs pages alone, and a list that lags behind brings nothing old."""
    assert is_missed(shown, stored) is expected  # type: ignore[arg-type]  # a table of cases


def test_event_time_counts_where_there_is_no_version() -> None:
    """And a document that a delivery only names is not whole."""
    assert stored_of(LatestState(5, 9, b"", b"{}")) == Stored(5)
    assert stored_of(LatestState(None, 9, b"", b"{}", shown_by="reference")) == Stored(9, is_whole=False)
    assert stored_of(LatestState(None, 9, b"", None, is_deleted=True)).is_deleted


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (Stored(NOW_US - 1), True),
        (Stored(NOW_US), False),  # created while the list was gone through
        (Stored(None), False),
        (Stored(NOW_US - 1, is_deleted=True), False),
    ],
)
def test_absent_is_what_lives_and_is_older_than_the_list(stored: Stored, expected: bool) -> None:
    """What is stored later was never to be listed."""
    assert is_absent(stored, NOW_US) is expected


def test_list_without_times_beside_a_log_shows_what_is_unknown() -> None:
    """Stripe's objects have no update time: reading all of them every week would cost more than what is missed."""
    assert not is_missed(listed(7, at_s=None), Stored(NOW_US), is_logged=True)
    assert is_missed(listed(7, at_s=None), None, is_logged=True)

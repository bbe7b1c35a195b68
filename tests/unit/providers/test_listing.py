"""Tests for providers/listing.py: windows and the times of queries."""

from datetime import datetime, timedelta, timezone

import pytest

from providers.listing import Window, utc_text
from simulator.providers.clock import START


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-1, False),
        (0, True),
        (9, True),
        (10, False),
        (11, False),
        (None, True),
    ],  # without a version it may belong to it
)
def test_window_has_its_beginning_and_not_its_end(seconds: int | None, expected: bool) -> None:
    """In whole seconds, as providers' times are; else a change in the window's last second would be in neither of two."""
    window = Window(START + timedelta(milliseconds=900), START + timedelta(seconds=10, milliseconds=100))

    assert window.has(None if seconds is None else START + timedelta(seconds=seconds)) is expected


def test_window_without_beginning_has_everything() -> None:
    """Also what changed after its end: a complete list must show that it exists."""
    assert Window(None, START).has(START + timedelta(days=1))


def test_times_of_queries_have_a_zone() -> None:
    """Whatever the zone of the time is; one without is refused."""
    assert utc_text(datetime(2026, 11, 2, 10, 0, 0, 999, timezone(timedelta(hours=1)))) == "2026-11-02T09:00:00Z"
    with pytest.raises(ValueError, match="expected a time with a zone"):
        utc_text(datetime(2026, 11, 2))  # noqa: DTZ001  the mistake

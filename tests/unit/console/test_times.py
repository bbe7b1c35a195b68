"""Times as people write them."""

from datetime import UTC, datetime, timedelta

import pytest

from console.errors import Misused
from console.times import past_moment

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(("text", "expected"), [
    ("90s", NOW - timedelta(seconds=90)),
    ("30m", NOW - timedelta(minutes=30)),
    ("2h", NOW - timedelta(hours=2)),
    ("3d", NOW - timedelta(days=3)),
    ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
    ("2026-11-20T10:00:00", datetime(2026, 11, 20, 10, tzinfo=UTC)),
    ("2026-11-20T10:00:00+02:00", datetime(2026, 11, 20, 8, tzinfo=UTC)),
])  # fmt: skip
def test_moment(text: str, expected: datetime) -> None:
    """A duration ago, or a time; without a zone it is UTC."""
    assert past_moment(text, NOW, "--since") == expected


@pytest.mark.parametrize("text", ["", "yesterday", "-2h", "2w", "2026-13-01", "999999d", "0001-01-01T00:00:00+02:00"])
def test_what_is_no_time_says_what_is(text: str) -> None:
    """The message has the option's name."""
    with pytest.raises(Misused, match="--since: expected 30m, 2h, 3d or a time"):
        past_moment(text, NOW, "--since")


def test_the_future_has_no_deliveries() -> None:
    """A mistyped date is an error, not an empty result."""
    with pytest.raises(
        Misused, match=r"--since: expected a time in the past, got 2026-11-21T12:00:01Z; it is 12:00:00Z now"
    ):
        past_moment("2026-11-21T13:00:01+01:00", NOW, "--since")

"""Times as written on the command line."""

import re
from datetime import UTC, datetime, timedelta

from console.errors import Misused

_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_ago = re.compile(r"(\d{1,6})([smhd])").fullmatch


def past_moment(text: str, now: datetime, option: str) -> datetime:
    """Return the time in UTC that a text means: a time ago (`30m`, `2h`, `3d`), or ISO 8601; without a zone it is UTC."""
    try:
        time = _time(text, now)
    except (ValueError, OverflowError) as error:
        raise Misused(f"{option}: expected 30m, 2h, 3d or a time such as 2026-11-21T10:00:00Z, got {text!r}") from error
    if time > now:
        raise Misused(
            f"{option}: expected a time in the past, got {time:%Y-%m-%dT%H:%M:%SZ}; it is {now:%H:%M:%SZ} now"
        )
    return time


def _time(text: str, now: datetime) -> datetime:
    ago = _ago(text)
    if ago is not None:
        return now - int(ago[1]) * _UNITS[ago[2]]
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)

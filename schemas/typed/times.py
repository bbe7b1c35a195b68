"""Times: RFC 3339 text to microseconds with an offset, and back."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from msgspec import Struct

from schemas.codec import time_us
from schemas.typed.primitives import MAX_CACHED, SOME, long

# Six digits of a second at most: more do not fit timestamp-micros. `datetime.fromisoformat` alone accepts weeks and cuts digits.
_RFC_3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
).fullmatch
_MAX_CHARACTERS: Final = 32  # of a time that matches; the cache never sees anything longer
_FIRST_S, _LAST_S = -62_135_596_800, 253_402_300_799  # years 1 to 9999: readers make a datetime of it

ONE_MINUTE: Final = timedelta(minutes=1)


class Moment(Struct, frozen=True):
    """One time: its piece in a union with null, and its offset in minutes, None for Z.

    `is_exact`: `time_text` gives back the text as it was written.
    """

    piece: bytes
    utc_offset: int | None
    is_exact: bool


def moment(value: object) -> Moment | None:
    """Return the time that a text spells; None if it is no text, no time of RFC 3339, or finer than a microsecond."""
    return _moment(value) if type(value) is str and len(value) <= _MAX_CHARACTERS else None


@lru_cache(MAX_CACHED)  # the children of a document share its times; parsing takes 3 us
def _moment(text: str) -> Moment | None:
    if _RFC_3339(text) is None:
        return None
    try:
        local = datetime.fromisoformat(text.upper())  # RFC 3339 allows t and z, Python does not
        time = local.astimezone(UTC)
    except (ValueError, OverflowError):  # 30 February; the year 0
        return None
    offset = None if text[-1] in "Zz" else _minutes(local)
    return Moment(SOME + long(time_us(time) or 0), offset, time_text(time, offset) == text)


def _minutes(local: datetime) -> int:
    offset = local.utcoffset()
    return 0 if offset is None else offset // ONE_MINUTE


def time_text(time: datetime, utc_offset: int | None) -> str:
    """Return a time, aware UTC, as RFC 3339 with an offset in minutes or Z; three or six digits of a second if they matter."""
    shown = time.replace(tzinfo=None) if utc_offset is None else time.replace(tzinfo=None) + utc_offset * ONE_MINUTE
    text = shown.isoformat(timespec=_timespec(shown.microsecond))
    if utc_offset is None:
        return f"{text}Z"
    hours, minutes = divmod(abs(utc_offset), 60)
    return f"{text}{'-' if utc_offset < 0 else '+'}{hours:02}:{minutes:02}"


def _timespec(microsecond: int) -> str:
    if not microsecond:
        return "seconds"
    return "microseconds" if microsecond % 1000 else "milliseconds"


def seconds_piece(value: object) -> bytes | None:
    """Return Unix seconds as the piece of a timestamp in a union with null; None if they are none, or beyond the year 9999."""
    if type(value) is not int or not _FIRST_S <= value <= _LAST_S:
        return None
    return SOME + long(value * 1_000_000)

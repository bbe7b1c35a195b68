"""Reads times in the notations that senders use. No input makes these functions raise, and long input costs nothing.

Text: RFC 3339 and ISO 8601, also with a space, `UTC` or `+0000` (Ruby, Go, Java), and RFC 2822; without a zone it is UTC.
Numbers, also as text: seconds, milliseconds, microseconds or nanoseconds since 1970. From 1990 to 2100 (nanoseconds from 2001)
the four do not overlap, so the size of a number tells its unit, and ids and amounts are seldom taken for times.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from email.utils import parsedate_to_datetime
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST: Final = datetime(1970, 1, 2, tzinfo=UTC)  # in no zone the first day of 1970, the zero of Unix time
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
MAX_TIME_CHARS: Final = 64  # Go's notation with its monotonic clock, the longest in use, takes about 60
UNREAD_TIME: Final = "time not read at "
"""How a note about an unreadable time begins, by which `penstock check --online` finds them in outcomes."""

_MONTHS: Final = frozenset(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
_MICROSECOND: Final = Decimal("0.000001")
_MAX_S: Final = 253_402_300_799  # 9999-12-31, the last second `datetime` can hold
_EARLIEST_S: Final = 631_152_000  # 1990-01-01
_LATEST_S: Final = int(LATEST.timestamp())
_UNITS: Final = (
    (_EARLIEST_S, _LATEST_S, 1),
    (_EARLIEST_S * 1_000, _LATEST_S * 1_000, 1_000),
    (_EARLIEST_S * 1_000_000, _LATEST_S * 1_000_000, 1_000_000),
    (
        1_000_000_000 * 1_000_000_000,
        _LATEST_S * 1_000_000_000,
        1_000_000_000,
    ),  # from 2001: 18 digits are more often an id
)
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z]+")
# After an offset an abbreviation, a zone's name in brackets (RFC 9557) and Go's monotonic clock add nothing.
_WRITTEN: Final = re.compile(
    r"(?:(\d{4})-(\d\d)-(\d\d)|(\d{4})(\d\d)(\d\d)(?=[T ]))"
    r"(?:[T ](\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?)?"
    r" ?(?:(?:Z|UTC|GMT)|([+-])(\d\d)(?::?(\d\d))?(?: (?:[A-Z]{1,5}|[+-]\d\d(?:\d\d)?))?)?(?:\[[^\[\]]+\])?(?: m=[+-][\d.]+)?)?",
    re.ASCII | re.IGNORECASE,
)


def instant(value: object) -> datetime | None:
    """Return a provider's value as an aware UTC time, None if it is not a time from 1970 to 2100, as a number from 1990.

    Other dates stand for "none" and "never" (`0001-01-01`, the first day of 1970, `9999-12-31`): as a version they would order
    wrongly.
    """
    if isinstance(value, str):
        time = _of_text(value)
        return time if time is not None and EARLIEST <= time < LATEST else None
    return _of_number(value)


def any_instant(value: object) -> datetime | None:
    """Return a value as an aware UTC time, None if it is not a time; a date in text may be of any year."""
    return _of_text(value) if isinstance(value, str) else _of_number(value)


def of_unix_seconds(text: str) -> datetime | None:
    """Return the time of a signature's timestamp: digits, always seconds, of any year; None for anything else."""
    is_time = text.isascii() and text.isdigit() and len(text) <= 12 and int(text) <= _MAX_S
    return EPOCH + timedelta(seconds=int(text)) if is_time else None


def newest_at(document: object, path: str) -> tuple[datetime | None, bool]:
    """Return the newest time at a dotted path, through all arrays on the way, and whether a value there is not a time.

    Null counts as no value.
    """
    shown = _values(document, path)
    times = [instant(value) for value in shown]
    return max((time for time in times if time is not None), default=None), None in times


def first_instant(document: dict[str, object], names: Sequence[str]) -> tuple[datetime | None, str]:
    """Return the first time in these fields; without any, None and the first field whose value cannot be read, "" if none is.

    A flag or an object under such a name is no time, and none was meant.
    """
    unread = ""
    for name in names:
        value = document.get(name)
        if value is not None:
            time = instant(value)
            if time is not None:
                return time, ""
            if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
                unread = unread or name
    return None, unread


def unread_time(path: str) -> str:
    """Return the note for an outcome's detail that the value at a path is not a time. It never shows the value."""
    return (
        f"{UNREAD_TIME}{path}: expected RFC 3339, RFC 2822 or a Unix time (seconds to nanoseconds), up to the year 2100; "
        "ordered by the event's time, if there is one, else by arrival"
    )


def _values(document: object, path: str) -> list[object]:
    nodes: list[object] = [document]
    for name in path.split("."):
        nodes = [node[name] for node in _flat(nodes) if isinstance(node, dict) and name in node]
    return [value for value in _flat(nodes) if value is not None]


def _flat(nodes: Iterable[object]) -> list[object]:
    flat: list[object] = []
    for node in nodes:
        if isinstance(node, list):
            flat += node  # a path cannot name a field of an array in an array
        else:
            flat.append(node)
    return flat


def _of_number(value: object) -> datetime | None:
    if isinstance(value, int):
        return None if isinstance(value, bool) else _of_integer(value)
    return _of_decimal(Decimal(value)) if isinstance(value, Decimal | float) else None


def _of_integer(number: int) -> datetime | None:
    if _EARLIEST_S <= number < _LATEST_S:
        return EPOCH + timedelta(seconds=number)
    for low, high, per_second in _UNITS:
        if low <= number < high:
            return EPOCH + timedelta(microseconds=number * 1_000_000 // per_second)
    return None


def _of_decimal(number: Decimal) -> datetime | None:
    """Return the time of a fractional number; what is finer than a microsecond is cut off, so that order is kept."""
    if not number.is_finite() or not 0 <= number.adjusted() < 20:
        return None
    for low, high, per_second in _UNITS:
        if low <= number < high:
            exact = int(number.quantize(_MICROSECOND, ROUND_DOWN).scaleb(6))
            return EPOCH + timedelta(microseconds=exact // per_second)
    return None


def _of_text(text: str) -> datetime | None:
    if len(text) > MAX_TIME_CHARS:
        return None
    # The form that nearly all senders write, in a tenth of the time. `fromisoformat` alone would also read digits without any
    # separator, in which it finds a date, and hours with a fraction.
    if text[16:17] == ":" and text[10] in "T " and text[4] == "-":
        try:
            return _in_utc(datetime.fromisoformat(text[:-4] + "Z" if text[-4:] == " UTC" else text))
        except (ValueError, OverflowError):
            return _of_rarer_text(text.strip())
    return _of_rarer_text(text.strip())


def _of_rarer_text(text: str) -> datetime | None:
    if _NUMBER.fullmatch(text):
        return _of_decimal(Decimal(text))
    written = _WRITTEN.fullmatch(text)
    try:
        return _of_mail_date(text) if written is None else _of_groups(written)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _of_groups(written: re.Match[str]) -> datetime | None:
    """Return the time in a match of `_WRITTEN`: also 24:00 and a leap second, which count as the next day and second."""
    year, month, day = (int(written[group] or written[group + 3]) for group in (1, 2, 3))
    hour, minute, second = (int(written[group] or 0) for group in (7, 8, 9))
    microsecond = int((written[10] or "")[:6].ljust(6, "0"))
    if minute > 59 or second > 60 or hour > 24 or (hour == 24 and (minute or second or microsecond)):
        return None
    shift_hours, shift_minutes = int(written[12] or 0), int(written[13] or 0)
    if shift_hours > 23 or shift_minutes > 59:
        return None
    shift = timedelta(hours=shift_hours, minutes=shift_minutes)
    local = timedelta(hours=hour, minutes=minute, seconds=second, microseconds=microsecond)
    return datetime(year, month, day, tzinfo=UTC) + local + (shift if written[11] == "-" else -shift)


def _of_mail_date(text: str) -> datetime | None:
    """Return the time of an RFC 2822 date. The standard library takes a zone that it does not know for UTC; that is no time."""
    if ":" not in text:
        return None
    time = parsedate_to_datetime(text)
    if time.tzinfo is None and "-0000" not in text:
        words = _WORD.findall(text)
        if not words or words[-1][:3].lower() not in _MONTHS:
            return None
    return _in_utc(time)


def _in_utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)

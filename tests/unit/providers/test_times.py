"""Times in the notations that senders use: every one means the same instant, and nothing else is taken for a time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from providers.times import (
    EARLIEST,
    EPOCH,
    LATEST,
    MAX_TIME_CHARS,
    any_instant,
    first_instant,
    instant,
    newest_at,
    of_unix_seconds,
    unread_time,
)

NINE = datetime(2026, 1, 31, 12, 0, 9, tzinfo=UTC)


def _microseconds(time: datetime) -> int:
    return (time - EPOCH) // timedelta(microseconds=1)


def _shifted(time: datetime, hours: float, pattern: str) -> str:
    return time.astimezone(timezone(timedelta(hours=hours))).strftime(pattern)


NOTATIONS: dict[str, Callable[[datetime], Any]] = {
    "RFC 3339": lambda time: time.isoformat().replace("+00:00", "Z"),
    "lower case": lambda time: time.isoformat().replace("+00:00", "z").replace("T", "t"),
    "offset": lambda time: _shifted(time, 5.75, "%Y-%m-%dT%H:%M:%S.%f+05:45"),
    "offset without colon": lambda time: _shifted(time, -8, "%Y-%m-%dT%H:%M:%S.%f-0800"),
    "nanoseconds written": lambda time: time.strftime("%Y-%m-%dT%H:%M:%S.%f000Z"),
    "comma": lambda time: time.strftime("%Y-%m-%dT%H:%M:%S,%fZ"),
    "basic": lambda time: time.strftime("%Y%m%dT%H%M%S.%fZ"),
    "Rails": lambda time: time.strftime("%Y-%m-%d %H:%M:%S.%f UTC"),
    "Ruby": lambda time: _shifted(time, 1, "%Y-%m-%d %H:%M:%S.%f +0100"),
    "Go": lambda time: time.strftime("%Y-%m-%d %H:%M:%S.%f123 +0000 UTC m=+12345.678901234"),
    "Java": lambda time: _shifted(time, 1, "%Y-%m-%dT%H:%M:%S.%f+01:00[Europe/Paris]"),
    "without zone": lambda time: time.strftime("%Y-%m-%dT%H:%M:%S.%f"),
    "SQL": lambda time: time.strftime("%Y-%m-%d %H:%M:%S.%f"),
    "blanks around": lambda time: f" {time.isoformat()}\n",
    "seconds": lambda time: Decimal(_microseconds(time)).scaleb(-6),
    "seconds with exponent": lambda time: Decimal(f"{Decimal(_microseconds(time)).scaleb(-6):.16E}"),
    "seconds as text": lambda time: str(Decimal(_microseconds(time)).scaleb(-6)),
    "milliseconds": lambda time: Decimal(_microseconds(time)).scaleb(-3),
    "milliseconds as text": lambda time: str(Decimal(_microseconds(time)).scaleb(-3)),
    "microseconds": _microseconds,
    "microseconds as text": lambda time: str(_microseconds(time)),
}
"""Each writes a time without loss, down to the microsecond."""

WHOLE: dict[str, Callable[[datetime], Any]] = {
    "seconds": lambda time: _microseconds(time) // 1_000_000,
    "seconds as text": lambda time: str(_microseconds(time) // 1_000_000),
    "milliseconds": lambda time: _microseconds(time) // 1_000,
    "milliseconds as text": lambda time: str(_microseconds(time) // 1_000),
    "RFC 3339": lambda time: time.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "Rails": lambda time: time.strftime("%Y-%m-%d %H:%M:%S UTC"),
    "RFC 2822": format_datetime,
    "HTTP": lambda time: format_datetime(time, usegmt=True),
    "RFC 2822 with an offset": lambda time: format_datetime(time.astimezone(timezone(timedelta(hours=-5)))),
    "date(1)": lambda time: time.strftime("%a %b %d %H:%M:%S UTC %Y"),
    "Twitter": lambda time: time.strftime("%a %b %d %H:%M:%S +0000 %Y"),
}
"""Each writes a time whose microseconds are zero."""

times = st.datetimes(datetime(1990, 1, 1), datetime(2099, 12, 31, 23, 59), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
any_notation = st.sampled_from(sorted(NOTATIONS))


@given(time=times, notation=any_notation)
@example(datetime(1990, 1, 1, tzinfo=UTC), "seconds")
@example(EARLIEST, "RFC 3339")
@example(LATEST - timedelta(microseconds=1), "milliseconds as text")
def test_every_notation_means_the_same_instant(time: datetime, notation: str) -> None:
    """Written and read again, a time is itself, to the microsecond and in UTC."""
    read = instant(NOTATIONS[notation](time))

    assert read == time
    assert read is not None
    assert read.tzinfo is UTC


@given(time=times, notation=st.sampled_from(sorted(WHOLE)))
def test_notations_of_whole_seconds_mean_the_same_instant(time: datetime, notation: str) -> None:
    """Those that have no fractions."""
    assert instant(WHOLE[notation](time.replace(microsecond=0))) == time.replace(microsecond=0)


@given(earlier=times, later=times, notation=any_notation, other=any_notation)
def test_order_is_kept_across_notations(earlier: datetime, later: datetime, notation: str, other: str) -> None:
    """A sender that changes its notation does not turn its deliveries round."""
    first, second = sorted((earlier, later))
    read = instant(NOTATIONS[notation](first)), instant(NOTATIONS[other](second))

    assert None not in read
    assert (read[0] == read[1]) == (first == second)
    assert read[0] <= read[1]  # type: ignore[operator]  # neither is None


@given(st.integers(10**18, 4_102_444_799_999_999_999), st.booleans())
def test_nanoseconds_are_cut_to_microseconds(nanoseconds: int, is_text: bool) -> None:
    """From 2001 on: shorter numbers are ids."""
    assert instant(str(nanoseconds) if is_text else nanoseconds) == EPOCH + timedelta(microseconds=nanoseconds // 1000)


@given(
    seconds=st.integers(631_152_000, 4_102_444_799),
    fractions=st.tuples(*2 * [st.text("0123456789", min_size=1, max_size=40)]),
    notation=st.sampled_from(["text", "number", "number as text"]),
)
def test_fractions_of_any_length_keep_the_order(seconds: int, fractions: tuple[str, str], notation: str) -> None:
    """What is finer than a microsecond is cut off, never rounded to a later one."""
    written = [f"{seconds}.{fraction}" for fraction in fractions]
    dated = (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    shown: dict[str, list[Any]] = {
        "text": [f"{dated}.{fraction}Z" for fraction in fractions],
        "number": [Decimal(text) for text in written],
        "number as text": list(written),
    }
    read = [instant(value) for value in shown[notation]]

    assert read == [
        EPOCH + timedelta(seconds=seconds, microseconds=int(fraction[:6].ljust(6, "0"))) for fraction in fractions
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        (
            "1985-07-13T01:55:12-04:00",
            datetime(1985, 7, 13, 5, 55, 12, tzinfo=UTC),
        ),  # a metaobject of Shopify's samples
        ("2026-01-31T12:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T24:00:00Z", datetime(2026, 2, 1, tzinfo=UTC)),
        ("2026-12-31T23:59:60Z", datetime(2027, 1, 1, tzinfo=UTC)),  # a leap second
        ("2026-01-31T12:00:09-00:00", NINE),
        ("Sat, 31 Jan 2026 12:00:09 -0000", NINE),
        ("Sat, 31 Jan 2026 07:00:09 EST", NINE),
        ("31 Jan 2026 12:00:09 +0000 (UTC)", NINE),
    ],
)
def test_rarer_forms(text: str, expected: datetime) -> None:
    """As the standards allow them."""
    assert instant(text) == expected


@pytest.mark.parametrize(
    "value",
    [
        "20260131",  # digits alone are a number, and this one is an id
        20260131,
        "20260131120009",
        1999,
        4_102_444_800,
        631_151_999,
        788032119674292922,  # Shopify's sample product
        12345678901234567890,
        -1769860809,
        "-1769860809",
        "1.769860809e9",
        "１７６９８６０８０９",  # noqa: RUF001 - digits of another script
        0,
        True,
        False,
        None,
        "",
        " ",
        "12:00:09",
        "now",
        "in_1769860809x",
        "2026-01-31x12:00:09",
        "2026-01-31T12.5Z",
        "2026-01-31T25:00:00Z",
        "2026-02-30T12:00:00Z",
        "2026-01-31T12:00:09+24:00",
        "2026-01-31 12:00:09 PST",  # which Pacific, standard or China's?
        "Sat, 31 Jan 2026 12:00:09 CEST",  # the standard library takes it for UTC
        "Sat Jan 31 2026 12:00:09 GMT+0100 (CET)",
        "01/31/2026 12:00:09",
        "0001-01-01T00:00:00Z",  # Go's zero
        "1970-01-01T00:00:00Z",
        "1970-01-01T12:00:00-08:00",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-23:00",
        Decimal("NaN"),
        Decimal("Infinity"),
        Decimal("1E+999999"),
        Decimal("1E-999999"),
        {"seconds": 1769860809},
        [1769860809],
    ],
)
def test_anything_else_is_no_time(value: object) -> None:
    """Ids, amounts, flags, dates that mean none or never, and notations of which the zone is a guess."""
    assert instant(value) is None


_notation = st.sampled_from([*NOTATIONS.values(), *WHOLE.values()])
_pieces = st.lists(
    st.sampled_from(["2026", "-", "01", "31", "T", " ", ":", "12", ".", "Z", "+", "[", "Jan", "m=", "9" * 20, "UTC"])
)
_anything = st.one_of(
    st.text(),
    _pieces.map("".join),
    st.integers(),
    st.decimals(),
    st.floats(),
    st.builds(lambda time, write, cut: str(write(time))[:cut], times, _notation, st.integers(0, 60)),
    st.from_regex(r"[A-Z][a-z]{2}, \d{1,25} [A-Z][a-z]{2} \d{1,25} \d{1,6}:\d\d:\d\d [+-]\d{1,9}"),
)


@given(_anything)
def test_nothing_makes_it_raise(value: object) -> None:
    """Any value is a time of the plausible years or none, and an other year only of a date in text."""
    time, wide = instant(value), any_instant(value)

    assert time is None or (time.tzinfo is UTC and EARLIEST <= time < LATEST)
    assert wide == time or (time is None and isinstance(value, str) and wide is not None and wide.tzinfo is UTC)


@pytest.mark.parametrize(
    "long", ["9" * 10**6, "2026-01-31T12:00:09." + "1" * 10**6 + "Z", "Jan " * 10**6 + ":", " " * 10**6]
)
def test_long_text_is_not_looked_at(long: str) -> None:
    """Beyond the longest notation nothing is parsed."""
    assert len(long) > MAX_TIME_CHARS
    assert instant(long) is None


def test_filters_read_dates_of_any_year() -> None:
    """A date of birth is compared with one, though it is no update time."""
    assert any_instant("1965-02-03") == datetime(1965, 2, 3, tzinfo=UTC)


def test_timestamp_of_a_signature_is_in_seconds() -> None:
    """Its unit is fixed by the scheme, so its size does not tell."""
    assert of_unix_seconds("1769860809") == NINE
    assert of_unix_seconds("7") == EPOCH + timedelta(seconds=7)
    assert [of_unix_seconds(text) for text in ("", "1769860809000", "999999999999", "-1", "1.5", "\u0667")] == [
        None
    ] * 6


@pytest.mark.parametrize(
    ("document", "path", "expected"),
    [
        ({"a": {"at": "2026-01-31T12:00:09Z"}}, "a.at", (NINE, False)),
        ({"commits": [{"at": 1769860800}, {"at": 1769860809}]}, "commits.at", (NINE, False)),
        ({"commits": [{"at": [1769860809, 1769860800]}, {}, 7]}, "commits.at", (NINE, False)),
        ({"commits": [{"at": 1769860809}, {"at": "soon"}]}, "commits.at", (NINE, True)),
        ({"commits": []}, "commits.at", (None, False)),
        ({"at": None}, "at", (None, False)),
        ({"at": "soon"}, "at", (None, True)),
        ({"at": {}}, "at", (None, True)),
        ({"a": "text"}, "a.at", (None, False)),
        ({}, "a.at", (None, False)),
        (None, "at", (None, False)),
    ],
)
def test_path_through_arrays_means_the_newest(
    document: object, path: str, expected: tuple[datetime | None, bool]
) -> None:
    """Null and absent are no value; anything else that is not a time is told."""
    assert newest_at(document, path) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"b": 1769860809}, (NINE, "")),
        ({"a": "soon", "b": 1769860809}, (NINE, "")),
        ({"a": "soon", "b": "later"}, (None, "a")),
        ({"a": True, "b": {"at": 1}}, (None, "")),  # flags and objects mean something else
        ({"a": None}, (None, "")),
        ({}, (None, "")),
    ],
)
def test_first_time_of_several_fields(document: dict[str, object], expected: tuple[datetime | None, str]) -> None:
    """Fields that are usually times, in order."""
    assert first_instant(document, ("a", "b")) == expected


def test_note_names_path_and_what_was_expected() -> None:
    """What came is content, and stays out of logs and outcomes."""
    assert unread_time("data.updated_at").startswith(
        "time not read at data.updated_at: expected RFC 3339, RFC 2822 or a Unix"
    )

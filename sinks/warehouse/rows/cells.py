"""From JSON values to cells: what a column of each kind holds, or None for a value that does not fit it.

A value that does not fit stays in the row's `_extra`, so nothing is lost and no row is refused for its type.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Literal

from schemas.codec import document_json
from schemas.typed.columns import Kind

SqlType = Literal["boolean", "integer", "bigint", "text", "timestamp", "decimal", "json", "bytes"]

_LONG: Final = range(-(2**63), 2**63)
_SCALE: Final = 9
_WHOLE_DIGITS: Final = 38 - _SCALE
_NUMBER: Final = re.compile(r"-?[0-9]{1,60}(\.[0-9]{1,60})?")  # Decimal takes 1_000, blanks and Arabic digits too
_SECONDS: Final = range(-62_135_596_800, 253_402_300_800)  # the years 1 to 9999

SQL_TYPES: Final[Mapping[Kind, SqlType]] = {
    "boolean": "boolean",
    "long": "bigint",
    "string": "text",
    "time": "timestamp",
    "seconds": "timestamp",
    "decimal": "decimal",
    "number": "decimal",
    "json": "json",
}


def boolean_cell(value: Any) -> bool | None:
    """Return a JSON boolean."""
    return value if isinstance(value, bool) else None


def long_cell(value: Any) -> int | None:
    """Return an integer of 64 bits."""
    return value if type(value) is int and value in _LONG else None


def string_cell(value: Any) -> str | None:
    """Return a text."""
    return value if isinstance(value, str) else None


def time_cell(value: Any) -> datetime | None:
    """Return the time that a text of RFC 3339 names; without an offset it names none."""
    if not isinstance(value, str) or len(value) < len("2026-01-01T00:00:00Z"):
        return None
    try:
        time = datetime.fromisoformat(value.upper())  # RFC 3339 allows t and z, Python does not
        return time.astimezone(UTC) if time.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def seconds_cell(value: Any) -> datetime | None:
    """Return the time that a number of Unix seconds names."""
    return datetime.fromtimestamp(value, UTC) if type(value) is int and value in _SECONDS else None


def decimal_cell(value: Any) -> Decimal | None:
    """Return the number that a text such as "12.50" spells."""
    is_number = isinstance(value, str) and _NUMBER.fullmatch(value) is not None
    return _fitting(Decimal(value)) if is_number else None


def number_cell(value: Any) -> Decimal | None:
    """Return a JSON number."""
    if type(value) is int or isinstance(value, Decimal):
        return _fitting(Decimal(value))
    return None


def json_cell(value: Any) -> str:
    """Return any JSON value as text."""
    return document_json(value).decode()


CELLS: Final[Mapping[Kind, Callable[[Any], Any]]] = {
    "boolean": boolean_cell,
    "long": long_cell,
    "string": string_cell,
    "time": time_cell,
    "seconds": seconds_cell,
    "decimal": decimal_cell,
    "number": number_cell,
    "json": json_cell,
}


def _fitting(number: Decimal) -> Decimal | None:
    """Return a number that decimal(38, 9) holds exactly."""
    if not number.is_finite():
        return None
    if number.adjusted() >= _WHOLE_DIGITS:
        return None
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -_SCALE:
        return number
    short = number.normalize()  # 1.5000000000 has ten decimals and needs one
    exponent = short.as_tuple().exponent
    return short if isinstance(exponent, int) and exponent >= -_SCALE else None

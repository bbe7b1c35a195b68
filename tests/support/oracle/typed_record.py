"""The record of a document for fastavro's own writer, made plainly from the rules of decision 0020.

It shares no code with `schemas/typed/encode.py`: times are `datetime`, amounts `Decimal`, and fastavro converts them.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

from schemas.codec import document_json
from schemas.records import Document
from schemas.typed.columns import ColumnTable

WIDE = 100  # digits: no computation of this module rounds
TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
DECIMAL = r"-?[0-9]+(\.[0-9]{1,9})?"
Z = "Z"

Fitting = tuple[Any, bool] | None
"""A value for the column and whether reading it back gives the original; None for a misfit."""


def record(document: Document, table: ColumnTable) -> Document:
    """Return the record of a document."""
    columns = {column.name: column.kind for column in table.columns}
    made: Document = dict.fromkeys(columns)
    beside: Document = {}
    misfits = []
    offset = _first_offset(document, columns)
    for name, kind in columns.items():
        if document.get(name) is None:
            continue
        fitting = _time(document[name], offset) if kind == "time" else FITTING[kind](document[name])
        if fitting is None:
            misfits.append(name)
        else:
            made[name] = fitting[0]
        if fitting is None or not fitting[1]:
            beside[name] = document[name]
    unknown = sorted(document.keys() - columns)
    beside |= {name: document[name] for name in unknown if document[name] is not None}
    nulls = [name for name in columns if name in document and document[name] is None]
    return {
        **made,
        "_extra": {name: document_json(value).decode() for name, value in beside.items()},
        "_nulls": nulls + [name for name in unknown if document[name] is None],
        "_misfits": misfits,
        "_utc_offset": None if offset in (None, Z) else offset,
    }


def _first_offset(document: Document, columns: Mapping[str, str]) -> int | str | None:
    for name, kind in columns.items():
        read = _read_time(document.get(name)) if kind == "time" else None
        if read is not None:
            return read[1]
    return None


def _read_time(value: Any) -> tuple[datetime, int | str] | None:
    if not isinstance(value, str) or re.fullmatch(TIME, value) is None:
        return None
    try:
        local = datetime.fromisoformat(value.upper())
        time = local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    offset = local.utcoffset() or timedelta()
    return time, Z if value[-1].upper() == Z else round(offset.total_seconds() / 60)


def _time(value: Any, record_offset: int | str | None) -> Fitting:
    read = _read_time(value)
    if read is None:
        return None
    time, offset = read
    digits = len(value.partition(".")[2].rstrip("Zz").split("+")[0].split("-")[0])
    expected_digits = 0 if time.microsecond == 0 else 3 if time.microsecond % 1000 == 0 else 6
    ends = "Z" if offset == Z else _offset_text(int(offset))
    is_written_so = digits == expected_digits and value[10] == "T" and value.endswith(ends)
    return time, is_written_so and offset == record_offset


def _offset_text(minutes: int) -> str:
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _seconds(value: Any) -> Fitting:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value), True
    except OverflowError:
        return None


def _decimal(value: Any) -> Fitting:
    if not isinstance(value, str) or re.fullmatch(DECIMAL, value) is None:
        return None
    if len(value.lstrip("-").partition(".")[0]) > 29:
        return None
    with localcontext(prec=WIDE):
        amount = Decimal(value)
        decimals = next(count for count in range(2, 10) if amount == round(amount, count))
        return round(amount, decimals), format(abs(amount), f".{decimals}f") == value.lstrip("-") and (
            bool(amount) or value[0] != "-"
        )


def _number(value: Any) -> Fitting:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    with localcontext(prec=WIDE):
        amount = Decimal(value) if isinstance(value, int) and len(str(value)) < 40 else value
        if not isinstance(amount, Decimal) or amount.adjusted() > 28 or int(amount.as_tuple().exponent) < -9:
            return None
        digits, exponent = amount.as_tuple()[1:]
        is_minimal = int(exponent) < 0 and digits[-1] != 0
        return round(amount, 9) if exponent else amount, isinstance(value, int) or is_minimal


FITTING: Mapping[str, Callable[[Any], Fitting]] = {
    "boolean": lambda value: (value, True) if isinstance(value, bool) else None,
    "long": lambda value: (value, True) if type(value) is int and -(2**63) <= value < 2**63 else None,
    "string": lambda value: (value, True) if isinstance(value, str) else None,
    "json": lambda value: (document_json(value).decode(), True),
    "seconds": _seconds,
    "decimal": _decimal,
    "number": _number,
}

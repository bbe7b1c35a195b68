"""Decimals: text such as "12.50", and JSON numbers, to decimal(38, 9), and back."""

import re
from decimal import Context, Decimal
from functools import lru_cache
from typing import Final

from msgspec import Struct

from schemas.typed.primitives import COUNTS, MAX_CACHED, SOME

PRECISION: Final = 38
SCALE: Final = 9
_UNIT: Final = 10**SCALE
_WHOLE_DIGITS: Final = PRECISION - SCALE
_MAX_CHARACTERS: Final = PRECISION + 2  # of a text that matches: the digits, a sign and a point
_DECIMAL: Final = re.compile(rf"-?\d{{1,{_WHOLE_DIGITS}}}(?:\.\d{{1,{SCALE}}})?", re.ASCII).fullmatch
_EXACT: Final = Context(prec=PRECISION)  # the default context rounds to 28 digits


class Amount(Struct, frozen=True):
    """One decimal: its piece in a union with null. `is_exact`: reading it back gives the value as it was written."""

    piece: bytes
    is_exact: bool


def text_amount(value: object) -> Amount | None:
    """Return the decimal that a text spells; None if it is no text, no plain decimal, or does not fit decimal(38, 9)."""
    return _text_amount(value) if type(value) is str and len(value) <= _MAX_CHARACTERS else None


@lru_cache(MAX_CACHED)  # prices repeat; parsing takes 3 us
def _text_amount(text: str) -> Amount | None:
    if _DECIMAL(text) is None:
        return None
    whole, _, fraction = text.partition(".")
    units = int(whole + fraction.ljust(SCALE, "0"))
    return Amount(_piece(units), _text(units) == text)


def amount_text(amount: Decimal) -> str:
    """Return a decimal as money is written: two decimals, more if they matter."""
    return _text(_units(amount))


def number_amount(value: object) -> Amount | None:
    """Return the decimal that a JSON number is; None if it is no number, or does not fit decimal(38, 9)."""
    if type(value) is int:
        return Amount(_piece(value * _UNIT), is_exact=True) if abs(value) < 10**_WHOLE_DIGITS else None
    if type(value) is not Decimal or not _fits(value):
        return None
    units = _units(value)
    shown = _number(units)
    return Amount(_piece(units), type(shown) is Decimal and shown.as_tuple() == value.as_tuple())


def amount_number(amount: Decimal) -> int | Decimal:
    """Return a decimal as a JSON number: an integer if it is one, else without zeros at the end."""
    return _number(_units(amount))


def _fits(number: Decimal) -> bool:
    exponent = number.as_tuple().exponent  # of infinity and NaN a letter; no power of ten is computed before this
    return type(exponent) is int and exponent >= -SCALE and number.adjusted() < _WHOLE_DIGITS


def _units(number: Decimal) -> int:
    return int(number.scaleb(SCALE, _EXACT))


def _piece(units: int) -> bytes:
    content = units.to_bytes((units.bit_length() + 8) // 8, "big", signed=True)
    return SOME + COUNTS[len(content)] + content


def _text(units: int) -> str:
    whole, fraction = divmod(abs(units), _UNIT)
    decimals = f"{fraction:0{SCALE}}".rstrip("0").ljust(2, "0")
    return f"{'-' if units < 0 else ''}{whole}.{decimals}"


def _number(units: int) -> int | Decimal:
    whole, fraction = divmod(abs(units), _UNIT)
    if not fraction:
        return units // _UNIT
    decimals = f"{fraction:0{SCALE}}".rstrip("0")
    return Decimal(f"{'-' if units < 0 else ''}{whole}.{decimals}")

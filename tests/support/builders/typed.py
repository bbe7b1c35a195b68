"""Column tables, and documents whose values fit them, nearly fit them, or do not fit at all."""

from datetime import UTC, timedelta, timezone
from decimal import Decimal
from typing import Any, Final, get_args

from hypothesis import strategies as st

from schemas.codec import document, document_json
from schemas.records import Document
from schemas.typed.columns import Column, ColumnTable, Kind

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
decimals = st.decimals(allow_nan=False, allow_infinity=False)
"""With any exponent, as Python makes them."""

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**64), 2**64),
    st.integers(10**28, 10**30) | st.integers(-(10**30), 10**40),
    decimals,
    st.decimals("-1e30", "1e30", places=9, allow_nan=False),
    st.sampled_from([Decimal("1E+400"), Decimal("-1E-400"), Decimal("0E+9999999"), Decimal("-0.0"), Decimal("5.0")]),
    texts,
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
"""Any JSON value; numbers that are no integers are `Decimal`."""

_offsets = st.sampled_from([0, 60, -300, 330, 345, 1439, -1439]).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)


@st.composite
def times(draw: st.DrawFn) -> str:
    """Draw a time as a provider may write it: most as RFC 3339 in one of a few forms, some wrong."""
    moment = draw(st.datetimes(timezones=_offsets | st.just(UTC), allow_imaginary=False))
    moment = draw(st.sampled_from([moment, moment.replace(microsecond=0), moment.replace(microsecond=120_000)]))
    text = moment.isoformat(timespec=draw(st.sampled_from(["auto", "seconds", "milliseconds", "microseconds"])))
    if draw(st.booleans()):
        text = text.replace("+00:00", "Z")
    edits = [("T", " "), ("T", "t"), ("Z", "z"), (":", ""), ("-", "/"), ("Z", ""), ("+", "-"), ("0Z", "0000Z")]
    return text.replace(*draw(st.sampled_from(edits))) if draw(st.integers(0, 3)) == 0 else text


amounts = st.one_of(
    st.from_regex(r"\A-?(0|[1-9][0-9]{0,4})\.[0-9]{2}\Z"),
    st.from_regex(r"\A-?[0-9]{1,31}(\.[0-9]{0,11})?\Z"),
    st.sampled_from(
        ["-0.00", "12.", ".5", "1e3", "NaN", "Infinity", " 1.00", "1_0.00", "+1.00", "٣.00", "0.125", "0.1250"]
    ),
)

seconds = (
    st.integers(-62_135_596_900, -62_135_596_700)
    | st.integers(253_402_300_700, 253_402_300_900)
    | st.integers(0, 2**33)
)

near_values: Final = {"time": times(), "decimal": amounts, "seconds": seconds, "number": decimals | st.integers()}


def table(*columns: tuple[str, Kind], provider: str = "shopify", resource: str = "thing") -> ColumnTable:
    """Return a table of these columns."""
    return ColumnTable(provider, resource, "made up", tuple(Column(name, kind, "A column.") for name, kind in columns))


TABLE: Final = table(*((f"{kind}_{number}", kind) for kind in KINDS for number in (1, 2)))
"""Two columns of each kind."""


def as_parsed(value: Document) -> Document:
    """Return a document as the pipeline parses its text: -0 is 0, 1E+2 stays what it is."""
    return document(document_json(value))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Draw a document for `TABLE`: any field may be absent, null, fitting, nearly fitting, or something else."""
    drawn: Document = {}
    for column in TABLE.columns:
        fitting = near_values.get(column.kind, scalars)
        if draw(st.booleans()):
            drawn[column.name] = draw(fitting if draw(st.integers(0, 3)) else values)
    names = texts | st.sampled_from(["", "_extra", "_nulls", "_misfits", "_utc_offset", "__class__", "long_1 "])
    drawn.update(draw(st.dictionaries(names, values, max_size=3)))
    shuffled = draw(st.permutations(list(drawn)))
    return as_parsed({name: drawn[name] for name in shuffled})


def kind_of(name: str, value: Any) -> Kind:
    """Return a kind that suits a field of a corpus: a table is nothing else than such guesses, reviewed."""
    match value:
        case bool():
            return "boolean"
        case int():
            return "seconds" if name in {"created", "start_date"} else "long"
        case Decimal():
            return "number"
        case str() if name.endswith("_at"):
            return "time"
        case str() if value.replace(".", "", 1).isdigit() and "." in value:
            return "decimal"
    return "string" if isinstance(value, str) else "json"

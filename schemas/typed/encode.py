"""Encoding of typed values: a document to the Avro bytes of its record, without a record in between.

The code for the columns of a table is generated: straight lines take a fifth less time than a function per column (decision
0020). Names go into it only as literals (`repr`), and a table's names are checked before.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from schemas.codec import document_json
from schemas.records import Document
from schemas.typed.avro import resource_schema
from schemas.typed.columns import Column, ColumnTable, Kind
from schemas.typed.decimals import number_amount, text_amount
from schemas.typed.primitives import NULL, SOME, SOME_COUNTS, array, framed, long, text_map
from schemas.typed.times import moment, seconds_piece


class Encoded(Struct, frozen=True):
    """A resource as the bytes of its Avro record.

    `misfits` names the columns, in their order, that are null because their value has another type; `unknown` the fields
    without a column, sorted. Nothing of either is lost: both are in `_extra` (a null in `_nulls`).
    """

    body: bytes
    misfits: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


Encode = Callable[[Document], Encoded]


def encoder(table: ColumnTable) -> Encode:
    """Return the encoder of a table; making one takes milliseconds, so keep it.

    Equal documents give equal bytes, whatever the order of their fields. The encoder raises UnicodeEncodeError for half a
    character (a lone surrogate), which no JSON text of the pipeline contains.
    """
    encode_columns = _compiled(table)
    names = frozenset(column.name for column in table.columns)

    def encode(document: Document) -> Encoded:
        pieces, beside, nulls, misfits, utc_offset = encode_columns(document)
        unknown = () if names.issuperset(document) else tuple(sorted(document.keys() - names))
        for name in unknown:
            if document[name] is None:
                nulls.append(framed(name))
            else:
                beside[name] = document[name]
        pieces += (
            _json_map(beside) if beside else NULL,
            array(nulls),
            array([framed(name) for name in misfits]) if misfits else NULL,
            NULL if utc_offset is None else SOME + long(utc_offset),
        )
        return Encoded(b"".join(pieces), tuple(misfits), unknown)

    return encode


def _json_map(beside: Mapping[str, Any]) -> bytes:
    return text_map({name: document_json(value) for name, value in beside.items()})


# --- Generated code --------------------------------------------------------------------------------------------------

Columns = tuple[list[bytes], dict[str, Any], list[bytes], list[str], int | None]
"""Pieces of the columns, values for `_extra`, encoded names of nulls, names of misfits, the offset of the first time."""

_BEGIN: Final = """
def encode_columns(document):
    get = document.get
    pieces, beside, nulls, misfits, times = [], {}, [], [], []
"""

_ABSENT: Final = """
    value = get({name!r})
    if value is None:
        pieces.append(NULL)
        if {name!r} in document:
            nulls.append({framed!r})
"""

_PRESENT: Final[Mapping[Kind, str]] = {
    "boolean": """
    elif value is True:
        pieces.append(TRUE)
    elif value is False:
        pieces.append(FALSE)
""",
    "long": """
    elif type(value) is int and LONG_MIN <= value < LONG_END:
        pieces.append(SOME)
        pieces.append(long(value))
""",
    "string": """
    elif type(value) is str:
        text = value.encode()
        pieces.append(SOME_COUNTS[len(text)])
        pieces.append(text)
""",
    "time": """
    elif (time := moment(value)) is not None:
        pieces.append(time.piece)
        times.append(time)
        if not time.is_exact or time.utc_offset != times[0].utc_offset:
            beside[{name!r}] = value
""",
    "seconds": """
    elif (piece := seconds_piece(value)) is not None:
        pieces.append(piece)
""",
    "decimal": """
    elif (amount := text_amount(value)) is not None:
        pieces.append(amount.piece)
        if not amount.is_exact:
            beside[{name!r}] = value
""",
    "number": """
    elif (amount := number_amount(value)) is not None:
        pieces.append(amount.piece)
        if not amount.is_exact:
            beside[{name!r}] = value
""",
    "json": """
    else:
        text = document_json(value)
        pieces.append(SOME_COUNTS[len(text)])
        pieces.append(text)
""",
}

_MISFIT: Final = """
    else:
        pieces.append(NULL)
        misfits.append({name!r})
        beside[{name!r}] = value
"""

_END: Final = """
    return pieces, beside, nulls, misfits, times[0].utc_offset if times else None
"""

_NAMES: Final[Mapping[str, object]] = {
    "FALSE": SOME + b"\x00",
    "LONG_END": 2**63,
    "LONG_MIN": -(2**63),
    "NULL": NULL,
    "SOME": SOME,
    "SOME_COUNTS": SOME_COUNTS,
    "TRUE": SOME + b"\x01",
    "document_json": document_json,
    "long": long,
    "moment": moment,
    "number_amount": number_amount,
    "seconds_piece": seconds_piece,
    "text_amount": text_amount,
}


def source(table: ColumnTable) -> str:
    """Return the generated code of a table's columns, to read; ValueError for a table whose names are none in Avro."""
    resource_schema(table)  # checks the names
    parts = [_BEGIN, *(part for column in table.columns for part in _parts(column)), _END]
    return "\n".join(part.strip("\n") for part in parts)


def _parts(column: Column) -> list[str]:
    parts = [_ABSENT, _PRESENT[column.kind]]
    if column.kind != "json":  # JSON text holds any value
        parts.append(_MISFIT)
    return [part.format(name=column.name, framed=framed(column.name)) for part in parts]


def _compiled(table: ColumnTable) -> Callable[[Document], Columns]:
    namespace: dict[str, Any] = dict(_NAMES)
    code = compile(source(table), f"<columns of {table.provider}/{table.resource}>", "exec")
    exec(code, namespace)  # noqa: S102  the source comes from committed tables, with checked and quoted names
    made: Callable[[Document], Columns] = namespace["encode_columns"]
    return made

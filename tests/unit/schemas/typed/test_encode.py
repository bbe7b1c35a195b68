"""A document to Avro bytes and back: the bytes are fastavro's, and nothing is lost."""

import io
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import fastavro
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.codec import document_json
from schemas.records import Document
from schemas.typed.avro import resource_schema
from schemas.typed.columns import Column, ColumnTable
from schemas.typed.decode import column_kinds, decoder, document
from schemas.typed.encode import Encoded, encoder, source
from tests.support.builders.properties import examples
from tests.support.builders.typed import TABLE, documents, table, texts, values
from tests.support.oracle.typed_record import record

SCHEMA = fastavro.parse_schema(resource_schema(TABLE))
ENCODE = encoder(TABLE)
DECODE = decoder(resource_schema(TABLE))


def written(value: Mapping[str, Any], schema: Any = SCHEMA) -> bytes:
    """Return a record as fastavro writes it."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, schema, value)
    return buffer.getvalue()


def read(body: bytes, schema: Any = SCHEMA) -> Document:
    """Return a record as fastavro reads it."""
    found: Any = fastavro.schemaless_reader(io.BytesIO(body), schema, None)
    return dict(found)


@settings(max_examples=examples(1000))
@given(documents())
def test_bytes_are_those_of_fastavro(shown: Document) -> None:
    """For any document, of whatever types, the straight encoder writes what fastavro writes of the same record."""
    expected = record(shown, TABLE)

    encoded = ENCODE(shown)

    assert read(encoded.body) == read(written(expected))  # first, because a difference is readable here
    assert encoded.body == written(expected)
    assert encoded.misfits == tuple(expected["_misfits"])
    assert encoded.unknown == tuple(sorted(shown.keys() - {column.name for column in TABLE.columns}))


@settings(max_examples=examples(1000))
@given(documents())
def test_document_survives(shown: Document) -> None:
    """Document to Avro to document is the identity, to the last digit and to null apart from absent."""
    decoded = DECODE(ENCODE(shown).body)

    assert document_json(decoded) == document_json(shown)


@given(st.dictionaries(texts, values, max_size=8))
def test_document_without_any_column_survives(shown: Document) -> None:
    """A record of nothing but unknown fields."""
    shown = {name: None if isinstance(value, Decimal) else value for name, value in shown.items()}

    assert document_json(DECODE(ENCODE(shown).body)) == document_json(shown)


@given(st.data(), documents())
def test_order_of_fields_does_not_matter(data: st.DataObject, shown: Document) -> None:
    """Equal documents give equal bytes: a replay writes the same record again."""
    shuffled = data.draw(st.permutations(list(shown)))

    assert ENCODE({name: shown[name] for name in shuffled}) == ENCODE(shown)


@pytest.mark.parametrize(
    ("name", "value", "column"),
    [
        ("decimal_1", "12.50", Decimal("12.5")),
        ("decimal_1", "0.125", Decimal("0.125")),
        ("decimal_1", "-99999999999999999999999999999.999999999", Decimal("-99999999999999999999999999999.999999999")),
        (
            "number_1",
            Decimal("99999999999999999999999999999.999999999"),
            Decimal("99999999999999999999999999999.999999999"),
        ),
        ("number_1", 5, Decimal(5)),
        ("number_1", Decimal("0.07"), Decimal("0.07")),
        ("seconds_1", 1_769_860_800, 1_769_860_800),
        ("time_1", "2026-01-31T12:00:00Z", 1_769_860_800),
        ("time_1", "2026-01-31T07:00:00-05:00", 1_769_860_800),
    ],
)
def test_value_that_fits_is_in_its_column_alone(name: str, value: object, column: object) -> None:
    """The column has the value, and `_extra` and `_misfits` stay empty."""
    encoded = ENCODE({name: value})

    found = read(encoded.body)
    shown = int(found[name].timestamp()) if name in {"time_1", "seconds_1"} else found[name]
    assert (shown, found["_extra"], found["_misfits"], encoded) == (column, {}, [], Encoded(encoded.body))
    assert DECODE(encoded.body) == {name: value}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("decimal_1", "12.5"),  # BigCommerce writes four decimals, Stripe as many as it needs
        ("decimal_1", "100.0000"),
        ("decimal_1", "12"),
        ("decimal_1", "-0.00"),
        ("number_1", Decimal("5.0")),
        ("number_1", Decimal("1E+2")),
        ("time_1", "2026-01-31T12:00:00.000Z"),
        ("time_1", "2026-01-31t12:00:00z"),
    ],
)
def test_other_spelling_keeps_the_value_in_its_column(name: str, value: object) -> None:
    """A value that fits is never null for analysts because of its spelling; `_extra` has the spelling, and it is no misfit."""
    encoded = ENCODE({name: value})

    found = read(encoded.body)
    assert found[name] is not None
    assert (list(found["_extra"]), found["_misfits"], encoded.misfits) == ([name], [], ())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("long_1", 2**63),
        ("long_1", True),
        ("long_1", "5"),
        ("boolean_1", 1),
        ("string_1", 5),
        ("string_1", {"a": 1}),
        ("seconds_1", 253_402_300_800),  # the year 10000: a reader's datetime would overflow
        ("seconds_1", True),
        ("decimal_1", "1e3"),
        ("decimal_1", "0.0000000001"),
        ("decimal_1", "100000000000000000000000000000.00"),
        ("decimal_1", Decimal("12.50")),
        ("number_1", Decimal("1E+400")),
        ("number_1", 10**29),
        ("number_1", "5"),
        ("time_1", "2026-01-31T12:00:00"),  # without an offset it is no instant
        ("time_1", "2026-01-31T12:00:00.1234567Z"),
        ("time_1", "2026-02-30T12:00:00Z"),
        ("time_1", "0001-01-01T00:00:00+01:00"),
        ("time_1", "2026-01-31"),
        ("time_1", "2026-W05-6T12:00:00Z"),
    ],
)
def test_misfit_is_marked_and_kept(name: str, value: object) -> None:
    """The column is null, and the value is in `_extra`; the caller learns the column's name to count it."""
    encoded = ENCODE({name: value})

    found = read(encoded.body)
    assert (found[name], list(found["_extra"]), found["_misfits"], encoded.misfits) == (None, [name], [name], (name,))
    assert document_json(DECODE(encoded.body)) == document_json({name: value})


def test_times_of_another_offset_keep_their_value() -> None:
    """The first time gives the record's offset; a time with another one is typed too, and `_extra` has its spelling."""
    shown = {"time_1": "2026-01-31T12:00:00+01:00", "time_2": "2026-01-31T11:00:00Z"}

    found = read(ENCODE(shown).body)

    assert found["time_1"] == found["time_2"]
    assert (found["_utc_offset"], list(found["_extra"])) == (60, ["time_2"])


def test_null_is_not_absent() -> None:
    """A null of a column and of an unknown field stay null, and an absent field stays absent."""
    found = read(ENCODE({"zoo": None, "long_1": None, "ant": None}).body)

    assert found["_nulls"] == ["long_1", "ant", "zoo"]
    assert DECODE(ENCODE({"zoo": None, "long_1": None}).body) == {"zoo": None, "long_1": None}


@pytest.mark.parametrize("shown", [{"string_1": "\ud83d"}, {"json_1": ["\ud83d"]}, {"\ud83d": 1}, {"\ud83d": None}])
def test_half_a_character_is_refused_as_by_fastavro(shown: Document) -> None:
    """UTF-8 has no lone surrogates; the pipeline repairs them before, and neither writer makes bytes of one."""
    with pytest.raises(UnicodeEncodeError):
        written(record(shown, TABLE))

    with pytest.raises(UnicodeEncodeError):
        ENCODE(shown)


@given(documents())
def test_blocks_of_other_writers_are_read(shown: Document) -> None:
    """A map or array may come in several blocks with their sizes, as Java writes them; the document is the same."""
    made = record(shown, TABLE)
    tail = {"_extra": made["_extra"], "_nulls": made["_nulls"], "_misfits": made["_misfits"]}
    one_block = b"".join(written_part(name, tail[name]) for name in tail)
    many_blocks = b"".join(in_blocks(name, tail[name]) for name in tail)
    body = ENCODE(shown).body
    offset = written_part("_utc_offset", made["_utc_offset"])

    assert body.endswith(one_block + offset)
    assert document_json(DECODE(body.removesuffix(one_block + offset) + many_blocks + offset)) == document_json(shown)


def written_part(name: str, value: object) -> bytes:
    """Return one field of the record as fastavro writes it."""
    field = next(field for field in resource_schema(TABLE)["fields"] if field["name"] == name)
    return written({name: value}, fastavro.parse_schema({"type": "record", "name": "Part", "fields": [field]}))


def in_blocks(name: str, value: Any) -> bytes:
    """Return a map or array with a block of a negative count and a size for each element."""
    made = b""
    for element in value.items() if isinstance(value, dict) else value:
        part = written_part(name, dict([element]) if isinstance(value, dict) else [element])
        content = part[1:-1]  # without the count of 1 and the end
        made += b"\x01" + written_long(len(content)) + content
    return made + b"\x00"


def written_long(number: int) -> bytes:
    """Return a long as fastavro writes it."""
    schema = fastavro.parse_schema({"type": "record", "name": "Part", "fields": [{"name": "a", "type": "long"}]})
    return written({"a": number}, schema)


@example("\x00'\"\\\n{0}{name}")
@given(texts)
def test_name_never_becomes_code(name: str) -> None:
    """A column's name must be an Avro name; no other reaches the generated code."""
    hostile = table((name, "long"))
    is_name = name.isascii() and name.isidentifier() and not name.startswith("_")

    if is_name:
        assert encoder(hostile)({name: 5}).misfits == ()
    else:
        with pytest.raises(ValueError, match="expected names of letters"):
            encoder(hostile)


def test_keywords_and_names_of_the_code_are_columns() -> None:
    """Names are literals in the code, so a field may be called `class`, `value` or `pieces`."""
    names = ("class", "value", "pieces", "document", "beside", "get", "text")
    shown = dict(zip(names, range(7), strict=True))
    odd = table(*((name, "long") for name in names))

    assert decoder(resource_schema(odd))(encoder(odd)(shown).body) == shown


def test_generated_code_is_readable() -> None:
    """A column's lines stand together, and its name is a literal."""
    assert source(table(("id", "long"))).splitlines()[3:-1] == [
        "    value = get('id')",
        "    if value is None:",
        "        pieces.append(NULL)",
        "        if 'id' in document:",
        "            nulls.append(b'\\x04id')",
        "    elif type(value) is int and LONG_MIN <= value < LONG_END:",
        "        pieces.append(SOME)",
        "        pieces.append(long(value))",
        "    else:",
        "        pieces.append(NULL)",
        "        misfits.append('id')",
        "        beside['id'] = value",
    ]


def test_record_of_an_older_table_is_read_with_its_own_schema() -> None:
    """What was written before a column was added gives the same document; the schema says which columns there are."""
    old = table(("id", "long"))
    new = ColumnTable(old.provider, old.resource, old.source, (*old.columns, Column("name", "string", "A column.")))
    shown = {"id": 5, "name": "x"}
    body = encoder(old)(shown).body

    assert decoder(resource_schema(old))(body) == shown
    upgraded: Any = fastavro.schemaless_reader(
        io.BytesIO(body),
        fastavro.parse_schema(resource_schema(old)),
        fastavro.parse_schema(resource_schema(new)),
    )
    assert document(upgraded, column_kinds(resource_schema(new))) == shown

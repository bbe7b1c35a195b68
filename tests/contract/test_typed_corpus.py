"""Every object of the corpora survives typed Avro, byte for byte as fastavro writes it, whatever table it meets."""

import io
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import fastavro
import pytest

from schemas.codec import document_json, json_value
from schemas.records import Document
from schemas.typed.avro import resource_schema
from schemas.typed.columns import Column, ColumnTable, Kind, column_tables
from schemas.typed.decode import decoder
from schemas.typed.encode import encoder
from tests.support.builders.corpora import corpora
from tests.support.builders.typed import KINDS, kind_of
from tests.support.oracle.typed_record import record

OBJECT_COUNTS = {"shopify": 1000, "github": 1000, "stripe": 1000}  # at least: a corpus that lost files would test less
FOLDER = corpora()

Shape = tuple[str, ...]


def objects(value: Any) -> Iterator[Document]:
    """Yield a JSON value's objects, nested ones too: each is a document that some table may have to encode."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(inner)


@cache
def documents(provider: str) -> dict[Shape, list[Document]]:
    """Return the objects of a provider's corpus by their names of fields, which make a table."""
    found: dict[Shape, list[Document]] = {}
    for file in sorted(Path(FOLDER / provider).rglob("*.json")):
        for document in objects(json_value(file.read_bytes())):
            found.setdefault(tuple(document), []).append(document)
    return found


def table(provider: str, kinds: dict[str, Kind]) -> ColumnTable:
    """Return a table; a name that is none in Avro gets no column."""
    names = [name for name in kinds if re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name)]
    return ColumnTable(provider, "thing", "the corpus", tuple(Column(name, kinds[name], "A field.") for name in names))


def kind(name: str, shown: list[Document]) -> Kind:
    """Return the kind of a field's first value that is not null."""
    return next((kind_of(name, each[name]) for each in shown if each[name] is not None), "json")


def assert_lossless(made: ColumnTable, shown: list[Document]) -> int:
    """Check the bytes and the way back of documents; return the number of misfits."""
    schema = resource_schema(made)
    encode, decode, parsed = encoder(made), decoder(schema), fastavro.parse_schema(resource_schema(made))
    misfits = 0
    for document in shown:
        encoded, buffer = encode(document), io.BytesIO()
        fastavro.schemaless_writer(buffer, parsed, record(document, made))
        assert encoded.body == buffer.getvalue()
        assert document_json(decode(encoded.body)) == document_json(document)
        misfits += len(encoded.misfits)
    return misfits


@pytest.mark.parametrize("provider", OBJECT_COUNTS)
def test_every_object_survives_a_table_that_suits_it(provider: str) -> None:
    """With the kinds that its fields have in the first object of the same shape, as in a reviewed table."""
    found = documents(provider)
    assert sum(map(len, found.values())) >= OBJECT_COUNTS[provider]

    misfits = 0
    for shape, shown in found.items():
        kinds = {name: kind(name, shown) for name in shape}
        misfits += assert_lossless(table(provider, kinds), shown)
    assert misfits < len(found)  # the tables suit


@pytest.mark.parametrize("provider", OBJECT_COUNTS)
def test_every_object_survives_a_table_that_does_not_suit_it(provider: str) -> None:
    """With kinds that have nothing to do with the values: a provider that changes all its types loses nothing."""
    misfits = 0
    for shape, shown in documents(provider).items():
        kinds = {name: KINDS[(len(name) + number) % len(KINDS)] for number, name in enumerate(shape)}
        misfits += assert_lossless(table(provider, kinds), shown)
    assert misfits > OBJECT_COUNTS[provider]


@pytest.mark.parametrize("provider", OBJECT_COUNTS)
def test_every_object_survives_the_committed_tables(provider: str) -> None:
    """Each table with every object of whose fields at least half have a column: those of the resource, and more."""
    shown = [each for same in documents(provider).values() for each in same]
    for made in column_tables():
        names = {column.name for column in made.columns}
        if made.provider == provider:
            assert_lossless(made, [each for each in shown if 2 * len(each.keys() & names) >= len(each)])

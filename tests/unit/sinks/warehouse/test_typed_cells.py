"""Rows of typed topics equal those of the same documents as text."""

import io
from typing import Any

import fastavro
import pytest
from hypothesis import given
from msgspec.structs import replace

from schemas.codec import document_json
from schemas.records import Document
from schemas.typed.avro import resource_schema
from schemas.typed.columns import ColumnTable
from schemas.typed.decode import column_kinds
from schemas.typed.encode import encoder
from schemas.typed.reading import TypedDocument
from sinks.warehouse.rows.row import document_cells
from tests.support.builders.loaded_changes import change, layouts
from tests.support.builders.typed import TABLE, documents

PRODUCT = replace(TABLE, resource="product")
OLDER = replace(PRODUCT, columns=PRODUCT.columns[:-5])
READERS: dict[ColumnTable, tuple[Any, Any]] = {
    each: (encoder(each), fastavro.parse_schema(resource_schema(each))) for each in (PRODUCT, OLDER)
}


def typed(document: Document, table: ColumnTable) -> TypedDocument:
    """Return a document as a topic with the columns of a table has it."""
    encode, schema = READERS[table]
    record: Any = fastavro.schemaless_reader(io.BytesIO(encode(document).body), schema, None)
    return TypedDocument(record, column_kinds(resource_schema(table)))


def cells(shown: str | TypedDocument, table: ColumnTable) -> tuple[list[Any], str | None]:
    """Return the cells of a change whose document is shown so, in a loader that has the columns of a table."""
    made = replace(change(0), before=None, after=shown)
    known = layouts(table)
    return document_cells(known.layout(made), made)


@pytest.mark.parametrize(("written_with", "read_with"), [(PRODUCT, PRODUCT), (OLDER, PRODUCT), (PRODUCT, OLDER)])
@given(document=documents())
def test_row_of_a_record_is_that_of_its_text(
    written_with: ColumnTable, read_with: ColumnTable, document: Document
) -> None:
    """Whatever the document holds, with the table it was written with, an older one and a newer one."""
    text = document_json(document).decode()

    assert cells(typed(document, written_with), read_with) == cells(text, read_with)

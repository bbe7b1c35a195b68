"""The example that makes documents of typed records does what Penstock's own decoder does, without its code."""

import io

import fastavro
from hypothesis import given

from schemas.codec import document_json
from schemas.records import Document
from schemas.typed.avro import change_schema, resource_schema
from schemas.typed.encode import encoder
from tests.support.builders.typed import TABLE, documents
from tests.support.processes.examples import loaded

EXAMPLE = loaded("document.py")
ENCODE, SCHEMA = encoder(TABLE), fastavro.parse_schema(resource_schema(TABLE))


@given(documents())
def test_document_is_the_providers(document: Document) -> None:
    """Whatever it holds, to the last digit."""
    record = fastavro.schemaless_reader(io.BytesIO(ENCODE(document).body), SCHEMA, None)

    made = EXAMPLE.document(record, EXAMPLE.kinds(change_schema(TABLE)))

    assert document_json(made) == document_json(document)

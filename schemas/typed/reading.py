"""Reading of messages with whatever schema they were written: a typed resource becomes the document that it was made from."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec
from msgspec import Struct

from schemas import codec
from schemas.codec import document_json
from schemas.records import Document
from schemas.typed.decode import Kinds, column_kinds, document
from schemas.typed.envelope import RESOURCE_FIELDS, Schema


class TypedDocument(Struct, frozen=True):
    """A document as the record of its resource, read by fastavro, with the kinds of the columns that it was written with."""

    record: Mapping[str, Any]
    kinds: Kinds

    @property
    def document(self) -> Document:
        """Return the document itself."""
        return document(self.record, self.kinds)


class MessageReader:
    """Reads the messages of one schema; ValueError for a text that is no Avro schema."""

    def __init__(self, text: str) -> None:
        schema: Schema = msgspec.json.decode(text)
        fields = [field for field in _fields(schema) if field["name"] in RESOURCE_FIELDS]
        self._parsed = codec.parse_schema(text)
        self._kinds = next((kinds for field in fields if (kinds := _kinds_of(field["type"])) is not None), None)
        self._names = [field["name"] for field in fields] if self._kinds is not None else []

    @property
    def is_typed(self) -> bool:
        """Say whether the documents are records with columns."""
        return self._kinds is not None

    def record(self, message: bytes) -> Document:
        """Return the record in a message, its documents as JSON text, whether its topic is typed or not."""
        record = codec.decode(message, self._parsed)
        for name in self._names:
            if record[name] is not None:
                record[name] = document_json(document(record[name], cast(Kinds, self._kinds))).decode()
        return record

    def typed_record(self, message: bytes) -> Document:
        """Return the record in a message; its documents are `TypedDocument` where the topic is typed, else JSON text."""
        record = codec.decode(message, self._parsed)
        for name in self._names:
            if record[name] is not None:
                record[name] = TypedDocument(record[name], cast(Kinds, self._kinds))
        return record


def _fields(schema: Any) -> list[Schema]:
    return list(schema.get("fields", ())) if isinstance(schema, dict) else []


def _kinds_of(kind: Any) -> Kinds | None:
    """Return the columns of a field's type if it is a typed resource."""
    for branch in kind if isinstance(kind, list) else [kind]:
        if isinstance(branch, dict) and branch.get("type") == "record":
            return column_kinds(branch)
    return None

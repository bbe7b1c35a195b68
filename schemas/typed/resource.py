"""A resource with a column table: how its documents are encoded, and the schemas of its topics."""

import hashlib
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Final

import msgspec

from schemas.codec import SchemaName
from schemas.typed.avro import change_schema, state_schema
from schemas.typed.columns import ColumnTable, column_table
from schemas.typed.encode import Encode, encoder
from schemas.typed.envelope import Encode as EncodeEnvelope
from schemas.typed.envelope import Schema, envelope_encoder

MAX_CACHED: Final = 1024  # more resource types than have a table: some names come from unsigned headers


class TypedResource:
    """The encoders and schemas of one column table; each is made on first use, within milliseconds, and kept.

    `fingerprint` identifies the columns' names and kinds in their order: a record fits a schema only if it was encoded with
    the same ones.
    """

    def __init__(self, table: ColumnTable) -> None:
        self.name = f"{table.provider}/{table.resource}"
        self.names = frozenset(column.name for column in table.columns)
        columns = "\n".join(f"{column.name} {column.kind}" for column in table.columns)
        self.fingerprint = hashlib.sha256(columns.encode()).digest()[:8]
        self._table = table

    @cached_property
    def encode(self) -> Encode:
        """The encoder of a document as a record of the resource."""
        return encoder(self._table)

    @cached_property
    def encode_change(self) -> EncodeEnvelope:
        """The encoder of a change, whose `before` and `after` are encoded records."""
        return envelope_encoder(self._schemas["change"])

    @cached_property
    def encode_state(self) -> EncodeEnvelope:
        """The encoder of a state, whose `document` is an encoded record."""
        return envelope_encoder(self._schemas["state"])

    def schema_text(self, name: SchemaName) -> str:
        """Return the schema of the resource's changes or states, as published."""
        return msgspec.json.encode(self._schemas[name]).decode()

    @cached_property
    def _schemas(self) -> Mapping[SchemaName, Schema]:
        return {"change": change_schema(self._table), "state": state_schema(self._table)}


@lru_cache(MAX_CACHED)
def typed_resource(provider: str, resource_type: str) -> TypedResource | None:
    """Return a provider's resource as typed; None if it has no column table, and its documents stay JSON text."""
    table = column_table(provider, resource_type)
    return None if table is None else TypedResource(table)

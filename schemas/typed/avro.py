"""Avro schemas of typed values: the record of a resource, and the change and state records of its topics."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from schemas.codec import SchemaName, schema_text
from schemas.typed.columns import ColumnTable, Kind
from schemas.typed.decimals import PRECISION, SCALE
from schemas.typed.envelope import RESOURCE_FIELDS, Schema

EXTRA: Final = "_extra"
NULLS: Final = "_nulls"
MISFITS: Final = "_misfits"
UTC_OFFSET: Final = "_utc_offset"

_TIMESTAMP: Final = {"type": "long", "logicalType": "timestamp-micros"}
_DECIMAL: Final = {"type": "bytes", "logicalType": "decimal", "precision": PRECISION, "scale": SCALE}
TYPES: Final[Mapping[Kind, Any]] = {
    "boolean": "boolean",
    "long": "long",
    "string": "string",
    "time": _TIMESTAMP,
    "seconds": _TIMESTAMP,
    "decimal": _DECIMAL,
    "number": _DECIMAL,
    "json": "string",
}

_LOSSLESS: Final[list[Schema]] = [
    {
        "name": EXTRA,
        "type": {"type": "map", "values": "string"},
        "default": {},
        "doc": "Fields as JSON text that no column gives back exactly: those without a column, values that do not fit theirs, "
        "and values whose spelling differs from the column's, such as 12.5 for 12.50. They override the columns.",
    },
    {"name": NULLS, "type": {"type": "array", "items": "string"}, "default": [], "doc": "Fields present with null."},
    {
        "name": MISFITS,
        "type": {"type": "array", "items": "string"},
        "default": [],
        "doc": "Columns that are null because the value does not fit their type; it is in _extra.",
    },
    {
        "name": UTC_OFFSET,
        "type": ["null", "int"],
        "default": None,
        "doc": "Minutes east of UTC in which the provider wrote the times of this record; null for Z.",
    },
]

_NAME: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9_]*", re.ASCII
).fullmatch  # Avro's, without the leading _ of our own fields
_DOCS: Final = {
    "before": "The resource before; null where there was none.",
    "after": "The resource now; null once deleted.",
    "document": "The resource now.",
}


def resource_schema(table: ColumnTable) -> Schema:
    """Return the record of a resource: a nullable field per column, and four fields that make it lossless.

    Each column's field has the attribute `kind`, from which a reader makes the document again. ValueError for a name that
    is none in Avro, and for a column that occurs twice.
    """
    names = [column.name for column in table.columns]
    wrong = [name for name in (table.provider, table.resource, *names) if _NAME(name) is None]
    if wrong or len(set(names)) < len(names):
        raise ValueError(
            f"{table.provider}/{table.resource}: expected names of letters, digits and _ that start with a letter, each "
            f"column once; change {', '.join(map(repr, wrong)) or 'the column that occurs twice'}"
        )
    columns = [
        {"name": each.name, "type": ["null", TYPES[each.kind]], "default": None, "doc": each.doc, "kind": each.kind}
        for each in table.columns
    ]
    return {
        "type": "record",
        "name": "".join(part.capitalize() for part in table.resource.split("_")),
        "namespace": f"penstock.{table.provider}",
        "doc": f"One {table.resource.replace('_', ' ')} of {table.provider}. Columns from {table.source}.",
        "fields": [*columns, *_LOSSLESS],
    }


def change_schema(table: ColumnTable) -> Schema:
    """Return the record of the resource's `changes.*` topic: `change.avsc` with typed `before` and `after`."""
    return _envelope("change", table)


def state_schema(table: ColumnTable) -> Schema:
    """Return the record of the resource's `state.*` topic: `state.avsc` with a typed `document`."""
    return _envelope("state", table)


def _envelope(name: SchemaName, table: ColumnTable) -> Schema:
    envelope: Schema = msgspec.json.decode(schema_text(name))
    resource = resource_schema(table)
    fields = [_nested(field, envelope["namespace"]) for field in envelope["fields"]]
    kind: Any = resource
    for field in fields:
        if field["name"] in RESOURCE_FIELDS:
            field["type"] = ["null", kind] if isinstance(field["type"], list) else kind
            field["doc"] = _DOCS[field["name"]]
            kind = f"{resource['namespace']}.{resource['name']}"  # Avro defines a record once and then names it
    return {**envelope, "namespace": f"{resource['namespace']}.{table.resource}", "fields": fields}


def _nested(field: Schema, namespace: str) -> Schema:
    """Return a field whose nested record keeps the namespace of the generic envelope: the record is the same everywhere."""
    kind = field["type"]
    is_record = isinstance(kind, dict) and kind["type"] == "record"
    return {**field, "type": {"namespace": namespace, **kind}} if is_record else field

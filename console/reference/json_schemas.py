"""docs/schemas/: a JSON Schema of each resource's documents, from the column tables.

The provider decides what a document has, so every column may be null or missing, and there may be more fields. A value that
does not have its column's type is rare, never lost (`_misfits`), and violates the schema.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from schemas.typed.columns import Column, ColumnTable, Kind, column_tables

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

TYPES: Final[Mapping[Kind, Mapping[str, Any]]] = {
    "boolean": {"type": ["boolean", "null"]},
    "long": {"type": ["integer", "null"]},
    "string": {"type": ["string", "null"]},
    "time": {"type": ["string", "null"], "format": "date-time"},
    "seconds": {"type": ["integer", "null"], "description": "Seconds since 1970, UTC."},
    "decimal": {"type": ["string", "null"], "pattern": r"^[+-]?[0-9]+(\.[0-9]+)?$"},
    "number": {"type": ["number", "null"]},
    "json": {},  # objects, arrays, and whatever has several types
}
"""What a document holds where a column is of this kind."""


def json_schema(table: ColumnTable) -> Mapping[str, Any]:
    """Return the JSON Schema of a resource's documents."""
    return {
        "$schema": DIALECT,
        "title": f"{table.provider} {table.resource}",
        "description": f"{table.doc} Fields: {table.source}.",
        "type": "object",
        "properties": {column.name: _property(column) for column in table.columns},
        "additionalProperties": True,
    }


def schema_files(tables: Sequence[ColumnTable] | None = None) -> Iterator[tuple[Path, str]]:
    """Yield the path below docs/schemas/ and the text of each schema; of every table without `tables`."""
    for table in column_tables() if tables is None else tables:
        text = msgspec.json.format(msgspec.json.encode(json_schema(table)), indent=2).decode()
        yield Path(table.provider) / f"{table.resource}.json", f"{text}\n"


def _property(column: Column) -> Mapping[str, Any]:
    described = TYPES[column.kind]
    meaning = " ".join(part for part in (column.doc, described.get("description")) if part)
    return {**described, "description": meaning}

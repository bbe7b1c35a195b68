"""The fields of the Avro records, read from schemas/*.avsc."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from schemas.codec import SCHEMA_NAMES, SchemaName, schema_text

Node = Mapping[str, Any]
"""A record, or one of its fields, in a schema."""

PIPE: Final = r"\|"  # in a cell of a Markdown table
TIME: Final = "time (microseconds since 1970, UTC)"


class UndocumentedField(Exception):
    """A field of a schema has no `doc`; the text names it."""


def fields_section() -> Iterator[str]:
    """Yield the lines about every record; raise `UndocumentedField` for a field that a reader could not look up."""
    for name in SCHEMA_NAMES:
        yield from _record(name, schema(name))


def schema(name: SchemaName) -> Node:
    """Return a schema as published."""
    found: Node = msgspec.json.decode(schema_text(name))
    return found


def _record(name: SchemaName, record: Node) -> Iterator[str]:
    yield f"### {record['name']}"
    yield ""
    yield f"{record['doc']} Schema: `schemas/{name}.avsc`."
    yield ""
    yield "| field | type | meaning |"
    yield "|---|---|---|"
    yield from _rows(record)
    yield ""


def _rows(record: Node, prefix: str = "") -> Iterator[str]:
    for field in record["fields"]:
        name, kind = f"{prefix}{field['name']}", field["type"]
        nested = kind if isinstance(kind, dict) and kind["type"] == "record" else None
        meaning = field.get("doc") or (nested or {}).get("doc")
        if not meaning:
            raise UndocumentedField(f"{record['name']}.{field['name']} has no `doc` in schemas/*.avsc; write one")
        cells = (f"`{name}`", _kind(kind), meaning)
        yield f"| {' | '.join(cell.replace('|', PIPE) for cell in cells)} |"
        if nested is not None:
            yield from _rows(nested, f"{name}.")


def _kind(kind: Any) -> str:
    """Return an Avro type in words."""
    match kind:
        case list():
            nullable = ", nullable" if "null" in kind else ""
            return " or ".join(_kind(part) for part in kind if part != "null") + nullable
        case {"logicalType": "timestamp-micros"}:
            return TIME
        case {"type": "array", "items": items}:
            return f"list of {_kind(items)}"
        case {"type": "map", "values": values}:
            return f"map of {_kind(values)}"
        case {"type": "record", "name": name}:
            return f"record {name}"
    return str(kind)

"""Decoding of typed values: a record of a resource to the document that it was made from."""

import io
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import fastavro

from schemas.codec import EPOCH, json_value
from schemas.records import Document
from schemas.typed.avro import EXTRA, NULLS, UTC_OFFSET
from schemas.typed.columns import Kind
from schemas.typed.decimals import amount_number, amount_text
from schemas.typed.envelope import Schema
from schemas.typed.times import time_text

Kinds = Mapping[str, Kind]


def column_kinds(resource: Schema) -> Kinds:
    """Return the kind of each column from the schema that a record was written with: a newer writer has more columns."""
    return {field["name"]: field["kind"] for field in resource["fields"] if "kind" in field}


def document(record: Mapping[str, Any], kinds: Kinds) -> Document:
    """Return the document of a record as fastavro reads it: timestamps are aware UTC datetimes, decimals `Decimal`."""
    extra, utc_offset = record[EXTRA], record[UTC_OFFSET]
    found: Document = {}
    for name, kind in kinds.items():
        value = record[name]
        if value is None or name in extra:  # `_extra` has the exact value
            continue
        if kind == "time":
            found[name] = time_text(value, utc_offset)
            continue
        restore = _RESTORED.get(kind)
        found[name] = value if restore is None else restore(value)
    found.update(dict.fromkeys(record[NULLS]))
    for name, text in extra.items():
        found[name] = json_value(text)
    return found


def decoder(resource: Schema) -> Callable[[bytes], Document]:
    """Return the decoder of bytes that were written with this schema of a resource; the schema's text as parsed JSON."""
    parsed, kinds = fastavro.parse_schema(resource), column_kinds(resource)

    def decode(body: bytes) -> Document:
        record = fastavro.schemaless_reader(io.BytesIO(body), parsed, None)
        return document(cast(Mapping[str, Any], record), kinds)

    return decode


def _seconds(time: Any) -> int:
    age = time - EPOCH
    return cast(int, age.days * 86_400 + age.seconds)


_RESTORED: Final[Mapping[Kind, Callable[[Any], Any]]] = {
    "seconds": _seconds,
    "decimal": amount_text,
    "number": amount_number,
    "json": json_value,
}
"""How a value becomes the document's again; the other kinds are the same in both, and `time` needs the record's offset."""

"""Encoding of the envelopes change, state, outcome and dead: the values of their fields to a message.

The code is generated from the parsed schema itself, so a field that a schema gets is an argument that its encoder requires.
Every name in the code is a checked identifier (decision 0020).
"""

import keyword
from collections.abc import Callable, Mapping
from typing import Any, Final

from schemas.typed.primitives import COUNTS, NULL, SOME, SOME_COUNTS, TEXTS, array, framed, long, text_map, time

Schema = dict[str, Any]
"""An Avro schema as the JSON value that its text spells."""

RESOURCE_FIELDS: Final = frozenset({"before", "after", "document"})
"""The fields that hold a resource. Their values are given as bytes: JSON text, or the encoded record if the schema is typed."""

FEW_VALUES: Final = frozenset(
    {"api_version", "content_type", "event_type", "op", "origin", "outcome", "provider"}
    | {"reason", "resource_type", "source", "tenant", "topic"}
)
"""The fields whose texts repeat from record to record, so that their pieces are looked up."""

Encode = Callable[..., bytes]


def envelope_encoder(schema: Schema) -> Encode:
    """Return a function of the five bytes of a wire prefix, and every field of the schema by keyword, to the message.

    Times are microseconds since 1970; a nested record is an object with an attribute for each field, such as the delivery.
    ValueError for a type that no envelope has used so far.
    """
    code = compile(source(schema), f"<encoder of {schema['name']}>", "exec")
    namespace = dict(_NAMES)
    exec(code, namespace)  # noqa: S102  the source comes from committed schemas, with checked names
    made: Encode = namespace["encode"]
    return made


def source(schema: Schema) -> str:
    """Return the generated code, to read."""
    names = [_identifier(field["name"]) for field in schema["fields"]]
    pieces = [line for field in schema["fields"] for line in _lines(field, field["name"])]
    body = "".join(f"        {line}\n" for line in pieces)
    return f"def encode(prefix, *, {', '.join(names)}):\n    return b''.join((\n        prefix,\n{body}    ))\n"


_PIECES: Final[Mapping[str, str]] = {
    "string": "COUNTS[len(encoded := {value}.encode())], encoded,",
    "few strings": "TEXTS[{value}],",
    "null or string": "NULL if {value} is None else SOME + framed({value}),",
    "null or few strings": "NULL if {value} is None else SOME + TEXTS[{value}],",
    "int": "COUNTS[{value}],",
    "long": "long({value}),",
    "time": "time({value}),",
    "null or time": "NULL if {value} is None else SOME + time({value}),",
    "bytes": "COUNTS[len({value})], {value},",
    "array": "array([*map(framed, {value})]),",
    "map": "string_map({value}),",
    "resource string": "COUNTS[len({value})], {value},",
    "null or resource string": "NULL if {value} is None else SOME_COUNTS[len({value})], {value} or b'',",
    "resource record": "{value},",
    "null or resource record": "NULL if {value} is None else SOME, {value} or b'',",
}
"""The expressions that give a field's pieces. A nested record in Avro is only the bytes of its fields, one after the other."""


def _lines(field: Schema, value: str) -> list[str]:
    """Return the lines for a field whose value the expression `value` gives."""
    kind = field["type"]
    if isinstance(kind, dict) and kind["type"] == "record" and field["name"] not in RESOURCE_FIELDS:
        return [line for inner in kind["fields"] for line in _lines(inner, f"{value}.{_identifier(inner['name'])}")]
    piece = _PIECES.get(_shape(field["name"], kind))
    if piece is None:
        raise ValueError(
            f"field {field['name']}: no encoder for the type {kind!r}; add one to schemas/typed/envelope.py"
        )
    return [piece.format(value=value)]


def _shape(name: str, kind: Any) -> str:
    """Return the key in `_PIECES` of a field's type."""
    if isinstance(kind, list):
        return f"null or {_shape(name, kind[1])}" if len(kind) == 2 and kind[0] == "null" else repr(kind)
    if isinstance(kind, dict):
        return _complex_shape(name, kind)
    if name in RESOURCE_FIELDS:
        return "resource string" if kind == "string" else "resource record"  # a record defined before goes by its name
    return "few strings" if kind == "string" and name in FEW_VALUES else str(kind)


def _complex_shape(name: str, kind: Schema) -> str:
    if kind["type"] == "record":
        return "resource record" if name in RESOURCE_FIELDS else repr(kind)
    if kind["type"] in {"array", "map"}:
        return str(kind["type"]) if kind.get("items", kind.get("values")) == "string" else repr(kind)
    return "time" if kind.get("logicalType") == "timestamp-micros" else repr(kind)


def _identifier(name: str) -> str:
    if not name.isidentifier() or keyword.iskeyword(name) or name in {"prefix", "encoded", *_NAMES}:
        raise ValueError(f"field {name!r}: expected a name that can be an argument in Python")
    return name


def _string_map(texts: Mapping[str, str]) -> bytes:
    return text_map({name: text.encode() for name, text in texts.items()})


_NAMES: Final[Mapping[str, Any]] = {
    "COUNTS": COUNTS,
    "NULL": NULL,
    "SOME": SOME,
    "SOME_COUNTS": SOME_COUNTS,
    "TEXTS": TEXTS,
    "array": array,
    "framed": framed,
    "long": long,
    "string_map": _string_map,
    "time": time,
}

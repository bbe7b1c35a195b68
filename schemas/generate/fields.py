"""What every source of column tables is reduced to: the fields of each resource, and the kind of column for each."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from schemas.typed.columns import Kind

Files = Mapping[str, bytes]
"""The files of a package, by their path in it."""


class SourceError(Exception):
    """A source is not what was expected: a package with another hash, a file or a class that is not there."""


class Field(Struct, frozen=True):
    """One field of a resource: the JSON types that it may have (`null` left out) and, for some, what they mean.

    `form` is `time` for text of RFC 3339, `seconds` for an integer of Unix seconds, `decimal` for text
    such as "12.50".
    """

    name: str
    types: frozenset[str]
    form: str = ""


Resources = Mapping[str, tuple[Field, ...]]
"""The fields of each resource, in the order of their source."""

_WITH_FORM: Final[Mapping[tuple[str, str], Kind]] = {
    ("string", "time"): "time",
    ("string", "decimal"): "decimal",
    ("integer", "seconds"): "seconds",
}
_PLAIN: Final[Mapping[str, Kind]] = {"boolean": "boolean", "integer": "long", "number": "number", "string": "string"}


def kind(field: Field) -> Kind:
    """Return the kind of column for a field; whatever is nested or has several types is JSON."""
    types = field.types - {"integer"} if "number" in field.types else field.types
    if len(types) != 1:
        return "json"
    (name,) = types
    return _WITH_FORM.get((name, field.form)) or _PLAIN.get(name, "json")


def united(*sources: Iterable[Field]) -> tuple[Field, ...]:
    """Return the fields of several views of one resource: a field has every type that one of them gives it."""
    fields: dict[str, Field] = {}
    for field in (field for source in sources for field in source):
        known = fields.get(field.name, field)
        fields[field.name] = Field(field.name, known.types | field.types, known.form or field.form)
    return tuple(fields.values())


def newest_first(*versions: Resources) -> dict[str, tuple[Field, ...]]:
    """Return the resources of several versions, the newest first: an older one only adds the fields that later ones lack."""
    resources: dict[str, tuple[Field, ...]] = {}
    for version in versions:
        for name, fields in version.items():
            known = resources.get(name, ())
            seen = {field.name for field in known}
            resources[name] = (*known, *(field for field in fields if field.name not in seen))
    return resources


# --- JSON Schema -----------------------------------------------------------------------------------------------------

_REFERENCE: Final = re.compile(r"#/(?:components/schemas|definitions)/(.+)")

Schema = Mapping[str, Any]


def properties(schema: Schema, definitions: Mapping[str, Schema]) -> dict[str, list[Schema]]:
    """Return every property of an object by name, with each schema that a reference or an alternative gives it."""
    found: dict[str, list[Schema]] = {}
    for alternative in _alternatives(schema, definitions):
        for name, value in alternative.get("properties", {}).items():
            found.setdefault(name, []).append(value)
    return found


def types_and_formats(
    schemas: Sequence[Schema], definitions: Mapping[str, Schema]
) -> tuple[frozenset[str], frozenset[str]]:
    """Return the JSON types of a property without null, and its formats."""
    alternatives = [each for schema in schemas for each in _alternatives(schema, definitions)]
    types = {name for each in alternatives for name in _types(each)}
    return frozenset(types - {"null"}), frozenset(each["format"] for each in alternatives if "format" in each)


def elements(schema: Schema, definitions: Mapping[str, Schema]) -> Iterable[Schema]:
    """Yield the schemas of a list's elements; none for a list that was empty in every sample."""
    for alternative in _alternatives(schema, definitions):
        if isinstance(alternative.get("items"), dict):
            yield alternative["items"]


def _alternatives(schema: Schema, definitions: Mapping[str, Schema]) -> Iterable[Schema]:
    if reference := _REFERENCE.fullmatch(schema.get("$ref", "")):
        if reference[1] not in definitions:
            raise SourceError(f"expected a definition of {reference[1]}, found none")
        yield from _alternatives(definitions[reference[1]], definitions)
        return
    yield schema
    for word in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(word, ()):
            yield from _alternatives(part, definitions)


def _types(schema: Schema) -> Iterable[str]:
    types = schema.get("type", ())
    if isinstance(types, str):
        yield types
    else:
        yield from types
    if not types and "properties" in schema:
        yield "object"

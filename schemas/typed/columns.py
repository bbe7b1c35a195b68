"""The column tables: which fields of a provider's resource have a type of their own in Avro and in a warehouse.

One file per resource, `<provider>/<resource>.toml` beside this module, written by `make schemas` and reviewed. A field without a
column, and a value that does not fit its column, is kept all the same: in `_extra`. See docs/typed-values.md.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Final, Literal, cast, get_args

from msgspec import Struct

Kind = Literal["boolean", "long", "string", "time", "seconds", "decimal", "number", "json"]
"""What a column holds, by the JSON value that fits it.

`boolean`, `long` (an integer of 64 bits) and `string` are themselves. `time` is text of RFC 3339 and `seconds` an integer of Unix
seconds: both become timestamp-micros. `decimal` is text such as "12.50" and `number` a JSON number: both become decimal(38,9).
`json` is an object, an array, or whatever has several types: it becomes JSON text.
"""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class ColumnTableError(Exception):
    """A file of column tables is wrong; the text names the file and the column, what was expected, and what came."""


class Column(Struct, frozen=True):
    """A top-level field of the provider's documents, by the provider's name, with our own sentence about it."""

    name: str
    kind: Kind
    doc: str


class ColumnTable(Struct, frozen=True):
    """The columns of one resource, in the order of its file: a new one is appended, none is ever moved or removed.

    `doc` is a sentence about the resource; `source` names the publication and its version that the fields come from.
    """

    provider: str
    resource: str
    source: str
    columns: tuple[Column, ...]
    doc: str = ""


@lru_cache(1024)  # more than there are: some resource types come from unsigned headers
def column_table(provider: str, resource: str) -> ColumnTable | None:
    """Return the table of a provider's resource type; None if it has none and its values stay generic documents."""
    if not (is_column_name(provider) and is_column_name(resource)):
        return None  # no file has such a name, and it must not become a path
    file = resources.files(__package__).joinpath(provider, f"{resource}.toml")
    if not file.is_file():
        return None
    return table_of(provider, resource, file.read_text(encoding="utf-8"))


@cache
def column_tables() -> Sequence[ColumnTable]:
    """Return every table, by provider and resource."""
    tables = (column_table(provider, resource) for provider, resource in sorted(_files()))
    return tuple(table for table in tables if table is not None)


def is_column_name(name: str) -> bool:
    """Say whether a field can be a column: its name is a name in Avro, and not of the kind that Penstock's own fields have.

    Those begin with an underscore (`_extra`, and in a warehouse `_version` and others): a provider's may not clash with them.
    """
    return _NAME.fullmatch(name) is not None


def table_of(provider: str, resource: str, text: str) -> ColumnTable:
    """Return the table that a file's text describes; raise `ColumnTableError` if it describes none."""
    file = f"{provider}/{resource}.toml"
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ColumnTableError(f"{file}: expected TOML, found: {error}") from error
    if unknown := sorted(content.keys() - {"doc", "source", "columns"}):
        raise ColumnTableError(f"{file}: expected doc, source and [columns], found {', '.join(unknown)}")
    columns = content.get("columns")
    if not isinstance(columns, dict) or not columns:
        raise ColumnTableError(f"{file}: expected [columns] with at least one column")
    return ColumnTable(
        provider,
        resource,
        _text(file, content, "source"),
        tuple(_column(file, name, entry) for name, entry in columns.items()),
        _sentence(file, content, "doc"),
    )


def _files() -> Iterator[tuple[str, str]]:
    for folder in resources.files(__package__).iterdir():
        if folder.is_dir():
            names = (file.name for file in folder.iterdir())
            yield from ((folder.name, name.removesuffix(".toml")) for name in names if name.endswith(".toml"))


def _column(file: str, name: str, entry: Any) -> Column:
    at = f"{file}: column {name!r}"
    if not is_column_name(name):
        raise ColumnTableError(f"{at}: expected a name of letters, digits and _ that starts with a letter")
    if not isinstance(entry, dict) or entry.keys() != {"kind", "doc"}:
        raise ColumnTableError(f'{at}: expected {{ kind = "…", doc = "…" }}')
    if entry["kind"] not in KINDS:
        raise ColumnTableError(f"{at}: expected kind to be one of {', '.join(KINDS)}, found {entry['kind']!r}")
    return Column(name, cast(Kind, entry["kind"]), _sentence(at, entry, "doc"))


def _sentence(at: str, entry: Mapping[str, Any], key: str) -> str:
    """Return a text that ends like a sentence, so that a forgotten or half-written one is noticed."""
    text = _text(at, entry, key)
    if not text.endswith("."):
        raise ColumnTableError(f"{at}: expected {key} to be a sentence that ends in a full stop, found {text!r}")
    return text


def _text(at: str, entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ColumnTableError(f"{at}: expected {key} to be a text that says something, found {value!r}")
    return value

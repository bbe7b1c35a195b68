"""Every published schema is frozen, and a consumer with the newest can read every record ever written.

After an edit of schemas/<name>.avsc copy it to schemas/history/<name>.<n+1>.avsc; a published version is never edited. After an
edit of column tables `python -m tests.contract.test_schema_history` writes schemas/history/columns.<n+1>.json.
"""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import fastavro
import fastavro.utils
import msgspec
import pytest
from fastavro.schema import SchemaParseException

from schemas.codec import SCHEMA_NAMES, schema_text
from schemas.typed.avro import change_schema, state_schema
from schemas.typed.columns import Column, ColumnTable, Kind, column_tables

SCHEMAS = Path(__file__).parents[2] / "schemas"
RECORDS = 50  # per pair of versions; enough for every branch of a union to appear many times


def versions(name: str) -> list[str]:
    """Return the published texts of a schema, oldest first."""
    files = sorted((SCHEMAS / "history").glob(f"{name}.*.avsc"), key=lambda file: int(file.suffixes[-2][1:]))
    assert [file.name for file in files] == [f"{name}.{number}.avsc" for number in range(1, len(files) + 1)]
    return [file.read_text(encoding="utf-8") for file in files]


def can_read(writer_text: str, reader_text: str, records: int = RECORDS) -> None:
    """Fail unless records of one schema, generated ones, can be read with another."""
    writer, reader = (fastavro.parse_schema(msgspec.json.decode(text)) for text in (writer_text, reader_text))
    for record in fastavro.utils.generate_many(writer, records):
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, writer, record)
        buffer.seek(0)
        fastavro.schemaless_reader(buffer, writer, reader)


def columns() -> dict[str, list[list[str]]]:
    """Return the names and kinds of the columns of every table, by provider and resource."""
    return {f"{t.provider}/{t.resource}": [[c.name, c.kind] for c in t.columns] for t in column_tables()}


def published_columns() -> list[dict[str, list[list[str]]]]:
    """Return the published columns, oldest first."""
    files = sorted((SCHEMAS / "history").glob("columns.*.json"), key=lambda file: int(file.suffixes[-2][1:]))
    assert [file.name for file in files] == [f"columns.{number}.json" for number in range(1, len(files) + 1)]
    return [msgspec.json.decode(file.read_bytes()) for file in files]


def table(resource: str, shown: list[list[str]]) -> ColumnTable:
    """Return the table of published columns."""
    provider, _, name = resource.partition("/")
    made = tuple(Column(column, cast(Kind, kind), "A field.") for column, kind in shown)
    return ColumnTable(provider, name, "a published version", made)


def edited(name: str, *, add: dict[str, Any] | None = None, rename: tuple[str, str] | None = None) -> str:
    """Return a schema with one field added or renamed."""
    schema = msgspec.json.decode(schema_text(name))  # type: ignore[arg-type]  # any of the four
    if rename:
        schema["fields"] = [f | {"name": rename[1]} if f["name"] == rename[0] else f for f in schema["fields"]]
    schema["fields"] += [add] if add else []
    return msgspec.json.encode(schema).decode()


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_newest_published_version_is_the_present_one(name: str) -> None:
    """An edited schema must be published: the file in history is the promise."""
    assert versions(name)[-1] == (SCHEMAS / f"{name}.avsc").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_newest_version_reads_all_older_ones(name: str) -> None:
    """BACKWARD_TRANSITIVE, as the registry will enforce it."""
    published = versions(name)

    for older in published:
        can_read(older, published[-1])


def test_all_schemas_have_a_history_and_no_other_has() -> None:
    """Every schema has a history, and every history a schema."""
    present = {file.stem for file in SCHEMAS.glob("*.avsc")}
    kept = {file.name.split(".")[0] for file in (SCHEMAS / "history").glob("*.avsc")}

    assert present == kept == set(SCHEMA_NAMES)


def test_newest_published_columns_are_the_present_ones() -> None:
    """An edited table must be published."""
    assert published_columns()[-1] == columns()


def test_columns_are_only_appended() -> None:
    """No table goes, and none moves, renames, retypes or removes a column."""
    for older in published_columns():
        for resource, shown in older.items():
            assert columns()[resource][: len(shown)] == shown


@pytest.mark.parametrize("schema", [change_schema, state_schema])
def test_newest_columns_read_all_older_ones(schema: Callable[[ColumnTable], Any]) -> None:
    """BACKWARD_TRANSITIVE, for the records of each typed topic; the version before a table's last column is one of them."""
    for resource, shown in columns().items():
        newest = msgspec.json.encode(schema(table(resource, shown))).decode()
        published = [older[resource] for older in published_columns() if resource in older]
        for older in [*published, shown[:-1]]:
            can_read(msgspec.json.encode(schema(table(resource, older))).decode(), newest, records=3)


def test_field_with_a_default_may_be_added() -> None:
    """The check accepts allowed changes."""
    can_read(schema_text("outcome"), edited("outcome", add={"name": "note", "type": "string", "default": ""}))


@pytest.mark.parametrize("change", [{"add": {"name": "note", "type": "string"}}, {"rename": ("reason", "why")}])
def test_check_notices_what_would_break_consumers(change: dict[str, Any]) -> None:
    """A field without a default, and a renamed one."""
    with pytest.raises((SchemaParseException, fastavro.read.SchemaResolutionError)):
        can_read(schema_text("outcome"), edited("outcome", **change))


if __name__ == "__main__":
    newest = msgspec.json.format(msgspec.json.encode(columns()), indent=1).decode()
    (SCHEMAS / "history" / f"columns.{len(published_columns()) + 1}.json").write_text(f"{newest}\n", encoding="utf-8")

"""Every published schema is frozen, and a consumer with the newest can read every record ever written.

After an edit of schemas/<name>.avsc copy it to schemas/history/<name>.<n+1>.avsc; a published version is never edited.
"""

import io
from pathlib import Path
from typing import Any

import fastavro
import fastavro.utils
import msgspec
import pytest
from fastavro.schema import SchemaParseException

from schemas.codec import SCHEMA_NAMES, schema_text

SCHEMAS = Path(__file__).parents[2] / "schemas"
RECORDS = 50  # per pair of versions; enough for every branch of a union to appear many times


def versions(name: str) -> list[str]:
    """Return the published texts of a schema, oldest first."""
    files = sorted((SCHEMAS / "history").glob(f"{name}.*.avsc"), key=lambda file: int(file.suffixes[-2][1:]))
    assert [file.name for file in files] == [f"{name}.{number}.avsc" for number in range(1, len(files) + 1)]
    return [file.read_text(encoding="utf-8") for file in files]


def can_read(writer_text: str, reader_text: str) -> None:
    """Fail unless records of one schema, generated ones, can be read with another."""
    writer, reader = (fastavro.parse_schema(msgspec.json.decode(text)) for text in (writer_text, reader_text))
    for record in fastavro.utils.generate_many(writer, RECORDS):
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, writer, record)
        buffer.seek(0)
        fastavro.schemaless_reader(buffer, writer, reader)


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


def test_field_with_a_default_may_be_added() -> None:
    """The check accepts allowed changes."""
    can_read(schema_text("outcome"), edited("outcome", add={"name": "note", "type": "string", "default": ""}))


@pytest.mark.parametrize("change", [{"add": {"name": "note", "type": "string"}}, {"rename": ("reason", "cause")}])
def test_check_notices_what_would_break_consumers(change: dict[str, Any]) -> None:
    """A field without a default, and a renamed one."""
    with pytest.raises((SchemaParseException, fastavro.read.SchemaResolutionError)):
        can_read(schema_text("outcome"), edited("outcome", **change))

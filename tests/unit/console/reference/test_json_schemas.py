"""The JSON Schema of a resource accepts what its columns describe, and whatever else a provider may add."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from console.reference.json_schemas import TYPES, json_schema, schema_files
from schemas.typed.columns import Column, ColumnTable, Kind, column_tables

KINDS: tuple[Kind, ...] = get_args(Kind)
TABLE = ColumnTable(
    "acme",
    "order",
    "made up",
    tuple(Column(f"a_{kind}", kind, f"The {kind} of an order.") for kind in KINDS),
    "An order.",
)
VALIDATOR = Draft202012Validator(json_schema(TABLE), format_checker=Draft202012Validator.FORMAT_CHECKER)
DOCUMENT: dict[str, Any] = {
    "a_boolean": True,
    "a_long": 788032119674292922,
    "a_string": "Track jacket",
    "a_time": "2026-11-02T10:00:00+01:00",
    "a_seconds": 1793613600,
    "a_decimal": "-12.50",
    "a_number": 12.5,
    "a_json": [{"sku": "TJ-S"}],
}


@pytest.mark.parametrize("table", [TABLE, *column_tables()], ids=lambda table: f"{table.provider}/{table.resource}")
def test_schema_is_a_valid_schema(table: ColumnTable) -> None:
    """Draft 2020-12, for the made-up table and for each that there is."""
    Draft202012Validator.check_schema(json_schema(table))


@pytest.mark.parametrize(
    "document",
    [
        DOCUMENT,
        {},  # a rendering may leave every field out
        dict.fromkeys(DOCUMENT),  # every column may be null
        DOCUMENT | {"new_field": {"of": "the provider"}},
    ],
)
def test_document_is_valid(document: dict[str, Any]) -> None:
    """Nothing is required, and more fields are allowed."""
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("a_boolean", "true"),
        ("a_long", 1.5),
        ("a_string", 1),
        ("a_seconds", "1793613600"),
        ("a_decimal", "12,50"),
        ("a_decimal", 12.5),
        ("a_number", "12.5"),
    ],
)
def test_misfit_is_told_from_what_fits(column: str, value: object) -> None:
    """A value of another type than its column's is what `_misfits` names."""
    assert [list(error.path) for error in VALIDATOR.iter_errors(DOCUMENT | {column: value})] == [[column]]


def test_every_kind_has_a_type_and_every_column_its_sentence() -> None:
    """A kind added to the column tables fails here until its JSON is known."""
    properties = json_schema(TABLE)["properties"]

    assert set(TYPES) == set(KINDS)
    assert json_schema(TABLE)["description"] == "An order. Fields: made up."
    assert properties["a_string"]["description"] == "The string of an order."
    assert properties["a_seconds"]["description"] == "The seconds of an order. Seconds since 1970, UTC."


def test_schema_has_a_file_per_resource() -> None:
    """At docs/schemas/<provider>/<resource>.json, in the order of the columns."""
    ((path, text),) = schema_files([TABLE])

    assert path == Path("acme/order.json")
    assert list(json.loads(text)["properties"]) == [column.name for column in TABLE.columns]

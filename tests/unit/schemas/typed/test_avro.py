"""The schemas of typed topics: the generic envelopes with a typed resource."""

import io
from decimal import Decimal
from typing import Any

import fastavro
import msgspec
import pytest

from schemas.codec import schema_text
from schemas.typed.avro import TYPES, change_schema, resource_schema, state_schema
from schemas.typed.columns import Column, ColumnTable
from schemas.typed.encode import encoder
from schemas.typed.envelope import RESOURCE_FIELDS
from tests.support.builders.typed import KINDS, TABLE, table

NULL_OR_ORDER_LINE = ["null", "penstock.shopify.OrderLine"]
LINE = table(("id", "long"), ("price", "decimal"), resource="order_line")


def test_resource_has_a_nullable_field_for_each_column() -> None:
    """In the table's order, with its sentence and its kind, then the four fields that make the record lossless."""
    schema = resource_schema(LINE)

    assert (schema["namespace"], schema["name"]) == ("penstock.shopify", "OrderLine")
    assert schema["fields"][0] == {
        "name": "id",
        "type": ["null", "long"],
        "default": None,
        "doc": "A column.",
        "kind": "long",
    }
    names = [field["name"] for field in schema["fields"]]
    assert names == ["id", "price", "_extra", "_nulls", "_misfits", "_utc_offset"]
    assert all("default" in field and field["doc"] for field in schema["fields"])


def test_every_kind_has_a_type() -> None:
    """A kind that is added without a type fails here."""
    assert tuple(TYPES) == KINDS


@pytest.mark.parametrize(("made", "name"), [(change_schema(TABLE), "change"), (state_schema(TABLE), "state")])
def test_envelope_is_the_generic_one_but_for_the_resource(made: dict[str, Any], name: Any) -> None:
    """All other fields, their order, defaults and sentences are those of the .avsc file."""
    generic = msgspec.json.decode(schema_text(name))
    fields = {field["name"]: field for field in generic["fields"]}

    assert [field["name"] for field in made["fields"]] == list(fields)
    for field in made["fields"]:
        if field["name"] == "source":
            assert field["type"].pop("namespace") == generic["namespace"]
        if field["name"] not in RESOURCE_FIELDS:
            assert field == fields[field["name"]]


def test_resource_is_defined_once_and_then_named() -> None:
    """Avro allows one definition; `after` refers to that of `before`."""
    before, after = (field for field in change_schema(LINE)["fields"] if field["name"] in RESOURCE_FIELDS)
    (document,) = (field for field in state_schema(LINE)["fields"] if field["name"] in RESOURCE_FIELDS)

    assert (before["type"], after["type"]) == (["null", resource_schema(LINE)], NULL_OR_ORDER_LINE)
    assert document["type"] == resource_schema(LINE)
    assert "JSON" not in f"{before['doc']}{after['doc']}{document['doc']}"


@pytest.mark.parametrize("resource", ["source", "change", "state", "order_line"])
def test_names_of_a_resource_and_of_an_envelope_never_meet(resource: str) -> None:
    """Stripe has a resource `source`, and the envelope a record `Source`."""
    thing = table(("id", "long"), provider="stripe", resource=resource)

    for schema in (change_schema(thing), state_schema(thing)):
        fastavro.parse_schema(schema)
        assert schema["namespace"] == f"penstock.stripe.{resource}"


def test_appended_column_is_a_compatible_change() -> None:
    """A newer reader reads what an older writer wrote, and an older reader what a newer one wrote."""
    newer = ColumnTable(
        LINE.provider, LINE.resource, LINE.source, (*LINE.columns, Column("sku", "string", "Its name."))
    )
    shown = {"id": 5, "price": "12.50"}

    for writer, reader in ((LINE, newer), (newer, LINE)):
        schemas = [fastavro.parse_schema(resource_schema(each)) for each in (writer, reader)]
        found: Any = fastavro.schemaless_reader(io.BytesIO(encoder(writer)(shown).body), *schemas)
        assert (found["id"], found["price"], found["_extra"]) == (5, Decimal("12.5"), {})


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("_extra",), "'_extra'"),
        (("+1",), "'\\+1'"),
        (("id'] or 1 or x['",), "expected names of letters"),
        (("id", "id"), "the column that occurs twice"),
    ],
)
def test_wrong_name_is_refused(names: tuple[str, ...], message: str) -> None:
    """The message names it; such a field needs no column, because `_extra` keeps it."""
    with pytest.raises(ValueError, match=message):
        resource_schema(table(*((name, "long") for name in names)))

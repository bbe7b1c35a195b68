"""Envelopes are written as fastavro writes them, and no field can be forgotten."""

import copy
import io
from types import SimpleNamespace
from typing import Any

import fastavro
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import SCHEMA_NAMES, SchemaName, document_json, parse_schema, schema_text, wire_prefix
from schemas.typed.avro import change_schema, state_schema
from schemas.typed.encode import encoder
from schemas.typed.envelope import FEW_VALUES, RESOURCE_FIELDS, envelope_encoder, source
from tests.support.builders.typed import TABLE, documents, texts
from tests.support.oracle.typed_record import record

PREFIX = wire_prefix(258)
SCHEMAS: dict[SchemaName, Any] = {name: msgspec.json.decode(schema_text(name)) for name in SCHEMA_NAMES}
ENCODERS = {name: envelope_encoder(schema) for name, schema in SCHEMAS.items()}
TYPED = {"change": change_schema(TABLE), "state": state_schema(TABLE)}
TYPED_ENCODERS = {name: envelope_encoder(schema) for name, schema in TYPED.items()}
ENCODE = encoder(TABLE)

longs = st.integers(-(2**63), 2**63 - 1)
STRATEGIES: dict[str, st.SearchStrategy[Any]] = {
    "string": texts | st.text(st.characters(exclude_categories=["Cs"]), min_size=60, max_size=200),
    "bytes": st.binary(max_size=200),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": longs,
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Return a strategy of the values of an Avro type: whatever the schema comes to hold is tried."""
    if isinstance(kind, list):
        return st.one_of(*(st.none() if each == "null" else values_of(each) for each in kind))
    if isinstance(kind, str):
        return STRATEGIES[kind]
    if kind["type"] == "array":
        return st.lists(values_of(kind["items"]), max_size=3)
    if kind["type"] == "map":
        return st.dictionaries(texts, values_of(kind["values"]), max_size=3)
    if kind["type"] == "record":
        return st.fixed_dictionaries({field["name"]: values_of(field["type"]) for field in kind["fields"]})
    return values_of(kind["type"])


def generic_records(name: SchemaName) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy of the records of one schema; resources are JSON texts."""
    return values_of(SCHEMAS[name])


def written(schema: Any, value: dict[str, Any]) -> bytes:
    """Return a message as fastavro writes it."""
    buffer = io.BytesIO(PREFIX)
    buffer.seek(0, io.SEEK_END)
    fastavro.schemaless_writer(buffer, schema, value)
    return buffer.getvalue()


def as_arguments(made: dict[str, Any]) -> dict[str, Any]:
    """Return the record as the encoder takes it: resources as UTF-8, a nested record as an object with attributes."""
    return {name: as_argument(name, value) for name, value in made.items()}


def as_argument(name: str, value: Any) -> Any:
    """Return the value of one field as the encoder takes it."""
    if name in RESOURCE_FIELDS and value is not None:
        return value.encode()
    return SimpleNamespace(**value) if name == "source" and isinstance(value, dict) else value


@pytest.mark.parametrize("name", SCHEMA_NAMES)
@given(st.data())
def test_envelope_is_written_as_by_fastavro(name: SchemaName, data: st.DataObject) -> None:
    """For any values of every field; a text of 64 bytes and more has two bytes of length."""
    made = data.draw(generic_records(name))

    assert ENCODERS[name](PREFIX, **as_arguments(made)) == written(parse_schema(schema_text(name)), made)


@given(generic_records("change"), st.none() | documents(), st.none() | documents())
def test_typed_change_contains_the_bytes_of_its_resources(made: Any, before: Any, after: Any) -> None:
    """A nested record is only its bytes: the encoder splices what `encoder` gave, and fastavro writes the same."""
    expected = {
        **made,
        "before": None if before is None else record(before, TABLE),
        "after": None if after is None else record(after, TABLE),
    }
    spliced = {
        "before": None if before is None else ENCODE(before).body,
        "after": None if after is None else ENCODE(after).body,
    }

    message = TYPED_ENCODERS["change"](PREFIX, **{**as_arguments(made), **spliced})

    assert message == written(fastavro.parse_schema(copy.deepcopy(TYPED["change"])), expected)


@given(generic_records("state"), documents())
def test_typed_state_contains_the_bytes_of_its_resource(made: Any, document: Any) -> None:
    """The same for the document of a state, which is never null."""
    message = TYPED_ENCODERS["state"](PREFIX, **{**made, "document": ENCODE(document).body})

    expected = {**made, "document": record(document, TABLE)}
    assert message == written(fastavro.parse_schema(copy.deepcopy(TYPED["state"])), expected)


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_new_field_of_a_schema_cannot_be_forgotten(name: SchemaName) -> None:
    """A field that a schema gets is required, even with a default in Avro; and no other is taken."""
    schema = {**SCHEMAS[name], "fields": [*SCHEMAS[name]["fields"], {"name": "new", "type": "string", "default": ""}]}
    made: dict[str, Any] = dict.fromkeys(field["name"] for field in SCHEMAS[name]["fields"])

    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'new'"):
        envelope_encoder(schema)(PREFIX, **made)
    with pytest.raises(TypeError, match="unexpected keyword argument 'new'"):
        ENCODERS[name](PREFIX, **made, new="")


@pytest.mark.parametrize(
    "kind",
    [
        "float",
        ["string", "null"],
        ["null", "string", "long"],
        {"type": "array", "items": "long"},
        {"type": "map", "values": "long"},
        {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2},
        ["null", {"type": "record", "name": "Inner", "fields": []}],
    ],
)
def test_type_without_an_encoder_is_refused(kind: Any) -> None:
    """A type that no envelope has used yet fails when the encoder is made, not when a record is written."""
    with pytest.raises(ValueError, match="field odd: no encoder for the type"):
        envelope_encoder({"name": "Odd", "fields": [{"name": "odd", "type": kind}]})


@pytest.mark.parametrize("name", ["a b", "class", "prefix", "encoded", "COUNTS", "x=print('owned')", "a, b"])
def test_name_never_becomes_code(name: str) -> None:
    """A field's name must be an identifier that the code does not use."""
    with pytest.raises(ValueError, match="can be an argument in Python"):
        envelope_encoder({"name": "Odd", "fields": [{"name": name, "type": "string"}]})


def test_name_in_a_nested_record_never_becomes_code() -> None:
    """There a field is an attribute, so the same holds."""
    inner = {"type": "record", "name": "Inner", "fields": [{"name": "x or print('owned')", "type": "string"}]}

    with pytest.raises(ValueError, match="can be an argument in Python"):
        source({"name": "Odd", "fields": [{"name": "inner", "type": inner}]})


def test_every_name_with_few_values_is_a_field() -> None:
    """A renamed field would silently lose its cache."""
    names = {field["name"] for schema in SCHEMAS.values() for field in schema["fields"]}
    (nested,) = (field["type"] for field in SCHEMAS["change"]["fields"] if field["name"] == "source")
    names |= {field["name"] for field in nested["fields"]}

    assert names >= FEW_VALUES
    assert names >= RESOURCE_FIELDS


def test_json_text_of_a_generic_change_is_given_as_bytes() -> None:
    """The pipeline has documents as UTF-8: the encoder copies them, and fastavro would need them decoded first."""
    text = document_json({"name": "Müller", "price": 5})
    made: dict[str, Any] = {field["name"]: None for field in SCHEMAS["state"]["fields"]}
    made |= dict.fromkeys(("resource_key", "tenant", "resource_type", "resource_id", "event_id"), "") | {
        "emitted_at": 1
    }

    message = ENCODERS["state"](b"", **{**made, "document": text})

    assert text in message

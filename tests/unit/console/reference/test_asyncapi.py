"""docs/asyncapi.yaml is valid by the JSON Schema of AsyncAPI 3.0.0, its references lead somewhere, and it has every topic."""

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import fastavro
import pytest
import yaml
from jsonschema import Draft7Validator

from config.model import Configuration
from console.check.reachable_topics import reachable
from console.reference.asyncapi import asyncapi_document
from console.reference.topics import SAMPLE
from providers.registry import PROVIDERS
from schemas.codec import SCHEMA_NAMES
from schemas.typed.resource import typed_resource

ROOT = Path(__file__).parents[4]
SPECIFICATION = ROOT / "tests" / "fixtures" / "asyncapi" / "3.0.0.json.gz"
SHA256 = "abe96881dbfaad495ccbb6bd8d3fb43ca18a13b9d7564849ccb66f39d5e5b20f"  # of the file in the npm package

Document = dict[str, Any]


@cache
def validator() -> Draft7Validator:
    """Return the validator of the specification, which is exactly the published one."""
    text = gzip.decompress(SPECIFICATION.read_bytes())
    assert hashlib.sha256(text).hexdigest() == SHA256
    return Draft7Validator(json.loads(text))


def committed() -> Document:
    """Return the committed document."""
    found: Document = yaml.safe_load((ROOT / "docs" / "asyncapi.yaml").read_text(encoding="utf-8"))
    return found


def references(node: object) -> Iterator[str]:
    """Yield every `$ref` in a document."""
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "$ref")
        yield from (found for value in node.values() for found in references(value))
    elif isinstance(node, list):
        yield from (found for value in node for found in references(value))


def target(document: Document, reference: str) -> object:
    """Return what a reference leads to: within the document, or a file beside it."""
    if not reference.startswith("#/"):
        return json.loads((ROOT / "docs" / reference).read_text(encoding="utf-8"))
    node: Any = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_document_is_valid() -> None:
    """By the specification, with the Kafka bindings and the Avro schemas in it."""
    assert [error.message for error in validator().iter_errors(committed())] == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("asyncapi",), "2.0.0"),
        (("channels", "outcomes", "messages"), []),
        (("channels", "outcomes", "bindings", "kafka", "partitions"), "four"),
        (("operations", "send_outcomes", "action"), "publish"),
        (("components", "schemas", "Outcome", "schema", "fields"), {}),
    ],
)
def test_mistake_is_noticed(place: tuple[str, ...], value: object) -> None:
    """The validator looks into channels, bindings, operations and Avro schemas."""
    document = asyncapi_document()
    node = document
    for part in place[:-1]:
        node = node[part]
    node[place[-1]] = value

    assert list(validator().iter_errors(document))


def test_references_lead_somewhere() -> None:
    """Every `$ref`; the specification's schema does not follow them."""
    document = committed()

    assert all(target(document, reference) for reference in references(document))


def test_avro_schemas_are_those_that_are_published() -> None:
    """Each record is there, and readable as a schema."""
    schemas = committed()["components"]["schemas"]
    records = [schemas[name]["schema"] for name in ("Change", "State", "Outcome", "DeadLetter", "Pending")]

    assert [fastavro.parse_schema(record)["name"] for record in records] == [
        "penstock.Change", "penstock.State", "penstock.Outcome", "penstock.DeadLetter", "penstock.Pending",
    ]  # fmt: skip
    assert len(records) == len(SCHEMA_NAMES)


def test_topics_of_a_resource_with_columns_have_its_own_messages() -> None:
    """Named by the resource; their schemas are the ones that the worker registers."""
    document = committed()
    message = document["components"]["messages"]["ShopifyOrderLineItemChange"]
    typed = typed_resource("shopify", "order_line_item")
    assert typed is not None

    assert "ShopifyOrderLineItemChange" in document["channels"]["changes_shopify"]["messages"]
    assert "ShopifyOrderLineItemChange" in document["channels"]["routed_changes"]["messages"]
    assert "GithubCommitChange" not in document["components"]["messages"]  # has no topic
    registered = json.loads(typed.schema_text("change"))
    assert target(document, message["payload"]["schema"]["$ref"]) == registered
    assert fastavro.parse_schema(registered)["name"] == "penstock.shopify.order_line_item.Change"


def test_every_topic_has_its_channel() -> None:
    """Each topic that a configuration with all providers leads to, Penstock's own changelogs excepted."""
    sources = [{"name": name, "provider": name, "secrets": ["env:SECRET"]} for name in PROVIDERS]
    configuration = Configuration.model_validate({**SAMPLE, "sources": sources, "routes": [{"name": "all"}]})
    document = committed()
    addresses = {topic for channel in document["channels"].values() for topic in covered(document, channel)}

    found = {topic for topic in reachable(configuration).topics if not topic.endswith("-changelog")}

    assert len(found) > 900
    assert found - addresses == set()


def covered(document: Document, channel: Document) -> Iterator[str]:
    """Yield the topics that a channel's address stands for, as far as its parameters list them."""
    parameters = channel.get("parameters", {})
    named = {name: target(document, reference["$ref"]) for name, reference in parameters.items()}
    values = [choices for parameter in named.values() for choices in parameter.get("enum", ["other"])]  # type: ignore[attr-defined]  # a mapping
    yield from (re.sub(r"{\w+}", value, channel["address"]) for value in values or [""])

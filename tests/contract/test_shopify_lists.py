"""The queries of Shopify's lists are such that its schema allows, and the fake answers them with values of the schema's types."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from graphql import GraphQLResolveInfo, GraphQLSchema, build_schema, execute_sync, parse, validate

from providers.api import Malformed
from providers.listing import Window
from providers.shopify.lists import LISTS, query_of
from providers.shopify.queries import INVENTORY_LEVEL, Query
from providers.shopify.stock_list import levels_query
from simulator.providers.clock import START
from simulator.providers.shopify.fake import ShopifyFake
from tests.support.builders import shopify_documents

SCHEMA = Path(__file__).parents[1] / "fixtures" / "shopify" / "admin.graphql"
EVERYTHING = Window(None, START)
NAMES = (*sorted(LISTS), INVENTORY_LEVEL)


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    """Give the part of Shopify's schema that is read."""
    return build_schema(SCHEMA.read_text())


@pytest.fixture
def fake() -> ShopifyFake:
    """Give a fake with one resource of each type, and one that was deleted."""
    shown = ShopifyFake()
    for kind in ("product", "customer", "order", "collection", "inventory_item", "inventory_level"):
        shown.put(kind, getattr(shopify_documents, kind)())
    for kind in ("product", "order", "collection"):
        shown.put(kind, getattr(shopify_documents, kind)() | {"id": 99})
        shown.delete(kind, "99")
    return shown


@pytest.mark.parametrize("name", NAMES)
def test_queries_are_valid(schema: GraphQLSchema, name: str) -> None:
    """Fields, arguments and enums exist."""
    assert validate(schema, parse(_query(name).text)) == []


def test_invalid_query_is_seen(schema: GraphQLSchema) -> None:
    """The check is able to fail: variants cannot be sorted by their update time."""
    assert validate(schema, parse(_query("variant").text.replace("sortKey: ID", "sortKey: UPDATED_AT")))


@pytest.mark.parametrize("name", NAMES)
def test_fakes_replies_are_of_the_schemas_types(fake: ShopifyFake, schema: GraphQLSchema, name: str) -> None:
    """No null where the schema has none, no unknown enum, and something in every list."""
    query = _query(name)
    reply = msgspec.json.decode(msgspec.json.encode(fake.execute(query.text, query.variables)))

    result = execute_sync(
        schema,
        parse(query.text),
        root_value=reply["data"],
        variable_values=dict(query.variables),
        field_resolver=_shown,
        type_resolver=lambda *_: "BasicEvent",
    )

    assert result.errors is None
    assert result.data == reply["data"]
    assert reply["data"][query.places[0][0]]["nodes"]


def _query(name: str) -> Query:
    query = query_of(LISTS[name], EVERYTHING, None, 250) if name in LISTS else levels_query(EVERYTHING, None, 250)
    assert not isinstance(query, Malformed)
    return query


def _shown(source: Any, info: GraphQLResolveInfo[Any], **_arguments: Any) -> Any:
    return source[info.path.key]

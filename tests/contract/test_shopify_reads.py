"""A read of Shopify's API shows what its webhook shows, and is a query that Shopify's schema allows.

The fake makes both from one state, by a mapping of its own. Its replies are checked against the schema too, so that it cannot
drift into our wishes.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from graphql import GraphQLResolveInfo, GraphQLSchema, build_schema, execute_sync, parse, validate

from providers.api import Fetched, Wanted
from providers.base import Parsed, SignedRequest
from providers.shopify.api import ShopifyApi
from providers.shopify.fetched import READABLE, parse_fetched
from providers.shopify.provider import Shopify
from providers.shopify.queries import CHECK, page_query, resources_query
from providers.shopify.selections import SELECTIONS
from schemas.codec import document_json
from schemas.records import Document, Snapshot
from simulator.providers.clock import START
from simulator.providers.shopify.fake import TOKEN, ShopifyFake
from streams.steps.partial_documents import merged_partial
from tests.support.builders import shopify_documents
from tests.support.builders.provider_requests import raw_delivery
from tests.support.processes.fake_api import FakeApi, fake_api

SCHEMA = Path(__file__).parents[1] / "fixtures" / "shopify" / "admin.graphql"
DOCUMENTS: dict[str, Callable[[], Document]] = {
    "product": shopify_documents.product,
    "customer": shopify_documents.customer,
    "order": shopify_documents.order,
    "collection": shopify_documents.collection,
    "inventory_item": shopify_documents.inventory_item,
    "inventory_level": shopify_documents.inventory_level,
}
TOPICS = {
    "product": "products/update",
    "customer": "customers/update",
    "order": "orders/updated",
    "collection": "collections/update",
    "inventory_item": "inventory_items/update",
    "inventory_level": "inventory_levels/update",
}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    """Give the part of Shopify's schema that is read."""
    return build_schema(SCHEMA.read_text())


@pytest.fixture(scope="module")
def served() -> Iterator[FakeApi]:
    """Give the address of every test's fake."""
    with fake_api() as shown:
        yield shown


@pytest.fixture
def fake(served: FakeApi) -> ShopifyFake:
    """Give a fake with one resource of each type."""
    shown = ShopifyFake()
    served.show(shown)
    for resource_type, document in DOCUMENTS.items():
        shown.put(resource_type, document())
    return shown


@pytest.fixture
async def client(served: FakeApi, fake: ShopifyFake) -> AsyncIterator[ShopifyApi]:
    """Give a client of the fake."""
    connected = ShopifyApi(served.url, lambda: TOKEN)
    yield connected
    await connected.close()


@pytest.mark.parametrize("resource_type", sorted(DOCUMENTS))
async def test_read_changes_nothing_that_a_webhook_has_shown(
    fake: ShopifyFake, client: ShopifyApi, resource_type: str
) -> None:
    """Merged into the webhook's document, a read of the same state makes no difference; names and parents are the same."""
    by_webhook = _snapshot(resource_type, fake.webhook(resource_type, _name(resource_type)))

    root, *others = await _fetched(client, Wanted(resource_type, _name(resource_type)))

    assert by_webhook.document is not None
    assert root.document is not None
    stored = document_json(by_webhook.document)
    assert _differences(stored, merged_partial(stored, document_json(root.document), root)) <= root.volatile
    assert _identity(root) == _identity(by_webhook)
    assert root.version == by_webhook.version
    assert others == []


@pytest.mark.parametrize("resource_type", sorted(DOCUMENTS))
async def test_read_shows_every_change(fake: ShopifyFake, client: ShopifyApi, resource_type: str) -> None:
    """Each field that a selection asks for is taken from the reply: none keeps its stored value by a wrong name."""
    document = DOCUMENTS[resource_type]()
    kept = {"grams", "image_id", "old_inventory_quantity"}
    (root, *_) = await _fetched(client, Wanted(resource_type, _name(resource_type)))
    assert root.document is not None

    missing = document.keys() - root.document.keys() - kept
    assert missing == {
        "product": {"images", "published_scope"},
        "customer": {"currency"},
        "order": {"fulfillments", "refunds", "order_number", "token"},
        "collection": {"published_at", "published_scope"},
    }.get(resource_type, set())
    assert root.document.keys() - fake.webhook(resource_type, _name(resource_type)).keys() == set()


async def test_variants_beyond_the_first_hundred_are_those_of_the_state(fake: ShopifyFake, client: ShopifyApi) -> None:
    """A product with 250 variants: the webhook lists 100, a read brings all, the others beside the product."""
    fake.put("product", shopify_documents.product(variants=250))
    shown = fake.webhook("product", "7")

    root, *others = await _fetched(client, Wanted("product", "7"))

    assert len(shown["variants"]) == 100
    assert root.document is not None
    stored = document_json(shown)
    assert _differences(stored, merged_partial(stored, document_json(root.document), root)) <= {"variant_gids"}
    assert [other.resource_id for other in others] == [str(number) for number in range(101, 251)]
    for other in others:
        assert other.document is not None
        whole = document_json(shopify_documents.variant(int(other.resource_id)))
        assert merged_partial(whole, document_json(other.document), other) == whole


async def test_variant_alone_is_that_of_its_product(fake: ShopifyFake, client: ShopifyApi) -> None:
    """It names its product, and differs in nothing from the element of the product's list."""
    (root,) = await _fetched(client, Wanted("variant", "2"))

    assert root.document is not None
    assert root.parent == ("product", "7")
    whole = document_json(shopify_documents.variant(2))
    assert merged_partial(whole, document_json(root.document), root) == whole


def test_queries_are_valid(schema: GraphQLSchema) -> None:
    """Every text that is sent asks for fields that exist, with arguments and selections where they belong."""
    texts = [CHECK, *(resources_query(resource_type, ["1:2", "3:4"]).text for resource_type in READABLE)]
    texts += [page_query(name, "1", "x").text for name, selection in SELECTIONS.items() if selection.paged]

    assert {text: validate(schema, parse(text)) for text in texts} == {text: [] for text in texts}


def test_invalid_query_is_seen(schema: GraphQLSchema) -> None:
    """The check is able to fail."""
    assert validate(schema, parse('{ nodes(ids: ["x"]) { ... on Product { body_html } } }'))


@pytest.mark.parametrize("resource_type", sorted(READABLE))
async def test_fakes_replies_are_of_the_schemas_types(
    fake: ShopifyFake, served: FakeApi, schema: GraphQLSchema, resource_type: str
) -> None:
    """No null where the schema has none, no unknown enum, no text for a number."""
    query = resources_query(resource_type, [_name(resource_type)])
    reply = msgspec.json.decode(msgspec.json.encode(fake.execute(query.text, query.variables)))

    result = execute_sync(
        schema,
        parse(query.text),
        root_value=reply["data"],
        variable_values=dict(query.variables),
        field_resolver=_shown,
        type_resolver=lambda value, _info, _kind: value["__typename"],
    )

    assert result.errors is None
    assert result.data == reply["data"]


def _shown(source: Any, info: GraphQLResolveInfo[Any], **_arguments: Any) -> Any:
    return source[info.path.key]


def _name(resource_type: str) -> str:
    if resource_type == "variant":
        return "2"
    document = DOCUMENTS[resource_type]()
    if resource_type == "inventory_level":
        return f"{document['inventory_item_id']}:{document['location_id']}"
    return str(document["id"])


def _identity(snapshot: Snapshot) -> tuple[Any, ...]:
    return snapshot.resource_type, snapshot.resource_id, snapshot.parent, snapshot.children, snapshot.is_shared


def _differences(stored: bytes, merged: bytes) -> set[str]:
    before, after = msgspec.json.decode(stored), msgspec.json.decode(merged)
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


async def _fetched(client: ShopifyApi, wanted: Wanted) -> tuple[Snapshot, ...]:
    fetched = (await client.read([wanted])).results[wanted]
    assert isinstance(fetched, Fetched), fetched
    parsed = parse_fetched(wanted.resource_type, fetched.document, START)
    assert isinstance(parsed, Parsed)
    return parsed.snapshots


def _snapshot(resource_type: str, document: Document) -> Snapshot:
    headers = {"x-shopify-topic": TOPICS[resource_type], "x-shopify-webhook-id": "1"}
    request = SignedRequest(headers, document_json(document))
    parsed = Shopify().parse(raw_delivery("shopify", Shopify().identify("acme", request), request))
    assert isinstance(parsed, Parsed), parsed
    return parsed.snapshots[0]

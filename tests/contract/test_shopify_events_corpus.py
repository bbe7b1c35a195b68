"""Shopify's Next Gen Events beside its own samples: one content as a webhook and as an event, and the tables of names."""

import pytest

from providers.registry import provider
from providers.shopify.graphql import id_fields, snake
from providers.shopify.graphql_fields import FIELDS
from providers.shopify.provider import Shopify
from providers.shopify.topics import topic_rule
from schemas import codec
from schemas.records import Document
from streams.steps.routing import Routes
from tests.support.builders.corpora import shopify_payloads
from tests.support.builders.deliveries import Pipeline
from tests.support.builders.shopify_events import classic, delivery, request

SHOPIFY = Shopify()
SAMPLES: dict[str, Document] = {topic: codec.document(body) for topic, body in shopify_payloads()}
MAIN = {
    "Collection": "collections/update",
    "Customer": "customers/update",
    "DraftOrder": "draft_orders/update",
    "InventoryItem": "inventory_items/update",
    "Location": "locations/update",
    "Order": "orders/updated",
    "Product": "products/update",
}
# Fields that GraphQL has and the webhooks lack; the merged document has both.
GRAPHQL_ALONE = {
    *("presentment_currency", "subtotal_price_set", "total_outstanding_set", "total_price_set", "total_tax_set"),
    *("total_tip_received_set", "variant_id", "tags"),  # tags of a customer, until 2025
}


def camel(name: str) -> str:
    """Return a webhook's name as GraphQL's: `body_html` becomes `bodyHtml`."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


@pytest.mark.parametrize("topic", MAIN)
@pytest.mark.parametrize("is_event_first", [True, False])
def test_sample_and_its_event_lose_no_field(topic: str, is_event_first: bool) -> None:
    """For every main resource: the sample as a webhook, and the same content as an event with other lists."""
    whole = SAMPLES[MAIN[topic]]
    gid = whole["admin_graphql_api_id"]
    node = {camel(name): value for name, value in whole.items() if not isinstance(value, dict | list)} | {"id": gid}
    field = topic[0].lower() + topic[1:]
    body = {"topic": topic, "action": "update", "query_variables": {f"{field}Id": gid}, "data": {field: node}}
    posted = [request(body, shopify_topic=topic), classic(whole, MAIN[topic])]

    pipeline = Pipeline(Routes({"acme": provider("shopify")}))
    for index, sent in enumerate(posted if is_event_first else reversed(posted)):
        pipeline.decide(delivery(sent, f"delivery-{index}"))

    key = SHOPIFY.identify("acme", posted[0]).key
    assert key == SHOPIFY.identify("acme", posted[1]).key
    stored = codec.decode_latest(pipeline.latest[key.encode()]).document
    assert stored is not None
    document = codec.document(stored)
    assert whole.keys() <= document.keys()
    assert {name: document[name] for name in whole} == whole


@pytest.mark.parametrize("topic", sorted(MAIN.values()))
def test_fields_of_the_table_are_those_of_the_webhooks(topic: str) -> None:
    """A name that no webhook has would stand beside the field that it is meant to be."""
    sample = SAMPLES[topic]
    names = {
        name
        for rule in FIELDS.get(topic_rule(topic).resource_type, {}).values()
        for name in rule.names
        if name not in GRAPHQL_ALONE
    }

    assert names - sample.keys() == set()


def test_ids_are_written_as_the_samples_write_them() -> None:
    """A number and a gid, or one of them: the table of forms holds for every sample that shows a gid."""
    differing = {}
    for topic, sample in SAMPLES.items():
        rule = topic_rule(topic)
        gid = sample.get("admin_graphql_api_id") or sample.get("id")
        shown = {name for name in ("id", "admin_graphql_api_id") if sample.get(name) is not None}
        is_main = not rule.is_notice and not rule.parent_type and not rule.is_deletion and not rule.is_of_shop
        if is_main and isinstance(gid, str) and gid.startswith("gid://") and gid.rpartition("/")[2]:
            written = id_fields(rule.resource_type, gid).keys()
            if written != shown:
                differing[topic] = (set(written), shown)

    assert differing == {}


def test_names_of_the_webhooks_are_found_again() -> None:
    """Every name in the samples, made a GraphQL name, becomes itself again."""
    names = {name for sample in SAMPLES.values() for name in sample if name.isidentifier() and name.islower()}

    assert {name for name in names if snake(camel(name)) != name} == set()
    assert len(names) > 200

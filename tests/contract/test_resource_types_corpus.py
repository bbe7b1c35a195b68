"""Every resource type in the providers' own examples has topics of its own: a missing one would move to `other`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from providers.base import Parsed
from providers.registry import provider
from providers.shopify.topics import topic_rule
from schemas.records import RawDelivery
from tests.support.builders.corpora import corpora, read_corpus, shopify_payloads
from tests.support.builders.deliveries import real_delivery

GITHUB = [
    (file.parent.name, file.read_bytes())
    for file in sorted((corpora() / "github").glob("*/*.json"))
    if file.parent.name != "ping"
]
SHOPIFY = shopify_payloads()
STRIPE_TYPES = (corpora() / "stripe/EVENT_TYPES.txt").read_text().split()
BIGCOMMERCE = sorted((Path(__file__).parents[1] / "fixtures" / "bigcommerce").glob("*.json"))
NAMELESS = {"collection_publications/delete", "product_publications/delete"}  # dead letters: no id in the sample


def shown(delivery: RawDelivery) -> set[str]:
    """Return the resource types that a delivery shows, and that its documents may list."""
    parsed = provider(delivery.provider).parse(delivery)
    assert isinstance(parsed, Parsed), parsed
    listed = {rule.resource_type for snapshot in parsed.snapshots for rule in snapshot.children}
    return listed | {snapshot.resource_type for snapshot in parsed.snapshots}


def missing(name: str, deliveries: Iterator[RawDelivery]) -> set[str]:
    """Return the types of examples that are not in a provider's table."""
    types = set().union(*map(shown, deliveries))
    assert len(types) > 5, "examples are missing"
    return types - set(provider(name).resource_types)


def test_github_examples_have_topics() -> None:
    """All events of octokit's examples."""
    assert missing("github", (real_delivery("github", body, event) for event, body in GITHUB)) == set()


def test_shopify_samples_have_topics() -> None:
    """Every sample under its topic, and every documented topic, those without a sample included."""
    deliveries = (
        real_delivery("shopify", body, topic, headers={"x-shopify-shop-domain": "acme.myshopify.com"})
        for topic, body in SHOPIFY
        if topic not in NAMELESS
    )
    lines = (corpora() / "shopify" / "TOPICS-2026-04.tsv").read_text().splitlines()[1:]
    documented = {topic_rule(line.split("\t")[0]).resource_type for line in lines}

    assert missing("shopify", deliveries) == set()
    assert documented - set(provider("shopify").resource_types) == set()


def test_stripe_objects_have_topics() -> None:
    """Every object of the API's fixtures, in an event."""
    resources = read_corpus("stripe/openapi-fixtures/openapi/fixtures3.json")["resources"].values()
    objects = [resource for resource in resources if resource.get("object") not in {None, "list", "event"}]

    assert missing("stripe", (_stripe("thing.updated", each) for each in objects)) == set()


def test_captured_stripe_events_have_topics() -> None:
    """Those of a Connect platform."""
    files = sorted((corpora() / "stripe/dj-stripe/tests/fixtures").glob("event_*.json"))
    types = set().union(*(shown(real_delivery("stripe", file.read_bytes())) for file in files))

    assert types
    assert types - set(provider("stripe").resource_types) == set()


@pytest.mark.parametrize("event_type", STRIPE_TYPES)
def test_stripe_event_type_is_about_an_object_with_a_topic(event_type: str) -> None:
    """An event type begins with the kind of its object, or ends its family with it: `customer.tax_id.created`."""
    own, words = provider("stripe").resource_types, event_type.split(".")[:-1]
    candidates = {"_".join(words[first:]) for first in range(len(words))} | {"_".join(words[:1])}

    assert candidates & set(own)


def test_bigcommerce_fixtures_have_topics() -> None:
    """Every documented shape."""
    assert missing("bigcommerce", (real_delivery("bigcommerce", file.read_bytes()) for file in BIGCOMMERCE)) == set()


def _stripe(event_type: str, stripe_object: dict[str, Any]) -> RawDelivery:
    event = {"id": "evt_1", "object": "event", "type": event_type, "created": 1, "data": {"object": stripe_object}}
    return real_delivery("stripe", msgspec.json.encode(event))

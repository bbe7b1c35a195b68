"""Which resource types have topics of their own: finite tables, valid for Kafka, that no sender can extend."""

import msgspec
import pytest
from pydantic import TypeAdapter

from config.model import Source
from config.names import ResourceType
from providers.base import Parsed
from providers.bigcommerce.rules import RULES
from providers.github.events import NAMED_LIKE_THE_RESOURCE
from providers.github.events import RULES as GITHUB_RULES
from providers.github.provider import GitHub
from providers.registry import PROVIDERS, provider, provider_of
from providers.shopify.topics import events_rule
from schemas.topics import OTHER, PRIORITIES, changes_topic, lane_topic, state_topic
from tests.support.builders.deliveries import real_delivery

FIXED = tuple(name for name in PROVIDERS if name not in {"generic", "standard"})
KAFKA_CHARS = 249


@pytest.mark.parametrize("name", FIXED)
def test_every_type_is_fit_for_a_topic(name: str) -> None:
    """The rule for listed types applies: in particular none is called `other` or like a lane."""
    types = sorted(provider(name).resource_types)

    assert TypeAdapter(tuple[ResourceType, ...]).validate_python(types) == tuple(types)
    assert types


@pytest.mark.parametrize("name", PROVIDERS)
def test_topic_of_the_longest_type_fits_into_kafka(name: str) -> None:
    """The name includes its lane; 80 characters are the maximum for a listed type."""
    types = {*provider(name).resource_types, "x" * 80}
    topics = [lane_topic(changes_topic(name, each, types), lane) for each in types for lane in PRIORITIES]

    assert max(map(len, [*topics, *(state_topic(name, each, types) for each in types)])) <= KAFKA_CHARS


@pytest.mark.parametrize("name", FIXED)
def test_name_outside_the_table_shares_a_topic(name: str) -> None:
    """The origin of the name does not matter."""
    own = provider(name).resource_types

    assert {changes_topic(name, text, own) for text in ("evil_1", "evil_2", OTHER)} == {f"changes.{name}.other"}
    assert {state_topic(name, text, own) for text in ("evil_1", "evil_2", OTHER)} == {f"state.{name}.other"}


@pytest.mark.parametrize("event", sorted(NAMED_LIKE_THE_RESOURCE))
def test_event_without_a_rule_has_a_topic(event: str) -> None:
    """GitHub documents more events than need a rule; each shows a resource of its name."""
    parsed = GitHub().parse(real_delivery("github", b'{"action":"created","repository":{"id":1}}', event))

    assert isinstance(parsed, Parsed)
    assert [snapshot.resource_type for snapshot in parsed.snapshots] == [event]
    assert event in GitHub().resource_types
    assert event not in GITHUB_RULES


@pytest.mark.parametrize("family", sorted(RULES))
def test_scope_of_a_channel_has_a_topic(family: str) -> None:
    """With its own type, whether or not this delivery names the resource."""
    ids = {"id": 1, "uuid": "u", "order_id": 1, "price_list_ids": [1], "site_id": 1, "type": "local_option"}
    body = {"scope": f"store/channel/7/{family}/updated", "producer": "stores/x", "data": ids}
    parsed = provider("bigcommerce").parse(real_delivery("bigcommerce", msgspec.json.encode(body)))

    if isinstance(parsed, Parsed):
        assert {snapshot.resource_type for snapshot in parsed.snapshots} <= set(provider("bigcommerce").resource_types)
    assert RULES[family].resource_type in provider("bigcommerce").resource_types


@pytest.mark.parametrize(
    "resource", ["Product", "ProductVariant", "Order", "FulfillmentOrder", "Customer", "InventoryItem"]
)
def test_resource_of_the_new_events_has_a_topic(resource: str) -> None:
    """Shopify's new Events name resources, not topics."""
    assert events_rule(f"{resource}/update").resource_type in provider("shopify").resource_types


def test_source_lists_types_of_its_own() -> None:
    """Only the source can list the types of generic and standard senders; without a list all share a topic."""
    options = {"resource_types": ["order", "customer"]}
    sources = [
        Source.model_validate({"name": "a", "provider": name, "secrets": ["text:s"], "options": options})
        for name in ("generic", "standard")
    ]

    assert [provider_of(source).resource_types for source in sources] == [frozenset({"order", "customer"})] * 2
    assert [provider(source.provider).resource_types for source in sources] == [frozenset()] * 2


def test_types_for_a_provider_with_its_own_are_refused() -> None:
    """A list is refused where it has no effect."""
    with pytest.raises(ValueError, match="generic and standard only; shopify has its own"):
        provider("shopify", None, frozenset({"order"}))

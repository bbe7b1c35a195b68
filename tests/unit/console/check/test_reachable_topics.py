"""The number of topics that a configuration can lead to: counted for each kind of route, never exceeded by any post."""

from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import Configuration
from console.check.reachable_topics import Reachable, reachable, reachable_from
from providers.registry import PROVIDERS, provider
from schemas import codec
from schemas.records import RawDelivery
from streams.worker.encoder import Encoder
from streams.worker.settings import compiled_routes
from tests.support.builders.deliveries import START, Pipeline

OWN = frozenset({
    "webhooks.raw", "deliveries.outcomes", "deliveries.dead", "penstock.capture.seen-changelog",
    "penstock.capture.latest-changelog",
})  # fmt: skip
BODIES = (
    b'{"id":7,"title":"A"}',
    b'{"action":"opened","issue":{"id":7,"labels":[{"id":1}]},"repository":{"id":1},"surprise":{"id":3}}',
    b'{"id":"evt_1","object":"event","type":"x.updated","created":1,"data":{"object":{"id":"o","object":"surprise"}}}',
    b'{"type":"surprise.updated","data":{"id":"7"}}',
    b'{"scope":"store/surprise/updated","producer":"stores/x","data":{"id":7}}',
    b'{"id":7,"variants":[{"id":1}],"images":[{"id":2}]}',
)


def configured(*routes: dict[str, Any], listed: tuple[str, ...] = ("order",)) -> Configuration:
    """Return a configuration with a source of each provider, named like it."""
    sources: list[dict[str, Any]] = [{"name": name, "provider": name, "verify": "none"} for name in PROVIDERS]
    for source in sources:
        if source["name"] in {"generic", "standard"}:
            source["options"] = {"resource_types": listed}
    return Configuration.model_validate({"sources": sources, "routes": [{"name": "r", **route} for route in routes]})


def of(name: str, *routes: dict[str, Any]) -> Reachable:
    """Return the topics that deliveries of one source can lead to."""
    found = configured(*routes)
    source = found.source(name)
    assert source is not None
    return reachable_from(source, found.routes)


def test_source_leads_to_two_topics_for_each_type_and_two_for_all_others() -> None:
    """This holds without routes."""
    assert of("generic") == Reachable(
        frozenset({"changes.generic.order", "changes.generic.other"}),
        frozenset({"state.generic.order", "state.generic.other"}),
    )


@pytest.mark.parametrize(
    ("routes", "changes", "copies"),
    [
        ([{"resource": "order"}], {"changes.generic.order"}, set()),
        ([{"resource": "surprise"}], {"changes.generic.other"}, set()),
        ([{"resource": "surprise", "topic": "mine"}], {"mine"}, set()),
        ([{"source": "shopify"}], set(), set()),
        ([{"provider": "shopify", "topic": "mine"}], set(), set()),
        ([{"provider": "generic", "topic": "mine", "priority": "low"}], {"mine.low"}, set()),
        ([{"priority": "high"}], {"changes.generic.order.high", "changes.generic.other.high"}, set()),
        ([{"mode": "raw", "topic": "raw"}], {"changes.generic.order", "changes.generic.other"}, {"raw"}),
        (
            [{"mode": "raw", "topic": "raw", "source": "shopify"}, {"resource": "order"}],
            {"changes.generic.order"},
            set(),
        ),
    ],
)
def test_routes_decide_where_changes_and_copies_may_go(
    routes: list[dict[str, Any]], changes: set[str], copies: set[str]
) -> None:
    """Every state has its topic, whatever the routes."""
    found = of("generic", *routes)

    assert (set(found.changes), set(found.copies)) == (changes, copies)
    assert found.state == {"state.generic.order", "state.generic.other"}


def test_topics_of_several_sources_are_counted_once() -> None:
    """Two shops share their provider's topics; Penstock's own are always there."""
    shops = [{"name": name, "provider": "shopify", "verify": "none"} for name in ("a", "b")]
    two, none = (Configuration.model_validate({"sources": sources}) for sources in (shops, []))

    assert reachable(two).topics == OWN | reachable_from(two.sources[0], ()).topics
    assert reachable(none).topics == OWN


class Registry:
    """A registry with every schema."""

    def prefix(self, topic: str, name: codec.SchemaName, typed: object = None) -> bytes:  # noqa: ARG002  as the port names them
        """Return one id for all."""
        return codec.wire_prefix(1)


class Topics:
    """A Kafka on which every topic exists."""

    def ensure(self, topic: str) -> None:
        """Do nothing: the topic exists."""


ROUTED = [
    (),
    ({"priority": "high"}, {"topic": "mine", "resource": "surprise"}, {"topic": "mine", "priority": "low"}),
    ({"resource": "surprise"}, {"mode": "raw", "topic": "raw"}),
]
CASES = [(compiled_routes(found), reachable(found).topics) for found in (configured(*each) for each in ROUTED)]


@given(
    name=st.sampled_from(PROVIDERS),
    body=st.sampled_from(BODIES),
    event=st.text(max_size=40) | st.sampled_from(["other", "high", "a.b/c", "issues.opened", "surprise/update"]),
    source=st.sampled_from([*PROVIDERS, "removed"]),
    case=st.integers(0, len(ROUTED) - 1),
)
def test_no_name_leads_beyond(name: str, body: bytes, event: str, source: str, case: int) -> None:
    """This holds for any header or body, also for a source that is no longer in the configuration."""
    routes, topics = CASES[case]
    headers = {"x-shopify-topic": event, "shopify-topic": event} if event.endswith("e") else {}
    delivery = RawDelivery("d", name, source, event, START, "k", body, headers=headers)

    out = Encoder(cast(Any, Registry()), cast(Any, Topics()), routes).records(
        delivery, Pipeline(routes).decide(delivery), 1
    )

    assert {record.topic for record in out} <= topics


@pytest.mark.parametrize("name", PROVIDERS)
def test_name_of_a_type_stays_in_the_record(name: str) -> None:
    """Records on a shared topic are distinguished by the change, its key and its state's key."""
    body = msgspec.json.encode({"type": "surprise.updated", "data": {"id": "7"}, "id": 7, "scope": "store/surprise/x"})
    if name == "stripe":
        body = BODIES[2]
    delivery = RawDelivery("d", name, name, "surprise.updated", START, "k", body)

    found = Pipeline(compiled_routes(configured())).decide(delivery)

    (routed,) = found.routed_changes
    assert routed.topics == (f"changes.{name}.other",)
    assert routed.change.resource_type == "surprise"
    assert routed.change.resource_key.startswith(f"{name}|{name}||surprise|")
    assert "surprise" not in provider(name).resource_types

"""Which topics hold typed documents."""

import pytest

from providers.registry import provider
from schemas.typed.resource import typed_resource
from streams.steps.routing import Route, Routes
from streams.steps.typed_topics import TypedTopics

PRODUCT = typed_resource("shopify", "product")
ROUTED = Route("r", provider="shopify", resource="product", topic="catalogue")


def resource_of(topic: str, *routes: Route, kind: tuple[str, str] = ("shopify", "product")) -> object:
    """Return the resource as which a topic gets the documents of a kind."""
    return TypedTopics(Routes({"shop": provider("shopify")}, routes)).resource(topic, *kind)


@pytest.mark.parametrize("topic", ["changes.shopify.product", "changes.shopify.product.high", "state.shopify.product"])
def test_default_topics_are_typed(topic: str) -> None:
    """Those of a resource with a column table, lanes included."""
    assert resource_of(topic) is PRODUCT


@pytest.mark.parametrize("kind", [("shopify", "theme"), ("generic", "product"), ("shopify", "../product")])
def test_resource_without_columns_stays_text(kind: tuple[str, str]) -> None:
    """There is nothing to type it by."""
    assert resource_of("changes.x", kind=kind) is None


@pytest.mark.parametrize("topic", ["changes.shopify.other", "state.shopify.other"])
def test_shared_topic_is_never_typed(topic: str) -> None:
    """Any resource type may come there."""
    assert resource_of(topic) is None


@pytest.mark.parametrize("topic", ["catalogue", "catalogue.high", "catalogue.low"])
def test_topic_of_a_route_for_one_kind_is_typed(topic: str) -> None:
    """By the provider, or by a source of it."""
    by_source = Route("s", source="shop", resource="product", topic="catalogue", priority="high")

    assert resource_of(topic, ROUTED, by_source) is PRODUCT


@pytest.mark.parametrize(
    "other",
    [
        Route("o", provider="shopify", topic="catalogue"),
        Route("o", resource="product", topic="catalogue"),
        Route("o", provider="shopify", resource="order", topic="catalogue", priority="low"),
        Route("o", source="unknown", resource="product", topic="catalogue"),
    ],
)
def test_topic_that_several_kinds_may_reach_stays_text(other: Route) -> None:
    """A topic has one schema, and a source that is added later must not change it."""
    assert resource_of("catalogue", ROUTED, other) is None
    assert resource_of("catalogue", other, ROUTED) is None


def test_default_topic_that_a_route_gives_to_another_kind_stays_text() -> None:
    """For both kinds: the other routes may lead there by default."""
    route = Route("o", provider="shopify", resource="order", topic="changes.shopify.product")

    assert resource_of("changes.shopify.product", route) is None
    assert resource_of("changes.shopify.product", route, kind=("shopify", "order")) is None


def test_default_topic_that_a_route_names_stays_typed() -> None:
    """The route only says what happens anyway."""
    route = Route("o", provider="shopify", resource="product", topic="changes.shopify.product", priority="high")

    assert resource_of("changes.shopify.product.high", route) is PRODUCT

"""Raw routes: which topics get a delivery as received."""

from typing import Any

import pytest
from msgspec.structs import replace

from schemas.records import Outcome
from streams.steps.correction import HEADER
from streams.steps.passthrough import RawRoute, copy_topics, noted
from tests.support.builders.deliveries import delivery


@pytest.mark.parametrize(
    ("selectors", "is_selected"),
    [
        ({}, True),
        ({"source": "acme"}, True),
        ({"source": "other"}, False),
        ({"provider": "scripted"}, True),
        ({"provider": "github"}, False),
        ({"event_type": "product.updated"}, True),
        ({"event_type": "product.*"}, True),
        ({"event_type": "product"}, False),
        ({"source": "acme", "event_type": "order.*"}, False),
    ],
)
def test_raw_route_selects_by_everything_it_names(selectors: dict[str, Any], is_selected: bool) -> None:
    """The delivery's content does not matter, only its headers."""
    assert bool(copy_topics(delivery(), [RawRoute("raw", "copies", **selectors)])) is is_selected


def test_topic_gets_a_delivery_once() -> None:
    """Several routes to it make one record; topics are in the order of the configuration."""
    routes = [RawRoute("a", "x"), RawRoute("b", "y"), RawRoute("c", "x")]

    assert copy_topics(delivery(), routes) == ("x", "y")


@pytest.mark.parametrize("header", [{"penstock_origin": "retry"}, {"penstock_origin": "edited"}, {HEADER: "1"}])
def test_delivery_of_our_own_is_not_copied(header: dict[str, str]) -> None:
    """A retry was copied when it came, and the others never came."""
    shown = replace(delivery(), headers=header)

    assert copy_topics(shown, [RawRoute("raw", "copies")]) == ()


def test_outcome_says_where_the_copies_went_and_nothing_else_changes() -> None:
    """A passthrough record is no event: outcome, reason and event ids are the resource's."""
    dead = Outcome("dead", "unreadable", "expected a JSON object")

    assert noted(dead, ()) is dead
    assert noted(dead, ("x", "y")) == Outcome(
        "dead", "unreadable", "expected a JSON object; copied as received to x, y"
    )
    assert noted(Outcome("changed", "created", "", ("e",)), ("x",)) == Outcome(
        "changed", "created", "copied as received to x", ("e",)
    )

"""Outside the steps: selects the topics that get a delivery as received, whatever its outcome.

A raw route takes every delivery of an event type, including duplicate, stale and dead ones, each record of `webhooks.raw` once.
"""

from collections.abc import Sequence

from msgspec import Struct

from schemas.records import Outcome, RawDelivery
from streams.steps.origin import origin_of
from streams.steps.outcome import with_notes


class RawRoute(Struct, frozen=True):
    """One raw route; a selector of None selects everything."""

    name: str
    topic: str
    source: str | None = None
    provider: str | None = None
    tenant: str | None = None
    event_type: str | None = None


def copy_topics(delivery: RawDelivery, routes: Sequence[RawRoute]) -> tuple[str, ...]:
    """Return the topics that get the delivery itself, each once, in configuration order.

    Only a delivery of the provider is copied: a retry was when it came, and all else that Penstock writes never came.
    """
    if origin_of(delivery) != "webhook":
        return ()
    return tuple(dict.fromkeys(route.topic for route in routes if _selects(route, delivery)))


def noted(outcome: Outcome, topics: Sequence[str]) -> Outcome:
    """Return the outcome with the passthrough topics noted in its detail; outcome, reason and events stay unchanged."""
    if not topics:
        return outcome
    return with_notes(outcome, [f"copied as received to {', '.join(topics)}"])


def is_of_type(selector: str | None, event_type: str) -> bool:
    """Say whether a route's `event_type` selects one: the same type, or with a final star (`issues.*`) one with that prefix."""
    if selector is None or selector == event_type:
        return True
    return selector.endswith("*") and event_type.startswith(selector[:-1])


def _selects(route: RawRoute, delivery: RawDelivery) -> bool:
    return (
        route.source in (None, delivery.source)
        and route.provider in (None, delivery.provider)
        and route.tenant in (None, delivery.tenant)
        and is_of_type(route.event_type, delivery.event_type)
    )

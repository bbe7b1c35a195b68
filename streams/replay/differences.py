"""The differences between an original decision and a replayed one: values and comparison. Pure."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Literal

from msgspec import Struct

from schemas.records import Correction, RawDelivery
from streams.pipeline import Result
from streams.steps.diff import diff


class Event(Struct, frozen=True, array_like=True):
    """One change event on one topic. `after` is JSON text, None once deleted."""

    topic: str
    event_id: str
    op: str
    resource_key: str
    changed: tuple[str, ...]
    after: bytes | None


class Decided(Struct, frozen=True):
    """The original or replayed decision about a delivery."""

    outcome: str
    reason: str
    events: tuple[Event, ...] = ()


class EventDifference(Struct, frozen=True):
    """An event that is missing (it should have been emitted), surplus (it should not have been), or different.

    `pointers` name what differs in `after`; empty when only the operation or `changed` does.
    """

    kind: Literal["missing", "surplus", "different"]
    was: Event | None
    would_be: Event | None
    pointers: tuple[str, ...] = ()

    @property
    def event(self) -> Event:
        """Return the replayed event if there is one, else the original."""
        event = self.would_be or self.was
        assert event is not None  # noqa: S101  # there is always at least one
        return event


class DeliveryDifference(Struct, frozen=True):
    """A delivery with a different replayed decision; `was` is None if no outcome is recorded."""

    delivery: RawDelivery
    was: Decided | None
    would_be: Decided
    events: tuple[EventDifference, ...]


class StateDifference(Struct, frozen=True):
    """A resource with a wrong document at consumers, and its correction."""

    resource_key: str
    provider: str
    source: str
    tenant: str
    partition: int
    correction: Correction


def compared(delivery: RawDelivery, was: Decided | None, would_be: Decided) -> DeliveryDifference | None:
    """Return the difference between two decisions, None if there is none.

    Events are matched by topic and resource, in their order; their ids alone do not matter.
    """
    events = tuple(_event_differences(() if was is None else was.events, would_be.events))
    is_same = was is not None and (was.outcome, was.reason) == (would_be.outcome, would_be.reason)
    return None if is_same and not events else DeliveryDifference(delivery, was, would_be, events)


def events_of(result: Result) -> Iterator[Event]:
    """Yield the change events that a decision emits."""
    for routed in result.routed_changes:
        changes = [(topic, routed.change) for topic in routed.topics]
        changes += [(part.topic, part.change) for part in routed.projected]
        for topic, change in changes:
            yield Event(topic, change.event_id, change.op, change.resource_key, change.changed, change.after)


def _event_differences(was: Sequence[Event], would_be: Sequence[Event]) -> Iterator[EventDifference]:
    old, new = _grouped(was), _grouped(would_be)
    for group in {**new, **old}:
        for left, right in zip_longest(old.get(group, ()), new.get(group, ())):
            if left is None or right is None:
                yield EventDifference("missing" if left is None else "surplus", left, right)
            elif (left.op, left.changed, left.after) != (right.op, right.changed, right.after):
                pointers = () if left.after is None or right.after is None else diff(left.after, right.after)
                yield EventDifference("different", left, right, pointers)


def _grouped(events: Sequence[Event]) -> dict[tuple[str, str], list[Event]]:
    groups: dict[tuple[str, str], list[Event]] = {}
    for event in dict.fromkeys(events):  # another pipeline on the same topics emits duplicates
        groups.setdefault((event.topic, event.resource_key), []).append(event)
    return groups

"""What a run hears of the reads that it has asked for."""

from typing import Any

import pytest
from msgspec.structs import replace

from schemas.fetches import NO_DELIVERY, FetchResult
from schemas.reconciliation import Decided
from schemas.records import Change, Operation, Outcome
from streams.steps.origin import ORIGIN
from streams.steps.reconciliation import decided_of
from streams.steps.routing import RoutedChange
from tests.support.builders.deliveries import RESOURCE, SOURCE, Scripted, delivery

KEY = f"{Scripted.name}|{SOURCE}||{RESOURCE}|7"
CHANGED = Outcome("changed", "updated")


@pytest.mark.parametrize("op", ["r", "u", "d"])
def test_change_counts_also_where_no_route_takes_it(op: Operation) -> None:
    """The stored state was repaired."""
    assert _told("reconcile", CHANGED, op) == Decided("run-1/product", KEY, op)


def test_change_of_a_part_counts_as_an_update() -> None:
    """Such as a variant that is new, while the product is as stored but for its time."""
    assert _told("backfill", CHANGED, "r", key=f"{KEY}0").op == "u"


def test_read_that_answers_a_delivery_was_not_missed() -> None:
    """Its webhook came, while the run was under way."""
    assert _told("fetch", CHANGED, "u") == Decided("run-1/product", KEY)


@pytest.mark.parametrize(
    ("status", "outcome", "is_read"),
    [
        ("found", Outcome("unchanged", "no_difference"), True),
        ("failed", Outcome("unchanged", "not_read"), False),
        ("found", Outcome("dead", "unknown_shape"), False),
    ],
)
def test_what_could_not_be_read_is_said(status: Any, outcome: Outcome, is_read: bool) -> None:
    """What is equal was read, and changed nothing."""
    assert _told("reconcile", outcome, None, status=status) == Decided("run-1/product", KEY, is_read=is_read)


def _told(origin: str, outcome: Outcome, op: Operation | None, key: str = KEY, status: Any = "found") -> Decided:
    shown = delivery(delivery_id="read-1")
    read = FetchResult(RESOURCE, "7", status, NO_DELIVERY, 5, run="run-1/product")
    change = None if op is None else Change("e", op, key, RESOURCE, "7", (), None, None, None, None)
    routed = () if change is None else (RoutedChange(change, ()),)
    return decided_of(replace(shown, headers={ORIGIN: origin}), read, outcome, routed)

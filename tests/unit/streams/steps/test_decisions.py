"""Every row of the decision table, decided by the whole pipeline over dicts."""

from collections import Counter
from collections.abc import Sequence

import pytest

from streams.pipeline import Result
from tests.support.builders.child_cases import FAMILIES, Family, FamilySituation
from tests.support.builders.decision_cases import SITUATIONS, Arrival, Situation
from tests.support.builders.deliveries import Pipeline, delivery


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation_is_decided_as_documented(situation: Situation) -> None:
    """Each delivery of the row has the row's outcome."""
    pipeline = decided(situation)

    assert tuple(pipeline.outcomes) == situation.decided


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_changes_of_a_situation_have_ids_of_their_own(situation: Situation) -> None:
    """No two changes share an event id, and an outcome names exactly the published events."""
    pipeline = decided(situation)

    assert max(Counter(change.event_id for change in pipeline.changes).values()) == 1
    for result in pipeline.results:
        assert result.outcome.event_ids == tuple(routed.change.event_id for routed in result.routed_changes)


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_same_history_makes_the_same_ids(situation: Situation) -> None:
    """Event ids depend on the deliveries alone, so a replay can be recognised."""
    assert decided(situation).changes == decided(situation).changes


@pytest.mark.parametrize("situation", FAMILIES, ids=lambda situation: situation.name)
def test_family_is_decided_as_documented(situation: FamilySituation) -> None:
    """Each delivery of the row has the row's outcome, and the row's effect on the children."""
    pipeline = decided(situation)

    assert tuple(map(told, pipeline.results)) == situation.decided
    assert max(Counter(change.event_id for change in pipeline.changes).values()) == 1
    assert decided(situation).changes == pipeline.changes


def told(result: Result) -> str:
    """Return an outcome and its children's events in the table's notation."""
    changes = [routed.change for routed in result.routed_changes]
    children = ", ".join(f"{c.op} {c.resource_id}" for c in changes if c.resource_type == "child")
    return f"{result.outcome.outcome}: {children}" if children else result.outcome.outcome


def decided(situation: Situation | FamilySituation) -> Pipeline:
    """Return the pipeline after a situation's deliveries."""
    pipeline = Pipeline()
    arrivals: Sequence[Arrival | Family] = situation.arrivals
    for number, arrival in enumerate(arrivals):
        pipeline.decide(delivery(arrival.snapshot(), delivery_id=arrival.by or f"delivery-{number}"))
    return pipeline

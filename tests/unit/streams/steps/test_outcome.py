"""Step 5: one outcome for a delivery of several resources."""

from itertools import permutations
from typing import get_args

import pytest

from schemas.records import Outcome, OutcomeName
from streams.steps.outcome import PRECEDENCE, summarise


def test_single_part_is_the_outcome() -> None:
    """The one resource's outcome stays unchanged."""
    part = Outcome("stale", "older_than_stored", "a newer one was there")

    assert summarise([part]) is part


@pytest.mark.parametrize("leading", PRECEDENCE)
def test_the_part_that_did_most_speaks(leading: OutcomeName) -> None:
    """This holds for any order of the parts."""
    weaker = PRECEDENCE[PRECEDENCE.index(leading) :]

    for parts in permutations(weaker[:3]):
        assert summarise([Outcome(name, f"reason of {name}") for name in parts]).reason == f"reason of {leading}"


def test_all_event_ids_are_kept_in_order() -> None:
    """This includes the parts that do not decide the outcome."""
    parts = [Outcome("changed", "created", "", ("1", "2")), Outcome("stale", "x"), Outcome("changed", "y", "", ("3",))]

    assert summarise(parts) == Outcome("changed", "created", "", ("1", "2", "3"))


def test_every_outcome_has_its_place() -> None:
    """A new outcome cannot be forgotten here."""
    assert sorted(PRECEDENCE) == sorted(get_args(OutcomeName))

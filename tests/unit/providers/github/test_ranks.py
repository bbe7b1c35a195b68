"""Ranks from GitHub's states and actions; whole lives are in tests/contract/test_github_lives.py."""

from typing import Any

import pytest

from providers.github.ranks import (
    CHECK_RUN,
    COMMIT_STATUS,
    DEPLOYMENT_STATUS,
    MAX_ATTEMPT,
    OBJECT,
    OPENED,
    PULL_REQUEST,
    RELATION,
    STAGES_PER_ATTEMPT,
    WORKFLOW_JOB,
    WORKFLOW_RUN,
    Rank,
    States,
    state_rank,
)
from schemas.records import PHASE

TABLES = (CHECK_RUN, COMMIT_STATUS, DEPLOYMENT_STATUS, WORKFLOW_JOB, WORKFLOW_RUN)


def of(states: States, state: Any, attempt: Any = None) -> int:
    """Return the rank of a state in one attempt."""
    name = states.path.partition(".")[0]
    return state_rank(states, {name: {"status": state, "state": state, "run_attempt": attempt}}, "", is_deleted=False)


def test_stages_of_an_attempt_stay_below_the_next_attempt() -> None:
    """A table with more stages or ranks would run over into the next attempt or phase."""
    for states in TABLES:
        assert max(states.phases.values(), default=0) < STAGES_PER_ATTEMPT
        assert max(states.ranks.values(), default=0) < PHASE


@pytest.mark.parametrize("attempt", [None, 1, 2])
def test_phases_of_a_job_go_forward_only(attempt: int | None) -> None:
    """What has not started is one phase; then a job runs, then it is completed."""
    phases = [of(WORKFLOW_JOB, state, attempt) // PHASE for state in ("queued", "waiting", "in_progress", "completed")]

    assert phases[0] == phases[1] < phases[2] < phases[3]


@pytest.mark.parametrize("states", [WORKFLOW_JOB, WORKFLOW_RUN])
def test_any_state_of_a_later_attempt_is_later(states: States) -> None:
    """A re-run goes before the time: queued again is newer than completed."""
    assert of(states, "queued", 2) // PHASE > of(states, "completed", 1) // PHASE


def test_run_without_an_attempt_has_no_phase() -> None:
    """Servers of before 2021 send no attempt, and their completed runs may run again."""
    assert of(WORKFLOW_RUN, "queued") < of(WORKFLOW_RUN, "completed") < PHASE


@pytest.mark.parametrize("attempt", [0, -1, True, "2", 1.5, None, [], MAX_ATTEMPT + 1, 10**30])
def test_strange_attempt_is_no_attempt(attempt: Any) -> None:
    """No number of a payload makes a rank that the tables cannot store."""
    assert of(WORKFLOW_JOB, "completed", attempt) == of(WORKFLOW_JOB, "completed")


@pytest.mark.parametrize("state", [None, 7, "", "brand_new", ["queued"]])
@pytest.mark.parametrize("states", TABLES)
def test_unknown_state_has_no_rank(states: States, state: Any) -> None:
    """Then the times decide alone."""
    assert of(states, state, 1) == 0


@pytest.mark.parametrize(
    ("rank", "action", "is_deleted", "expected"),
    [
        (OPENED, "opened", False, 1),
        (OPENED, "labeled", False, 2),
        (OBJECT, "created", False, 1),
        (OBJECT, "opened", False, 2),  # a milestone, after it was closed
        (OBJECT, "", False, 2),
        (OBJECT, "deleted", True, 3),
        (RELATION, "created", False, 1),
        (RELATION, "added", False, 2),
        (RELATION, "removed", True, 2),  # it may come back within the second
        (None, "created", False, 0),
        (WORKFLOW_JOB, "deleted", True, 0),
    ],
)
def test_rank_of_an_action(rank: Rank | None, action: str, is_deleted: bool, expected: int) -> None:
    """A first action is the first of its second, and a deletion the last."""
    assert state_rank(rank, {}, action, is_deleted=is_deleted) == expected


@pytest.mark.parametrize(("merged", "expected"), [(True, 3), (False, 2), (None, 2), ("yes", 2)])
def test_merged_pull_request_is_final(merged: Any, expected: int) -> None:
    """Whatever the action: a label that comes after the merge shows it too."""
    assert state_rank(PULL_REQUEST, {"pull_request": {"merged": merged}}, "labeled", is_deleted=False) == expected

"""Ranks: how far a GitHub resource is along its life, as data, each table with its source.

A rank is one integer: `phase * PHASE + rank`. The phase is compared before the time, the rank after it (see `Snapshot`).
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from providers.outline import at
from schemas.records import PHASE, Document

MAX_ATTEMPT: Final = 1_000_000  # GitHub starts a run again at most 50 times; a larger number is no attempt
STAGES_PER_ATTEMPT: Final = 10  # more than any table below has


class States(Struct, frozen=True):
    """The rank of each state of a resource.

    `path` is the field with the state. `ranks` decide between states of the same time. `phases` are for states that are never
    left, whatever the times say. `attempt` is the field with the number of the attempt: any state of a later attempt is newer.
    `restarts`: the resource keeps its id when it starts again, so the phases count only within a known attempt.
    An unknown state has no rank.
    """

    path: str
    ranks: Mapping[str, int] = {}
    phases: Mapping[str, int] = {}
    attempt: str | None = None
    restarts: bool = False


# A job that is queued, or waits for an approval or a concurrency group, has not started; GitHub documents no order of these
# states. `started_at` and `completed_at` do not order a job: a skipped one completes before it started. A re-run is a new job.
# Source: "Webhook events and payloads", workflow_job; llvm/llvm-project#130941.
WORKFLOW_JOB: Final = States(
    "workflow_job.status",
    phases={"requested": 1, "queued": 1, "pending": 1, "waiting": 1, "in_progress": 2, "completed": 3},
    attempt="workflow_job.run_attempt",
)
# Between its jobs a run waits again, so only the completion of an attempt is final. A re-run keeps the id.
# Source: "Webhook events and payloads", workflow_run; REST, "Re-run a workflow": `run_attempt` grows with every re-run.
WORKFLOW_RUN: Final = States(
    "workflow_run.status",
    ranks={"requested": 1, "queued": 2, "pending": 3, "waiting": 3, "in_progress": 4, "completed": 5},
    phases={"requested": 1, "queued": 1, "pending": 1, "waiting": 1, "in_progress": 1, "completed": 2},
    attempt="workflow_run.run_attempt",
    restarts=True,
)
_CHECK: Final = {"requested": 1, "queued": 2, "pending": 3, "waiting": 3, "in_progress": 4, "completed": 5}
# The app that made a check may reset it after `rerequested`, and the suite is queued again then, so no state is final.
# Source: REST, "Rerequest a check run" and "Rerequest a check suite".
CHECK_RUN: Final = States("check_run.status", ranks=_CHECK)
CHECK_SUITE: Final = States("check_suite.status", ranks=_CHECK)
# A new deployment to an environment makes the earlier ones inactive.
# Source: REST, "Create a deployment status".
DEPLOYMENT_STATUS: Final = States(
    "deployment_status.state",
    ranks={
        "queued": 1, "pending": 1, "waiting": 1, "in_progress": 2, "success": 3, "failure": 3, "error": 3, "inactive": 4,
    },
)  # fmt: skip
# Source: REST, "Commit statuses".
COMMIT_STATUS: Final = States("state", ranks={"pending": 1, "success": 2, "failure": 2, "error": 2})


class Life(Struct, frozen=True):
    """The rank of each action of a resource without states: `first` actions, then all others, then the end.

    GitHub sends `opened` and `labeled` in one second and in any order. GitHub never reuses an id, so a deletion is the end,
    unless the resource `returns`: of a removal and an addition in one second, the later arrival is newer. `final` is a path that
    is true once the resource has reached a state that it never leaves.
    """

    first: frozenset[str]
    returns: bool = False
    final: str | None = None


FIRST, LATER, LAST = 1, 2, 3
OBJECT: Final = Life(frozenset({"create", "created", "requested", "submitted"}))
OPENED: Final = Life(frozenset({"opened"}))  # but a milestone is opened after it was closed
# A pull request that was closed may be reopened, but not one that was merged.
# Source: "Webhook events and payloads", pull_request.
PULL_REQUEST: Final = Life(frozenset({"opened"}), final="pull_request.merged")
# The queue destroys a group at most once; a later group for the same ref has a commit of its own, with a later time.
# Source: "Webhook events and payloads", merge_group.
MERGE_GROUP: Final = Life(frozenset({"checks_requested"}))
RELATION: Final = Life(frozenset({"created"}), returns=True)  # an installation is created with its first repositories

Rank = States | Life


def state_rank(rank: Rank | None, payload: Document, action: str, *, is_deleted: bool) -> int:
    """Return the `state_rank` of a snapshot, 0 for a resource without ranks."""
    if rank is None:
        return 0
    if isinstance(rank, States):
        return 0 if is_deleted else _of_state(rank, payload)
    if is_deleted:
        return LATER if rank.returns else LAST
    if rank.final is not None and at(payload, rank.final) is True:
        return LAST
    return FIRST if action in rank.first else LATER


def _of_state(states: States, payload: Document) -> int:
    state = at(payload, states.path)
    if not isinstance(state, str):
        return 0
    rank, stage = states.ranks.get(state, 0), states.phases.get(state, 0)
    attempt = _attempt(at(payload, states.attempt)) if states.attempt else 0
    if not stage or (states.restarts and not attempt):
        return rank
    return (attempt * STAGES_PER_ATTEMPT + stage) * PHASE + rank


def _attempt(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return value if 0 < value <= MAX_ATTEMPT else 0

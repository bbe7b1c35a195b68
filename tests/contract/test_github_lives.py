"""Lives of GitHub's resources end the same in every order of arrival, times of one second included."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.steps.routing import Routes
from tests.support.builders.deliveries import Pipeline
from tests.support.builders.github_deliveries import Told, decided, endings, existing, github
from tests.support.builders.properties import examples

REPOSITORY = {"id": 11, "full_name": "acme/shop", "updated_at": "2026-01-31T12:00:00Z"}


def at(second: int) -> str:
    """Return T and so many seconds."""
    return f"2026-01-31T12:00:{second:02}Z"


def told(event: str, name: str, action: str, shown: dict[str, Any], **beside: Any) -> Told:
    """Return an event with its main object, in the repository of these tests."""
    return event, {"action": action, name: shown, "repository": REPOSITORY, **beside}


def job(status: str, started: int, completed: int | None = None, attempt: int | None = None, job_id: int = 9) -> Told:
    """Return what happens to a job."""
    shown = {"id": job_id, "run_id": 3, "status": status, "created_at": at(0), "started_at": at(started)}
    shown |= {"completed_at": None if completed is None else at(completed)}
    return told("workflow_job", "workflow_job", status, shown | ({} if attempt is None else {"run_attempt": attempt}))


def run(status: str, updated: int, attempt: int) -> Told:
    """Return what happens to a workflow run."""
    shown = {"id": 3, "status": status, "created_at": at(0), "updated_at": at(updated), "run_attempt": attempt}
    return told("workflow_run", "workflow_run", "requested" if status == "queued" else status, shown)


def check(action: str, status: str, suite_updated: int) -> Told:
    """Return what happens to a check run, whose suite has the only update time."""
    suite = {"id": 4, "updated_at": at(suite_updated)}
    shown = {"id": 5, "status": status, "started_at": at(5), "completed_at": None, "check_suite": suite}
    return told("check_run", "check_run", action, shown)


def suite(action: str, status: str, updated: int) -> Told:
    """Return what happens to a check suite."""
    return told("check_suite", "check_suite", action, {"id": 4, "status": status, "updated_at": at(updated)})


def deployed(state: str, updated: int) -> Told:
    """Return a state of one deployment."""
    status = {"id": 7, "state": state, "created_at": at(0), "updated_at": at(updated)}
    return told("deployment_status", "deployment_status", "created", status, deployment={"id": 6})


def issue(action: str, updated: int, **shown: Any) -> Told:
    """Return what happens to an issue."""
    return told("issues", "issue", action, {"id": 1, "created_at": at(0), "updated_at": at(updated), **shown})


def alert(action: str, state: str, updated: int | None, event: str = "code_scanning_alert") -> Told:
    """Return what happens to an alert, which has no update time before it is first updated."""
    shown = {"number": 5, "state": state, "created_at": at(0), "updated_at": None if updated is None else at(updated)}
    return told(event, "alert", action, shown)


def installed(action: str, updated: int, *repositories: int) -> Told:
    """Return what happens to an installation with these repositories."""
    shown = {"id": 5, "account": {"login": "acme"}, "updated_at": at(updated)}
    return "installation", {"action": action, "installation": shown, "repositories": _repositories(*repositories)}


def moved(updated: int, added: tuple[int, ...] = (), removed: tuple[int, ...] = ()) -> Told:
    """Return how the repositories of an installation change; the installation beside them is not whole."""
    lists = {"repositories_added": _repositories(*added), "repositories_removed": _repositories(*removed)}
    action = "added" if added else "removed"
    return "installation_repositories", {
        "action": action,
        "installation": {"id": 5, "updated_at": at(updated)},
        **lists,
    }


def pull_request(action: str, updated: int, **shown: Any) -> Told:
    """Return what happens to a pull request."""
    shown = {"id": 1, "created_at": at(0), "updated_at": at(updated), **shown}
    return told("pull_request", "pull_request", action, shown)


def queued(action: str, committed: int) -> Told:
    """Return what happens to a group of a merge queue, whose commit was made at this time."""
    commit = {"id": f"commit {committed}", "timestamp": at(committed)}
    group = {"head_ref": "refs/heads/gh-readonly-queue/main/pr-1-b", "head_commit": commit}
    return told("merge_group", "merge_group", action, group)


def starred(action: str, starred_at: str | None, repository_updated: int) -> Told:
    """Return a star that comes or goes; its removal has no time of its own."""
    repository = REPOSITORY | {"updated_at": at(repository_updated)}
    return "star", {"action": action, "starred_at": starred_at, "repository": repository, "sender": {"id": 2}}


def _repositories(*ids: int) -> list[dict[str, Any]]:
    return [{"id": number, "full_name": f"acme/{number}"} for number in ids]


LIVES: dict[str, tuple[Told, ...]] = {
    "a skipped job that completed before it started": (job("queued", 5), job("completed", 4, 4)),
    "a job in one second": (job("queued", 0), job("in_progress", 0), job("completed", 0, 0)),
    "a job that waits for approval": (
        job("waiting", 1, attempt=1),
        job("queued", 9, attempt=1),
        job("in_progress", 3, attempt=1),
        job("completed", 3, 2, attempt=1),
    ),
    "a job of a later attempt under the same id": (
        job("queued", 5, attempt=1),
        job("completed", 5, 9, attempt=1),
        job("queued", 5, attempt=2),
        job("in_progress", 5, attempt=2),
    ),
    "a run in one second": (run("queued", 0, 1), run("in_progress", 0, 1), run("completed", 0, 1)),
    "a run that waits between its jobs": (
        run("queued", 0, 1),
        run("in_progress", 1, 1),
        run("waiting", 2, 1),
        run("in_progress", 3, 1),
    ),
    "a re-run in the second of the completion": (
        run("queued", 0, 1),
        run("in_progress", 1, 1),
        run("completed", 2, 1),
        run("queued", 2, 2),
        run("in_progress", 2, 2),
    ),
    "a re-run that completes": (
        run("in_progress", 1, 1),
        run("completed", 9, 1),
        run("queued", 9, 2),
        run("in_progress", 10, 2),
        run("completed", 10, 2),
    ),
    "a check run in one second": (
        check("created", "queued", 0),
        check("created", "in_progress", 0),
        check("completed", "completed", 0),
    ),
    "a check run that is reset": (
        check("created", "queued", 0),
        check("completed", "completed", 1),
        check("created", "in_progress", 2),
    ),
    "a check run without any time": (
        told("check_run", "check_run", "created", {"id": 5, "status": "queued"}),
        told("check_run", "check_run", "created", {"id": 5, "status": "in_progress"}),
        told("check_run", "check_run", "completed", {"id": 5, "status": "completed"}),
    ),
    "a check suite": (
        suite("requested", "queued", 0),
        suite("requested", "in_progress", 0),
        suite("completed", "completed", 0),
        suite("rerequested", "queued", 1),
    ),
    "a deployment in one second": (
        deployed("waiting", 0),
        deployed("in_progress", 0),
        deployed("success", 0),
        deployed("inactive", 0),
    ),
    "a commit's status": tuple(
        ("status", {"id": 8, "state": state, "created_at": at(0), "updated_at": at(0), "repository": REPOSITORY})
        for state in ("pending", "failure")
    ),
    "an issue that is opened with a label": (
        issue("opened", 0, labels=[]),
        issue("labeled", 0, labels=[{"id": 3, "name": "bug"}]),
    ),
    "an issue that is deleted in the second of its closing": (
        issue("opened", 0, state="open"),
        issue("labeled", 0, state="open", labels=[{"id": 3, "name": "bug"}]),
        issue("closed", 1, state="closed", labels=[{"id": 3, "name": "bug"}]),
        issue("deleted", 1),
    ),
    "a pull request that is labelled in the second of its merge": (
        pull_request("opened", 0, state="open", merged=False),
        pull_request("labeled", 1, state="open", merged=False),
        pull_request("closed", 1, state="closed", merged=True),
    ),
    "a merge group that is destroyed": (queued("checks_requested", 1), queued("destroyed", 1)),
    "a merge group that is queued again": (
        queued("checks_requested", 1),
        queued("destroyed", 1),
        queued("checks_requested", 5),
    ),
    "an alert that is dismissed and reopened": (
        alert("created", "open", None),
        alert("closed_by_user", "dismissed", 5),
        alert("reopened", "open", 9),
    ),
    "an alert that is fixed in the second of its creation": (
        alert("created", "open", 0, "dependabot_alert"),
        alert("fixed", "fixed", 0, "dependabot_alert"),
    ),
    "a label, which has no time": (
        told("label", "label", "created", {"id": 3, "name": "bug"}),
        told("label", "label", "edited", {"id": 3, "name": "Bug"}),
        told("label", "label", "deleted", {"id": 3, "name": "Bug"}),
    ),
    "a team, which has no time, and its members": (
        told("team", "team", "created", {"id": 2, "name": "a"}),
        told("team", "team", "edited", {"id": 2, "name": "b"}),
        ("membership", {"action": "added", "member": {"id": 8}, "team": {"id": 2}, "organization": {"id": 1}}),
        told("team", "team", "deleted", {"id": 2, "name": "b"}),
    ),
    "an installation whose list of repositories is overtaken": (
        installed("created", 0, 1),
        moved(2, added=(4,)),
        moved(1, added=(3,)),
    ),
    "an installation that loses repositories": (
        installed("created", 0, 1, 2),
        moved(1, added=(3, 4)),
        moved(2, removed=(1, 3)),
        installed("new_permissions_accepted", 3, 2, 4),
        moved(4, added=(1,), removed=(2,)),
    ),
    "an installation that is created and loses a repository in one second": (
        installed("created", 0, 1, 2),
        moved(0, removed=(1,)),
        moved(0, added=(3,)),
    ),
    "an installation that is deleted": (
        installed("created", 0, 1, 2),
        moved(1, added=(3,)),
        installed("deleted", 2, 1, 2, 3),
    ),
    "a push of Forgejo, which has no pushed_at": tuple(
        (
            "push",
            {
                "ref": "refs/heads/main",
                "after": f"commit {second}",
                "head_commit": {"id": f"commit {second}", "timestamp": f"2026-01-31T13:00:{second:02}+01:00"},
                "repository": {"id": 11, "full_name": "acme/shop", "updated_at": at(0)},
            },
        )
        for second in (1, 2, 9)
    ),
    "a star that goes and comes back": (
        starred("created", at(1), 1),
        starred("deleted", None, 2),
        starred("created", at(3), 3),
    ),
    "a star that goes in the second in which it came": (starred("created", at(1), 1), starred("deleted", None, 1)),
    "a sub-issue in the events of both repositories": tuple(
        (
            "sub_issues",
            {
                "action": action,
                "parent_issue_id": 1,
                "sub_issue_id": 2,
                "parent_issue": {"id": 1, "number": 10},
                "sub_issue": {"id": 2, "number": 20, "updated_at": at(second)},
            },
        )
        for action, second in (
            ("sub_issue_added", 1),
            ("parent_issue_added", 1),
            ("sub_issue_removed", 2),
            ("parent_issue_removed", 2),
        )
    ),
}


@pytest.mark.parametrize("name", LIVES)
def test_life_ends_the_same_in_every_order(name: str) -> None:
    """What exists at the end, and its documents, are those of the order in which it happened."""
    life = LIVES[name]
    right = existing(decided(life))

    for ending in endings(life):
        assert ending == right


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("a skipped job that completed before it started", {"workflow_job|9": ("status", "completed")}),
        ("a job of a later attempt under the same id", {"workflow_job|9": ("run_attempt", 2)}),
        ("a re-run that completes", {"workflow_run|3": ("run_attempt", 2)}),
        ("a check run that is reset", {"check_run|5": ("status", "in_progress")}),
        ("an alert that is dismissed and reopened", {"code_scanning_alert|11:5": ("state", "open")}),
        ("a pull request that is labelled in the second of its merge", {"pull_request|1": ("merged", True)}),
        ("a merge group that is destroyed", {}),
        (
            "a merge group that is queued again",
            {
                "merge_group|11:refs/heads/gh-readonly-queue/main/pr-1-b": (
                    "head_commit",
                    {"id": "commit 5", "timestamp": at(5)},
                )
            },
        ),
        ("a label, which has no time", {}),
        ("a team, which has no time, and its members", {}),
        ("an installation that is deleted", {}),
        ("a push of Forgejo, which has no pushed_at", {"push|11:refs/heads/main": ("after", "commit 9")}),
        ("a star that goes and comes back", {"star|11:2": ("starred_at", at(3))}),
        ("a sub-issue in the events of both repositories", {}),
        (
            "an installation that loses repositories",
            {
                "installation|5": ("updated_at", at(3)),
                "installation_repository|5:1": ("installation", {"id": 5}),
                "installation_repository|5:4": ("installation", {"id": 5}),
            },
        ),
        (
            "an installation whose list of repositories is overtaken",
            {
                "installation|5": ("account", {"login": "acme"}),
                "installation_repository|5:1": ("repository", {"id": 1, "full_name": "acme/1"}),
                "installation_repository|5:3": ("repository", {"id": 3, "full_name": "acme/3"}),
                "installation_repository|5:4": ("repository", {"id": 4, "full_name": "acme/4"}),
            },
        ),
    ],
)
def test_life_ends_as_it_happened(name: str, right: dict[str, tuple[str, Any]]) -> None:
    """The end in the order in which it happened is the right one, resource by resource."""
    end = existing(decided(LIVES[name]))

    assert {key: (right[key][0], end[key][right[key][0]]) for key in end if key in right} == right
    assert set(end) == set(right)


@pytest.mark.parametrize("event", ["issue_comment", "pull_request_review_comment", "pull_request", "issues"])
def test_comment_of_forgejo_on_a_pull_request_is_a_comment(event: str) -> None:
    """Forgejo and Gitea put issue and pull request beside it; under any other event's name it stays misnamed."""
    comment = {"id": 1, "created_at": at(0), "updated_at": at(0)}
    beside = {"issue": {"id": 2, "number": 7}, "pull_request": {"id": 3, "number": 7}, "is_pull": True}

    pipeline = decided([told(event, "comment", "created", comment, **beside)])

    assert pipeline.outcomes == ["changed created" if event == "issue_comment" else "dead misnamed"]


STATES = ("requested", "queued", "pending", "waiting", "in_progress", "completed")
SECONDS = st.integers(0, 3)
MOMENTS = st.tuples(st.integers(1, 3), st.sampled_from(STATES), SECONDS, SECONDS, SECONDS)


@settings(max_examples=examples(300), deadline=None)
@given(moments=st.lists(MOMENTS, min_size=1, max_size=8), retried=st.lists(st.integers(0, 7), max_size=4))
def test_job_is_in_the_last_stage_of_its_last_attempt(
    moments: list[tuple[int, str, int, int, int]], retried: list[int]
) -> None:
    """This holds for any times of a job, any order of arrival, and any retries."""
    pipeline = Pipeline(Routes({}))
    deliveries = []
    for number, (attempt, status, created, started, completed) in enumerate(moments):
        event, payload = job(status, started, completed, attempt)
        payload["workflow_job"]["created_at"] = at(created)
        deliveries.append(github(event, payload, f"guid-{number}"))
    for delivery in [*deliveries, *(deliveries[number % len(deliveries)] for number in retried)]:
        pipeline.decide(delivery)

    shown = existing(pipeline)["workflow_job|9"]

    assert _stage(shown["run_attempt"], shown["status"]) == max(
        _stage(attempt, status) for attempt, status, *_ in moments
    )


def _stage(attempt: int, status: str) -> tuple[int, int]:
    return attempt, 0 if status in STATES[:4] else STATES.index(status)

"""Checks the event of a GitHub delivery, which is in an unsigned header, against the signed body.

The action and the resources are in the body and signed; the event is not. So an attacker with the delivery of a deleted comment
could post it as event `issues`, and the issue, which is next to the comment in the body, would be deleted. The tables list the
fields that a payload of an event never, or always, has next to its main object.
Source: GitHub's "Webhook events and payloads", the examples of octokit/webhooks.
"""

from collections.abc import Mapping

from providers.base import Unparsed
from schemas.records import Document

_MAIN = frozenset({
    "alert", "blocked_user", "check_run", "check_suite", "client_payload", "comment", "commits", "deployment",
    "deployment_status",
    "discussion", "forkee", "hook", "issue", "key", "label", "member", "merge_group", "milestone", "package", "pages",
    "project", "project_card", "project_column", "pull_request", "ref", "registry_package", "release",
    "repositories_added", "repository_ruleset", "review", "rule", "starred_at", "team", "thread", "workflow_job",
    "workflow_run",
})  # fmt: skip
"""Objects, or fields, that tell the subject of a payload; the repository and its owners are in nearly all payloads."""
_NEVER_BESIDE: Mapping[str, frozenset[str]] = {
    "check_run": frozenset({"deployment_status"}),
    "check_suite": frozenset({"check_run"}),
    "commit_comment": frozenset({"discussion", "issue", "pull_request"}),
    "delete": frozenset({"master_branch"}),
    "deployment": frozenset({"deployment_status", "workflow_job"}),
    "discussion": frozenset({"comment"}),
    "discussion_comment": frozenset({"issue", "pull_request"}),
    "installation": _MAIN | {"invitation", "membership", "projects_v2_item", "repository"},
    # Forgejo and Gitea put the pull request beside its comment; what GitHub sends about pull requests has no issue.
    "issue_comment": frozenset({"discussion"}),
    "issues": frozenset({"comment"}),
    "label": frozenset({"discussion", "issue", "pull_request"}),
    "member": _MAIN - {"member"},
    "milestone": frozenset({"issue", "pull_request"}),
    "organization": _MAIN | {"projects_v2_item", "repository"},
    "public": _MAIN | {"action"},
    "pull_request": frozenset({"comment", "review", "thread"}),
    "pull_request_review_comment": frozenset({"discussion", "issue"}),
    "repository": _MAIN,
    "star": _MAIN - {"starred_at"},
    "team": frozenset({"member"}),
    "team_add": frozenset({"action"}),
    "workflow_run": frozenset({"deployment", "deployment_status", "workflow_job", "workflow_job_run"}),
}
_ALWAYS_BESIDE: Mapping[str, str] = {
    "discussion_comment": "discussion",
    "issue_comment": "issue",
    "pull_request_review_comment": "pull_request",
    "star": "starred_at",
}


def contradiction(event: str, payload: Document) -> Unparsed | None:
    """Return why a payload cannot belong to the event in the header, None if there is no contradiction."""
    foreign = sorted(_NEVER_BESIDE.get(event, frozenset()).intersection(payload))
    missing = _ALWAYS_BESIDE.get(event)
    if foreign:
        expected = f"without {foreign[0]}"
    elif missing is not None and missing not in payload:
        expected = f"with {missing}"
    else:
        return None
    return Unparsed("misnamed", f"expected {event} {expected}; the header with the event is not signed")

"""GitHub's events: the resource of each, where its id, times and parent are, and which actions delete it.

One rule per event, or per event and action where the action changes the main object.

Paths are dotted. `@tenant` is the id of the repository, else of the organization, else of the installation, else of the hook's
target; `@delivery` is the delivery's GUID: an event without lasting state is a separate resource each time.
Source: GitHub's "Webhook events and payloads" and the examples of octokit/webhooks.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from schemas.records import ChildRule

DELETED = frozenset({"deleted"})
NEVER: frozenset[str] = frozenset()


class Rule(Struct, frozen=True):
    """How to find the resource of an event.

    `ids` are joined with `:`. `main` is the field that holds the document; None takes the whole payload, for events with
    all fields at the top level. `version` is an update time that grows with every change. If there is none, `times` are
    tried in order; they name only times that never decrease for one resource. For example, `dismissed_at` is null again
    after a reopening, and falling back to `created_at` would then make the reopening look old. `deleting` are the actions
    after which the resource is gone, "" for an event without action; `deleting_flag` is a path that is true in that case.
    `each` is the field that holds a list of main objects.
    """

    resource_type: str
    ids: tuple[str, ...]
    main: str | None = None
    version: str | None = None
    times: tuple[str, ...] = ()
    parent: tuple[str, str] | None = None
    deleting: frozenset[str] = NEVER
    deleting_flag: str | None = None
    each: str | None = None

    def paths(self) -> frozenset[str]:
        """Return every path needed to name the resource, except that of the document."""
        candidates = (
            *self.ids,
            *self.times,
            self.version,
            self.deleting_flag,
            self.each,
            (self.parent or ("", None))[1],
        )
        return frozenset(path for path in candidates if path and not path.startswith("@"))


def own(
    name: str,
    resource_type: str | None = None,
    *,
    parent: tuple[str, str] | None = None,
    deleting: frozenset[str] = DELETED,
) -> Rule:
    """Return the rule for the common case: an object called `name` with `id`, `created_at` and mostly `updated_at`."""
    return Rule(
        resource_type or name,
        (f"{name}.id",),
        main=name,
        version=f"{name}.updated_at",
        times=(f"{name}.created_at",),
        parent=parent,
        deleting=deleting,
    )


def alert(resource_type: str) -> Rule:
    """Return the rule for an alert: it has a number within its repository but no id, and its `updated_at` may be null."""
    return Rule(
        resource_type,
        ("@tenant", "alert.number"),
        main="alert",
        version="alert.updated_at",
        times=("alert.created_at",),
    )


_REF = Rule("ref", ("@tenant", "ref_type", "ref"), times=("repository.pushed_at",))
_REPOSITORY = own("repository")
_TEAM_REPOSITORY = Rule("team_repository", ("team.id", "repository.id"), parent=("team", "team.id"))
_ORGANIZATION_MEMBER = Rule(
    "organization_membership",
    ("organization.id", "membership.user.id"),
    main="membership",
    parent=("organization", "organization.id"),
    deleting=frozenset({"member_removed"}),
)
_PULL_REQUEST = ("pull_request", "pull_request.id")

RULES: dict[str, Rule] = {
    "branch_protection_rule": own("rule", "branch_protection_rule"),
    # A check run has no updated_at and may restart, so completed_at can become null: only the arrival time orders it.
    "check_run": Rule(
        "check_run", ("check_run.id",), main="check_run", parent=("check_suite", "check_run.check_suite.id")
    ),
    "check_suite": own("check_suite"),
    "code_scanning_alert": alert("code_scanning_alert"),
    "commit_comment": own("comment", "commit_comment"),
    "create": _REF,
    "custom_property": Rule(
        "custom_property", ("@tenant", "definition.property_name"), main="definition", deleting=DELETED
    ),
    "delete": Rule(_REF.resource_type, _REF.ids, times=_REF.times, deleting=frozenset({""})),
    "dependabot_alert": alert("dependabot_alert"),
    "deploy_key": own("key", "deploy_key"),
    "deployment": own("deployment"),
    "deployment_review": Rule(
        "deployment_review", ("workflow_run.id",), times=("since",), parent=("workflow_run", "workflow_run.id")
    ),
    "deployment_status": own("deployment_status", parent=("deployment", "deployment.id")),
    # A transferred discussion or issue is gone here; the other repository sends its successor under a new id.
    "discussion": own("discussion", deleting=frozenset({"deleted", "transferred"})),
    "discussion_comment": own("comment", "discussion_comment", parent=("discussion", "discussion.id")),
    "fork": own("forkee", "fork"),
    "github_app_authorization": Rule("github_app_authorization", ("sender.id",), deleting=frozenset({"revoked"})),
    # One delivery contains several pages: the repository is their common root, so that they share its partition.
    "gollum": Rule(
        "wiki_page", ("@tenant", "pages.page_name"), main="pages", each="pages", parent=("repository", "@tenant")
    ),
    "installation": own("installation"),
    "installation_repositories": Rule(
        "installation_repositories",
        ("installation.id",),
        times=("installation.updated_at",),
        parent=("installation", "installation.id"),
    ),
    "installation_target": Rule("installation_target", ("account.id",), main="account"),
    "issue_comment": own("comment", "issue_comment", parent=("issue", "issue.id")),
    "issues": own("issue", deleting=frozenset({"deleted", "transferred"})),
    "label": own("label"),
    # effective_date may be in the future, so it cannot order. Only the action tells that a purchase was cancelled.
    "marketplace_purchase": Rule(
        "marketplace_purchase", ("marketplace_purchase.account.id",), deleting=frozenset({"cancelled"})
    ),
    "member": Rule("member", ("@tenant", "member.id"), deleting=frozenset({"removed"})),
    "membership": Rule(
        "membership", ("team.id", "member.id"), parent=("team", "team.id"), deleting=frozenset({"removed"})
    ),
    "merge_group": Rule(
        "merge_group", ("@tenant", "merge_group.head_ref"), main="merge_group", deleting=frozenset({"destroyed"})
    ),
    "meta": Rule("hook", ("hook_id",), main="hook", version="hook.updated_at", deleting=DELETED),
    "milestone": own("milestone"),
    "org_block": Rule("org_block", ("@tenant", "blocked_user.id"), deleting=frozenset({"unblocked"})),
    "organization": Rule("organization", ("organization.id",), main="organization", deleting=DELETED),
    "organization.member_added": _ORGANIZATION_MEMBER,
    "organization.member_removed": _ORGANIZATION_MEMBER,
    "organization.member_invited": Rule(
        "organization_invitation",
        ("invitation.id",),
        main="invitation",
        times=("invitation.created_at",),
        parent=("organization", "organization.id"),
    ),
    "package": own("package"),
    "page_build": Rule("page_build", ("id",), version="build.updated_at", times=("build.created_at",)),
    "ping": Rule("hook", ("hook_id",), main="hook", version="hook.updated_at"),
    "project": own("project"),
    "project_card": own("project_card"),
    "project_column": own("project_column"),
    "projects_v2": own("projects_v2"),
    "projects_v2_item": own("projects_v2_item"),
    "projects_v2_status_update": own("projects_v2_status_update"),
    "public": _REPOSITORY,
    "pull_request": own("pull_request"),
    # submitted_at does not change when a review is edited or dismissed; the pull request's update time does.
    "pull_request_review": Rule(
        "pull_request_review",
        ("review.id",),
        main="review",
        times=("pull_request.updated_at", "review.submitted_at"),
        parent=_PULL_REQUEST,
    ),
    "pull_request_review_comment": own("comment", "pull_request_review_comment", parent=_PULL_REQUEST),
    # The thread does not tell whether it is resolved; only the action does.
    "pull_request_review_thread": Rule(
        "pull_request_review_thread", ("thread.node_id",), times=("pull_request.updated_at",), parent=_PULL_REQUEST
    ),
    # The current state of a ref: the push that deletes the ref deletes the resource. pushed_at is an integer here.
    "push": Rule("push", ("@tenant", "ref"), times=("repository.pushed_at",), deleting_flag="deleted"),
    "registry_package": own("registry_package"),
    "release": Rule(
        "release",
        ("release.id",),
        main="release",
        version="release.updated_at",
        times=("release.published_at", "release.created_at"),
        deleting=DELETED,
    ),
    # Back to a draft: published_at is null again, and created_at would be older than the publication.
    "release.unpublished": Rule("release", ("release.id",), main="release", version="release.updated_at"),
    "repository": _REPOSITORY,
    "repository_advisory": Rule(
        "repository_advisory",
        ("repository_advisory.ghsa_id",),
        main="repository_advisory",
        version="repository_advisory.updated_at",
    ),
    "repository_dispatch": Rule("repository_dispatch", ("@delivery",)),
    "repository_import": Rule("repository_import", ("repository.id",)),
    "repository_ruleset": own("repository_ruleset"),
    "repository_vulnerability_alert": own("alert", "repository_vulnerability_alert"),
    "secret_scanning_alert": alert("secret_scanning_alert"),
    "secret_scanning_alert_location": Rule("secret_scanning_alert_location", ("@delivery",)),
    "security_advisory": Rule(
        "security_advisory",
        ("security_advisory.ghsa_id",),
        main="security_advisory",
        version="security_advisory.updated_at",
        times=("security_advisory.published_at",),
    ),
    "sponsorship": Rule(
        "sponsorship", ("sponsorship.node_id",), times=("sponsorship.created_at",), deleting=frozenset({"cancelled"})
    ),
    "star": Rule("star", ("@tenant", "sender.id"), times=("starred_at",), deleting=DELETED),
    "status": Rule("status", ("id",), version="updated_at", times=("created_at",)),
    "team": own("team"),
    "team.added_to_repository": _TEAM_REPOSITORY,
    "team.removed_from_repository": Rule(
        _TEAM_REPOSITORY.resource_type,
        _TEAM_REPOSITORY.ids,
        parent=_TEAM_REPOSITORY.parent,
        deleting=frozenset({"removed_from_repository"}),
    ),
    "team_add": _TEAM_REPOSITORY,
    "watch": Rule("watch", ("@tenant", "sender.id")),
    "workflow_dispatch": Rule("workflow_dispatch", ("@delivery",)),
    # A job only moves forward (a rerun is a new job): queued, started, completed.
    "workflow_job": Rule(
        "workflow_job",
        ("workflow_job.id",),
        main="workflow_job",
        times=("workflow_job.completed_at", "workflow_job.started_at", "workflow_job.created_at"),
        parent=("workflow_run", "workflow_job.run_id"),
    ),
    "workflow_run": own("workflow_run"),
}

# Events without a rule above: the resource is the object with the event's name, or else the delivery.
NAMED_LIKE_THE_RESOURCE: Final = frozenset({
    "branch_protection_configuration", "custom_property_values", "deployment_protection_rule", "issue_dependencies",
    "personal_access_token_request", "secret_scanning_scan", "security_and_analysis", "sub_issues",
})  # fmt: skip

# A label, user or team exists without the pull request: only the relation between the two is created and deleted. Relations have
# no times. Reviews and comments have separate events and are not listed in a pull request.
CHILDREN: Final[Mapping[str, tuple[ChildRule, ...]]] = {
    "issue": (
        ChildRule("issue_label", "labels", is_relation=True),
        ChildRule("issue_assignee", "assignees", is_relation=True),
    ),
    "pull_request": (
        ChildRule("pull_request_label", "labels", is_relation=True),
        ChildRule("pull_request_assignee", "assignees", is_relation=True),
        ChildRule("pull_request_requested_reviewer", "requested_reviewers", is_relation=True),
        ChildRule("pull_request_requested_team", "requested_teams", is_relation=True),
    ),
}

# By action, the field next to the main object that holds the element removed from a list. In GitHub's own examples of these
# three actions, the list still contains it.
REMOVALS: Final[Mapping[str, Mapping[str, str]]] = {
    "unlabeled": {"label": "labels"},
    "unassigned": {"assignee": "assignees"},
    "review_request_removed": {"requested_reviewer": "requested_reviewers", "requested_team": "requested_teams"},
}

RESOURCE_TYPES: Final = frozenset(
    {
        *NAMED_LIKE_THE_RESOURCE,
        *(rule.resource_type for rule in RULES.values()),
        *(rule.resource_type for rules in CHILDREN.values() for rule in rules),
    }
)
"""Every resource type of a documented event. The event's header is not signed, so all other types share one topic."""

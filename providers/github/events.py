"""GitHub's events: the resource of each, where its id, times, rank and parent are, and which actions delete it.

One rule per event, or per event and action where the action changes the main object. An event that only says a difference or a
relation (`added`, `removed`, members, stars, installation repositories, sub-issues) is a relation resource, which is created and
deleted, never a state of what it relates to.
Source: GitHub's "Webhook events and payloads" and the examples of octokit/webhooks.
"""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from providers.github.ranks import (
    CHECK_RUN,
    CHECK_SUITE,
    COMMIT_STATUS,
    DEPLOYMENT_STATUS,
    MERGE_GROUP,
    OBJECT,
    OPENED,
    PULL_REQUEST,
    RELATION,
    WORKFLOW_JOB,
    WORKFLOW_RUN,
)
from providers.github.rule import DELETED, NEVER, REMOVED, Listed, Rule, alert, own, relation
from schemas.records import ChildRule

TODAYS_NAME: Final[Mapping[str, str]] = {
    "integration_installation": "installation",
    "integration_installation_repositories": "installation_repositories",
}
"""Events that have another name today: until 2017 a GitHub App was called an integration."""

_REF = Rule(
    "ref",
    ("@repository", "ref_type", "ref"),
    times=("repository.pushed_at",),
    or_else=Rule("ref", ("@repository", "ref_type"), times=("repository.pushed_at",)),  # a repository has no ref
)
_REPOSITORY = own("repository")
_REPOSITORY = replace(_REPOSITORY, or_else=replace(_REPOSITORY, ids=("@repository",), or_else=None))
_PULL_REQUEST = ("pull_request", "pull_request.id")
_INSTALLATION_REPOSITORY = replace(
    relation("installation_repository", ("installation.id", "@repository"), "installation repository"),
    times=("installation.updated_at",),
    parent=("installation", "installation.id"),
)
_TEAM_REPOSITORY = replace(
    relation(
        "team_repository",
        ("team.id", "@repository"),
        "team repository permissions=repository.permissions role_name=repository.role_name",
        deleting=frozenset({"removed_from_repository"}),
    ),
    parent=("team", "team.id"),
)
_TEAM = own("team")
_ORGANIZATION_MEMBER = Rule(
    "organization_membership",
    ("organization.id", "membership.user.id"),
    main="membership",
    parent=("organization", "organization.id"),
    deleting=frozenset({"member_removed"}),
)
_PROJECT_ITEM = own("projects_v2_item")
_DEPLOYMENT_REVIEW = Rule(
    "deployment_review",
    ("workflow_job_run.id",),
    times=("workflow_job_run.updated_at", "since"),
    parent=("workflow_run", "workflow_run.id"),
    rank=OBJECT,
    each=(Listed("workflow_job_runs", "workflow_job_run"),),
)
_SUB_ISSUE = replace(
    relation(
        "sub_issue",
        ("parent_issue_id", "sub_issue_id"),
        "parent_issue sub_issue",
        deleting=frozenset({"sub_issue_removed", "parent_issue_removed"}),
    ),
    times=("sub_issue.updated_at",),
    parent=("issue", "parent_issue_id"),
)
_ISSUE_DEPENDENCY = replace(
    relation(
        "issue_dependency",
        ("blocked_issue_id", "blocking_issue_id"),
        "blocked_issue blocking_issue",
        deleting=frozenset({"blocked_by_removed", "blocking_removed"}),
    ),
    times=("blocked_issue.updated_at",),
    parent=("issue", "blocked_issue_id"),
)
# Requests to bypass a ruleset, to push a secret, or to dismiss an alert have one shape; one of another shape is an occurrence.
_EXEMPTIONS = (
    "bypass_request_push_ruleset", "bypass_request_secret_scanning", "dismissal_request_code_scanning",
    "dismissal_request_secret_scanning", "exemption_request_push_ruleset", "exemption_request_secret_scanning",
)  # fmt: skip
# A purchase and an authorization are one per account and listing or app; the hook belongs to the listing or app.
_MARKETPLACE = ("@target", "marketplace_purchase.account.id")

RULES: dict[str, Rule] = {
    **{name: replace(own("exemption_request", name), or_else=Rule(name, ("@delivery",))) for name in _EXEMPTIONS},
    "branch_protection_configuration": Rule(
        "branch_protection_configuration",
        ("@repository",),
        relates=(("repository", "repository"),),
        deleting=frozenset({"disabled"}),
        rank=RELATION,
    ),
    "branch_protection_rule": own("rule", "branch_protection_rule"),
    # A check run has no update time, and a reset sets completed_at to null again; but its suite is updated with it.
    "check_run": Rule(
        "check_run",
        ("check_run.id",),
        main="check_run",
        times=("check_run.check_suite.updated_at",),
        parent=("check_suite", "check_run.check_suite.id"),
        rank=CHECK_RUN,
    ),
    "check_suite": own("check_suite", rank=CHECK_SUITE),
    "code_scanning_alert": alert("code_scanning_alert"),
    "commit_comment": own("comment", "commit_comment"),
    "create": _REF,
    "custom_property": Rule(
        "custom_property", ("@owner", "definition.property_name"), main="definition", deleting=DELETED
    ),
    "custom_property_values": replace(
        relation(
            "custom_property_value",
            ("@repository", "property.property_name"),
            "repository property_name=property.property_name value=property.value",
        ),
        parent=("repository", "@repository"),
        each=(Listed("new_property_values", "property"),),
        or_else=Rule("custom_property_values", ("@delivery",), parent=("repository", "@repository")),
    ),
    "delete": replace(
        _REF, deleting=frozenset({""}), or_else=_REF.or_else and replace(_REF.or_else, deleting=frozenset({""}))
    ),
    "dependabot_alert": alert("dependabot_alert"),
    "deploy_key": own("key", "deploy_key"),
    "deployment": own("deployment"),
    # One run waits for the review of several environments, each the job of one attempt.
    "deployment_review": replace(
        _DEPLOYMENT_REVIEW,
        or_else=replace(
            _DEPLOYMENT_REVIEW,
            ids=("workflow_run.id", "environment"),
            times=("since",),
            each=(),
            or_else=Rule("deployment_review", ("@delivery",), parent=("workflow_run", "workflow_run.id")),
        ),
    ),
    "deployment_status": own("deployment_status", parent=("deployment", "deployment.id"), rank=DEPLOYMENT_STATUS),
    # A transferred discussion or issue is gone here; the other repository sends its successor under a new id.
    "discussion": own("discussion", deleting=frozenset({"deleted", "transferred"})),
    "discussion_comment": own("comment", "discussion_comment", parent=("discussion", "discussion.id")),
    # The forkee does not name the repository of which it is a fork.
    "fork": Rule("fork", ("forkee.id",), times=("forkee.created_at",)),
    "github_app_authorization": Rule(
        "github_app_authorization", ("@target", "sender.id"), deleting=frozenset({"revoked"})
    ),
    # One delivery contains several pages: the repository is their common root, so that they share its partition.
    "gollum": Rule(
        "wiki_page",
        ("@repository", "pages.page_name"),
        main="pages",
        each=(Listed("pages", "pages"),),
        parent=("repository", "@repository"),
    ),
    "installation": own(
        "installation",
        beside=(replace(_INSTALLATION_REPOSITORY, each=(Listed("repositories", "repository"),), deleting=DELETED),),
    ),
    # Without repositories only the selection has changed, which the installation shows; this one stays an occurrence.
    "installation_repositories": replace(
        _INSTALLATION_REPOSITORY,
        each=(
            Listed("repositories_added", "repository"),
            Listed("repositories_removed", "repository", is_removed=True),
        ),
        or_else=Rule(
            "installation_repositories",
            ("@delivery",),
            times=("installation.updated_at",),
            parent=("installation", "installation.id"),
        ),
    ),
    "installation_target": Rule("installation_target", ("account.id",), main="account"),
    "issue_comment": own("comment", "issue_comment", parent=("issue", "issue.id")),
    "issue_dependencies": replace(
        _ISSUE_DEPENDENCY,
        or_else=replace(
            _ISSUE_DEPENDENCY, ids=("blocked_issue.id", "blocking_issue.id"), parent=("issue", "blocked_issue.id")
        ),
    ),
    "issues": own("issue", deleting=frozenset({"deleted", "transferred"}), rank=OPENED),
    # Old labels have a name and no id. A name may come back after a deletion, so that its life does not rank it.
    "label": replace(
        own("label"), or_else=Rule("label", ("@repository", "label.name"), main="label", deleting=DELETED)
    ),
    # effective_date may be in the future, so it cannot order. Only the action says that a purchase was cancelled.
    "marketplace_purchase": Rule("marketplace_purchase", _MARKETPLACE, deleting=frozenset({"cancelled"})),
    "member": relation(
        "member",
        ("@repository", "member.id"),
        "member repository permission=changes.permission.to role_name=changes.role_name.to",
        deleting=REMOVED,
    ),
    "membership": replace(
        relation("membership", ("team.id", "member.id"), "member team organization", deleting=REMOVED),
        parent=("team", "team.id"),
    ),
    # A ref may be queued again; the commit of its group is then a later one.
    "merge_group": Rule(
        "merge_group",
        ("@repository", "merge_group.head_ref"),
        main="merge_group",
        times=("merge_group.head_commit.timestamp",),
        deleting=frozenset({"destroyed"}),
        rank=MERGE_GROUP,
    ),
    "meta": Rule("hook", ("hook_id",), main="hook", version="hook.updated_at", deleting=DELETED),
    "milestone": own("milestone"),
    "org_block": relation(
        "org_block",
        ("organization.id", "blocked_user.id"),
        "blocked_user organization",
        deleting=frozenset({"unblocked"}),
    ),
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
    "personal_access_token_request": own("personal_access_token_request"),
    "ping": Rule("hook", ("hook_id",), main="hook", version="hook.updated_at"),
    "project": own("project"),
    "project_card": own("project_card"),
    "project_column": own("project_column"),
    "projects_v2": own("projects_v2"),
    "projects_v2_item": _PROJECT_ITEM,
    # The item does not show its fields; only the difference does.
    "projects_v2_item.edited": replace(
        _PROJECT_ITEM,
        beside=(
            replace(
                relation(
                    "projects_v2_item_field_value",
                    ("projects_v2_item.id", "changes.field_value.field_node_id"),
                    "projects_v2_item field_node_id=changes.field_value.field_node_id"
                    " field_name=changes.field_value.field_name field_type=changes.field_value.field_type"
                    " project_number=changes.field_value.project_number value=changes.field_value.to",
                ),
                times=("projects_v2_item.updated_at",),
                parent=("projects_v2_item", "projects_v2_item.id"),
                needs="changes.field_value.field_node_id",
            ),
        ),
    ),
    "projects_v2_status_update": own("projects_v2_status_update"),
    "public": _REPOSITORY,
    "pull_request": own("pull_request", rank=PULL_REQUEST),
    # submitted_at does not change when a review is edited or dismissed; the pull request's update time does.
    "pull_request_review": Rule(
        "pull_request_review",
        ("review.id",),
        main="review",
        times=("pull_request.updated_at", "review.submitted_at"),
        parent=_PULL_REQUEST,
        rank=OBJECT,
    ),
    "pull_request_review_comment": own("comment", "pull_request_review_comment", parent=_PULL_REQUEST),
    # The thread does not tell whether it is resolved; only the action does.
    "pull_request_review_thread": Rule(
        "pull_request_review_thread",
        ("thread.node_id",),
        times=("updated_at", "pull_request.updated_at"),
        parent=_PULL_REQUEST,
    ),
    # The current state of a ref: the push that deletes the ref deletes the resource. pushed_at is an integer here.
    # Forgejo and Gitea send none; the commits, whose times an author may set, are the next best.
    "push": Rule(
        "push",
        ("@repository", "ref"),
        times=("repository.pushed_at", "head_commit.timestamp"),
        newest_of=("commits", "timestamp"),
        deleting_flag="deleted",
    ),
    "registry_package": own("registry_package"),
    "release": Rule(
        "release",
        ("release.id",),
        main="release",
        version="release.updated_at",
        times=("release.published_at", "release.created_at"),
        deleting=DELETED,
        rank=OBJECT,
    ),
    # Back to a draft: published_at is null again, and created_at would be older than the publication.
    "release.unpublished": Rule("release", ("release.id",), main="release", version="release.updated_at", rank=OBJECT),
    "repository": _REPOSITORY,
    "repository_advisory": Rule(
        "repository_advisory",
        ("repository_advisory.ghsa_id",),
        main="repository_advisory",
        version="repository_advisory.updated_at",
    ),
    "repository_dispatch": Rule("repository_dispatch", ("@delivery",)),
    "repository_import": Rule("repository_import", ("@repository",)),
    "repository_ruleset": own("repository_ruleset"),
    # Today's dependabot_alert, with the same number; before that it had an id alone.
    "repository_vulnerability_alert": replace(
        alert("dependabot_alert"), or_else=replace(alert("dependabot_alert"), ids=("alert.id",), or_else=None)
    ),
    "secret_scanning_alert": alert("secret_scanning_alert"),
    "secret_scanning_alert_location": Rule("secret_scanning_alert_location", ("@delivery",)),
    # The repository shows the whole new setting; in other events it has none, so it is no part of the repository's document.
    "security_and_analysis": Rule(
        "security_and_analysis",
        ("@repository",),
        relates=(("repository", "repository"), ("security_and_analysis", "repository.security_and_analysis")),
        times=("repository.updated_at",),
    ),
    "security_advisory": Rule(
        "security_advisory",
        ("security_advisory.ghsa_id",),
        main="security_advisory",
        version="security_advisory.updated_at",
        times=("security_advisory.published_at",),
    ),
    "sponsorship": Rule(
        "sponsorship",
        ("sponsorship.node_id",),
        times=("sponsorship.created_at",),
        deleting=frozenset({"cancelled"}),
        rank=OBJECT,
    ),
    # A deletion has no starred_at, but the repository is updated with its number of stars. Within one second the deletion wins.
    "star": Rule(
        "star",
        ("@repository", "sender.id"),
        relates=(("sender", "sender"), ("repository", "repository"), ("starred_at", "starred_at")),
        times=("starred_at", "repository.updated_at"),
        deleting=DELETED,
    ),
    "status": Rule("status", ("id",), version="updated_at", times=("created_at",), rank=COMMIT_STATUS),
    "sub_issues": replace(
        _SUB_ISSUE,
        or_else=replace(_SUB_ISSUE, ids=("parent_issue.id", "sub_issue.id"), parent=("issue", "parent_issue.id")),
    ),
    "team": _TEAM,
    # An edit of what the team may do in one repository shows that repository.
    "team.edited": replace(_TEAM, beside=(replace(_TEAM_REPOSITORY, needs="changes.repository"),)),
    "team.added_to_repository": _TEAM_REPOSITORY,
    "team.removed_from_repository": _TEAM_REPOSITORY,
    "team_add": replace(_TEAM_REPOSITORY, deleting=NEVER),
    "watch": relation("watch", ("@repository", "sender.id"), "sender repository"),
    "workflow_dispatch": Rule("workflow_dispatch", ("@delivery",)),
    "workflow_job": Rule(
        "workflow_job",
        ("workflow_job.id",),
        main="workflow_job",
        times=("workflow_job.completed_at", "workflow_job.started_at", "workflow_job.created_at"),
        parent=("workflow_run", "workflow_job.run_id"),
        rank=WORKFLOW_JOB,
    ),
    "workflow_run": own("workflow_run", rank=WORKFLOW_RUN),
}

# Events without a rule above: the resource is the object with the event's name, or else the delivery.
NAMED_LIKE_THE_RESOURCE: Final = frozenset({"deployment_protection_rule", "secret_scanning_scan"})

# A label, user or team exists without the pull request: only the relation between the two is created and deleted. Relations have
# no times. Reviews and comments have separate events and are not listed in a pull request.
CHILDREN: Final[Mapping[str, tuple[ChildRule, ...]]] = {
    "discussion": (ChildRule("discussion_label", "labels", is_relation=True),),
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
        *(name for rule in RULES.values() for name in rule.resource_types()),
        *(rule.resource_type for rules in CHILDREN.values() for rule in rules),
    }
)
"""Every resource type of a documented event. The event's header is not signed, so all other types share one topic."""

"""Events that say a difference or a relation: the relation comes and goes, and what it relates to keeps its document."""

from typing import Any

import pytest

from providers.base import Parsed
from providers.github.events import RESOURCE_TYPES
from providers.github.provider import GitHub
from schemas.records import Snapshot
from tests.support.builders.github_deliveries import decided, existing, github

INSTALLATION = {"id": 5, "updated_at": 1_769_860_800}
REPOSITORY = {"id": 11, "full_name": "acme/shop", "permissions": {"push": True}, "stargazers_count": 5}
TEAM = {"id": 6, "name": "backend", "members_count": 3}
USER = {"id": 2, "login": "octocat", "type": "User"}
OWNER = {"id": 1, "login": "acme"}


def shown(event: str, payload: dict[str, Any]) -> list[Snapshot]:
    """Return what a delivery shows."""
    parsed = GitHub().parse(github(event, payload, "guid-1"))
    assert isinstance(parsed, Parsed), parsed
    return list(parsed.snapshots)


RELATIONS = [
    (
        "membership",
        ("added", "removed"),
        {"member": USER, "team": TEAM, "organization": OWNER},
        "membership|6:2",
        {
            "member": {"id": 2, "login": "octocat"},
            "team": {"id": 6, "name": "backend"},
            "organization": {"id": 1, "login": "acme"},
        },
    ),
    (
        "member",
        ("added", "removed"),
        {"member": USER, "repository": REPOSITORY, "changes": {"permission": {"to": "write"}}},
        "member|11:2",
        {
            "member": {"id": 2, "login": "octocat"},
            "repository": {"id": 11, "full_name": "acme/shop"},
            "permission": "write",
        },
    ),
    (
        "team",
        ("added_to_repository", "removed_from_repository"),
        {"team": TEAM, "repository": REPOSITORY},
        "team_repository|6:11",
        {
            "team": {"id": 6, "name": "backend"},
            "repository": {"id": 11, "full_name": "acme/shop"},
            "permissions": {"push": True},
        },
    ),
    (
        "org_block",
        ("blocked", "unblocked"),
        {"blocked_user": USER, "organization": OWNER},
        "org_block|1:2",
        {"blocked_user": {"id": 2, "login": "octocat"}, "organization": {"id": 1, "login": "acme"}},
    ),
    (
        "sub_issues",
        ("sub_issue_added", "sub_issue_removed"),
        {
            "parent_issue_id": 1,
            "parent_issue": {"id": 1, "number": 10, "title": "a"},
            "sub_issue_id": 2,
            "sub_issue": {"id": 2, "number": 20},
        },
        "sub_issue|1:2",
        {"parent_issue": {"id": 1, "number": 10}, "sub_issue": {"id": 2, "number": 20}},
    ),
    (
        "sub_issues",
        ("parent_issue_added", "parent_issue_removed"),
        {"parent_issue": {"id": 1, "number": 10}, "sub_issue": {"id": 2, "number": 20}},
        "sub_issue|1:2",
        {"parent_issue": {"id": 1, "number": 10}, "sub_issue": {"id": 2, "number": 20}},
    ),
    (
        "issue_dependencies",
        ("blocked_by_added", "blocked_by_removed"),
        {"blocked_issue_id": 1, "blocked_issue": {"id": 1}, "blocking_issue_id": 2, "blocking_issue": {"id": 2}},
        "issue_dependency|1:2",
        {"blocked_issue": {"id": 1}, "blocking_issue": {"id": 2}},
    ),
    (
        "issue_dependencies",
        ("blocking_added", "blocking_removed"),
        {"blocked_issue": {"id": 1}, "blocking_issue": {"id": 2}},
        "issue_dependency|1:2",
        {"blocked_issue": {"id": 1}, "blocking_issue": {"id": 2}},
    ),
    (
        "branch_protection_configuration",
        ("enabled", "disabled"),
        {"repository": REPOSITORY, "sender": USER},
        "branch_protection_configuration|11",
        {"repository": {"id": 11, "full_name": "acme/shop"}},
    ),
    (
        "integration_installation_repositories",
        ("added", "removed"),
        {"installation": INSTALLATION, "repositories_added": [REPOSITORY], "sender": USER},
        "installation_repository|5:11",
        {"installation": {"id": 5}, "repository": {"id": 11, "full_name": "acme/shop"}},
    ),
]


@pytest.mark.parametrize(("event", "actions", "payload", "key", "document"), RELATIONS)
def test_relation_comes_goes_and_comes_back(
    event: str, actions: tuple[str, str], payload: dict[str, Any], key: str, document: dict[str, Any]
) -> None:
    """In the order of arrival, because most relations have no time; nothing else changes."""
    added = (event, {"action": actions[0], **payload})
    removed = (event, {"action": actions[1], **payload})
    if "repositories_added" in payload:
        removed = (
            event,
            removed[1] | {"repositories_removed": payload["repositories_added"], "repositories_added": []},
        )

    pipeline = decided([added, removed, added])

    assert [change.op for change in pipeline.changes] == ["c", "d", "c"]
    assert existing(pipeline) == {key: document}
    assert key.partition("|")[0] in RESOURCE_TYPES


def test_action_of_another_event_ends_no_watch() -> None:
    """The event is in an unsigned header: posted as `watch`, the removal of a member must not end the sender's watch."""
    removed = {"action": "removed", "member": {"id": 9}, "repository": REPOSITORY, "sender": USER}

    assert not any(snapshot.is_deleted for snapshot in shown("watch", removed))


def test_two_events_of_one_relation_show_one_document() -> None:
    """`team_add` and `team.added_to_repository` are about one addition; the second makes no difference."""
    payload = {"team": TEAM, "repository": REPOSITORY, "organization": OWNER}

    pipeline = decided([("team", {"action": "added_to_repository", **payload}), ("team_add", payload)])

    assert pipeline.outcomes == ["changed created", "unchanged no_difference"]


def test_edit_of_what_a_team_may_do_is_an_edit_of_the_relation() -> None:
    """The team shows nothing of it; the repository beside it does."""
    added = {"action": "added_to_repository", "team": TEAM, "repository": REPOSITORY}
    changes = {"repository": {"permissions": {"from": {"push": True}}}}
    weaker = REPOSITORY | {"permissions": {"push": False}}

    pipeline = decided(
        [("team", added), ("team", {"action": "edited", "team": TEAM, "repository": weaker, "changes": changes})]
    )

    assert existing(pipeline)["team_repository|6:11"]["permissions"] == {"push": False}
    assert existing(pipeline)["team|6"] == TEAM


def test_installation_keeps_its_document() -> None:
    """Case 8: what is added to an installation or removed from it is no state of the installation."""
    whole = INSTALLATION | {"account": OWNER, "permissions": {"issues": "write"}}
    created = {"action": "created", "installation": whole, "repositories": [{"id": 1}]}
    added = {"action": "added", "installation": INSTALLATION, "repositories_added": [{"id": 4}, {"id": 3}]}

    pipeline = decided([("installation", created), ("installation_repositories", added)])

    assert existing(pipeline)["installation|5"] == whole
    assert sorted(existing(pipeline)) == [
        "installation_repository|5:1",
        "installation_repository|5:3",
        "installation_repository|5:4",
        "installation|5",
    ]


def test_one_delivery_adds_and_removes() -> None:
    """Both lists count for either action."""
    payload = {
        "action": "added",
        "installation": INSTALLATION,
        "repositories_added": [{"id": 1}],
        "repositories_removed": [{"id": 2}, {"id": 3}],
    }

    snapshots = shown("installation_repositories", payload)

    assert [(one.resource_id, one.is_deleted) for one in snapshots] == [("5:1", False), ("5:2", True), ("5:3", True)]


def test_selection_without_repositories_is_an_occurrence() -> None:
    """From selected repositories to all of them: no list, and no change of any relation."""
    payload = {
        "action": "added",
        "installation": INSTALLATION,
        "repository_selection": "all",
        "repositories_added": [],
        "repositories_removed": [],
    }

    (snapshot,) = shown("installation_repositories", payload)

    assert (snapshot.resource_type, snapshot.resource_id) == ("installation_repositories", "guid-1")
    assert snapshot.parent == ("installation", "5")
    assert snapshot.document is not None
    assert snapshot.document["repository_selection"] == "all"


@pytest.mark.parametrize("broken", [None, 7, "x", {}, [7, None], [{}], [{"id": []}]])
def test_broken_list_raises_nothing(broken: Any) -> None:
    """Any value may replace a list."""
    for name in ("repositories", "repositories_added", "new_property_values", "workflow_job_runs"):
        for event in ("installation", "installation_repositories", "custom_property_values", "deployment_review"):
            payload = {"installation": INSTALLATION, "repository": REPOSITORY, "workflow_run": {"id": 3}, name: broken}
            GitHub().parse(github(event, payload, "guid-1"))


def test_properties_of_a_repository_are_relations() -> None:
    """One resource per property; the old values are only a difference."""
    payload = {
        "action": "updated",
        "repository": REPOSITORY,
        "new_property_values": [
            {"property_name": "tier", "value": "gold"},
            {"property_name": "owners", "value": ["a", "b"]},
        ],
        "old_property_values": [{"property_name": "tier", "value": None}],
    }

    assert existing(decided([("custom_property_values", payload)])) == {
        "custom_property_value|11:tier": {
            "repository": {"id": 11, "full_name": "acme/shop"},
            "property_name": "tier",
            "value": "gold",
        },
        "custom_property_value|11:owners": {
            "repository": {"id": 11, "full_name": "acme/shop"},
            "property_name": "owners",
            "value": ["a", "b"],
        },
    }


def test_field_of_a_project_item_is_a_resource() -> None:
    """The item shows none of its fields, so an edited field would otherwise be lost as `unchanged`."""
    item = {"id": 7, "node_id": "PVTI_1", "updated_at": "2026-01-31T12:00:00Z"}
    field = {"field_node_id": "F_1", "field_name": "Status", "field_type": "single_select", "from": None}
    to = {"id": "47", "name": "Done", "color": "GREEN"}
    edited = {"action": "edited", "projects_v2_item": item, "changes": {"field_value": field | {"to": to}}}

    found = existing(decided([("projects_v2_item", edited)]))

    assert found["projects_v2_item|7"] == item
    assert found["projects_v2_item_field_value|7:F_1"]["value"] == {"id": "47", "name": "Done"}


def test_fork_says_of_which_repository_it_is_one() -> None:
    """The forkee is whole, and the repository beside it is named."""
    (snapshot,) = shown("fork", {"forkee": {"id": 12, "fork": True}, "repository": REPOSITORY, "sender": USER})

    assert snapshot.document is not None
    assert snapshot.document["forkee"] == {"id": 12, "fork": True}
    assert snapshot.document["repository"] == {"id": 11, "full_name": "acme/shop"}


@pytest.mark.parametrize(
    ("legacy", "today", "payload", "key"),
    [
        (
            "integration_installation",
            "installation",
            {"action": "created", "installation": INSTALLATION},
            "installation|5",
        ),
        (
            "integration_installation_repositories",
            "installation_repositories",
            {"action": "added", "installation": INSTALLATION, "repositories_added": [{"id": 1}]},
            "installation|5",
        ),
    ],
)
def test_legacy_event_has_its_name_of_today(legacy: str, today: str, payload: dict[str, Any], key: str) -> None:
    """Routes and topics know one name; a raw topic may still hold the other."""
    delivery = github(legacy, payload, "guid-1")

    assert delivery.event_type == f"{today}.{payload['action']}"
    assert delivery.key.endswith(f"|{key}")
    assert shown(legacy, payload) == shown(today, payload)


def test_vulnerability_alert_is_the_dependabot_alert_of_its_number() -> None:
    """GitHub replaced the event; the alert kept its number."""
    alert = {"id": 91, "number": 2, "state": "open", "created_at": "2026-01-31T12:00:00Z"}
    legacy = {"action": "create", "alert": alert, "repository": REPOSITORY}

    (old,) = shown("repository_vulnerability_alert", legacy)
    (new,) = shown("dependabot_alert", legacy | {"action": "created", "alert": {"number": 2, "state": "open"}})

    assert (old.resource_type, old.resource_id) == (new.resource_type, new.resource_id) == ("dependabot_alert", "11:2")

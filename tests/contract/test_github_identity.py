"""No two things of GitHub share a resource, and the ingress computes the key that the pipeline computes."""

from typing import Any

import msgspec
import pytest

from providers.base import Parsed
from providers.github.events import RULES
from providers.github.provider import GitHub
from providers.github.rule import Rule
from schemas.records import Snapshot
from tests.support.builders.corpora import corpora
from tests.support.builders.github_deliveries import github

FILES = [file for file in sorted((corpora() / "github").glob("*/*.json")) if file.parent.name != "ping"]
EXAMPLES = [(file.parent.name, msgspec.json.decode(file.read_bytes())) for file in FILES]
IDS = [f"{file.parent.name}-{file.stem}" for file in FILES]
ID_SHIFT = 10**12
NAMES_AN_OBJECT = ("node_id", "url", "ghsa_id")
REPOSITORY = {"id": 11, "full_name": "acme/shop"}
USER = {"id": 2, "login": "octocat"}


def shown(event: str, payload: Any, guid: str = "guid-1", target: str = "1") -> list[Snapshot]:
    """Return what a delivery shows; fail unless all of it has the root that the ingress found."""
    delivery = github(event, payload, guid, {"x-github-hook-installation-target-id": target})
    parsed = GitHub().parse(delivery)
    assert isinstance(parsed, Parsed), parsed
    for snapshot in parsed.snapshots:
        root = snapshot.parent or (snapshot.resource_type, snapshot.resource_id)
        assert delivery.key.endswith(f"|{root[0]}|{root[1]}")
    return list(parsed.snapshots)


def resources(event: str, payload: Any, guid: str = "guid-1", target: str = "1") -> set[tuple[str, str]]:
    """Return the (type, id) of everything that a delivery shows."""
    return {(one.resource_type, one.resource_id) for one in shown(event, payload, guid, target)}


def elsewhere(value: Any) -> Any:
    """Return a payload in which every object is another one: each id is different, and all names are the same."""
    if isinstance(value, list):
        return [elsewhere(element) for element in value]
    if not isinstance(value, dict):
        return value
    return {name: _other_id(element) if _is_id(name) else elsewhere(element) for name, element in value.items()}


def _is_id(name: str) -> bool:
    return name in {"id", "ghsa_id"} or name.endswith("_id")


def _other_id(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value + ID_SHIFT
    return f"{value}-other" if isinstance(value, str) else value


@pytest.mark.parametrize(("event", "payload"), EXAMPLES, ids=IDS)
def test_things_with_other_ids_share_no_resource(event: str, payload: Any) -> None:
    """The same names, numbers, refs and contents under other ids are other resources."""
    assert resources(event, payload).isdisjoint(resources(event, elsewhere(payload), "guid-2", "2"))


def test_examples_that_share_a_resource_are_about_one_object() -> None:
    """Where two examples name one resource, what GitHub itself calls the object is the same in both."""
    names: dict[tuple[str, str], dict[str, str]] = {}
    for number, (event, payload) in enumerate(EXAMPLES):
        for snapshot in shown(event, payload, f"guid-{number}"):
            document = snapshot.document or {}
            known = names.setdefault((snapshot.resource_type, snapshot.resource_id), {})
            for name in NAMES_AN_OBJECT:
                if isinstance(document.get(name), str):
                    assert known.setdefault(name, document[name]) == document[name], (event, name)

    assert len(names) > 60


@pytest.mark.parametrize(
    ("event", "payload", "others"),
    [
        ("code_scanning_alert", {"alert": {"number": 5}, "repository": REPOSITORY}, [{"repository": {"id": 12}}]),
        ("secret_scanning_alert", {"alert": {"number": 5}, "repository": REPOSITORY}, [{"repository": {"id": 12}}]),
        (
            "dependabot_alert",  # without a repository only the address distinguishes two alerts
            {"alert": {"number": 5, "url": "https://h/repos/a/b/5"}, "organization": {"id": 1}},
            [{"alert": {"number": 5, "url": "https://h/repos/a/c/5"}}],
        ),
        (
            "deployment_review",
            {"workflow_run": {"id": 3}, "workflow_job_run": {"id": 8}, "environment": "test"},
            [{"workflow_job_run": {"id": 9}, "environment": "live"}],
        ),
        (
            "deployment_review",
            {"workflow_run": {"id": 3}, "environment": "test"},
            [{"environment": "live"}, {"workflow_run": {"id": 4}}],
        ),
        (
            "custom_property",
            {"definition": {"property_name": "team"}, "organization": {"id": 1}},
            [{"organization": None, "enterprise": {"id": 1}}, {"organization": {"id": 2}}],
        ),
        (
            "label",  # case 27
            {"label": {"name": "bug", "url": "https://h/labels/bug"}, "repository": REPOSITORY},
            [{"repository": {"id": 12}}, {"label": {"name": "docs"}}, {"label": {"id": 7, "name": "bug"}}],
        ),
        (
            "push",  # payloads of 2011 have no id
            {"ref": "refs/heads/main", "repository": {"name": "shop", "url": "https://h/acme/shop"}},
            [{"repository": {"name": "shop", "url": "https://h/other/shop"}}, {"ref": "refs/heads/dev"}],
        ),
        (
            "marketplace_purchase",
            {"marketplace_purchase": {"account": {"id": 5}}},
            [{"marketplace_purchase": {"account": {"id": 6}}}],
        ),
        ("create", {"ref_type": "branch", "ref": "v1", "repository": REPOSITORY}, [{"ref_type": "tag"}]),
        ("create", {"ref_type": "repository", "ref": None, "repository": REPOSITORY}, [{"repository": {"id": 12}}]),
        (
            "issues",
            {"issue": {"node_id": "I_1"}, "repository": REPOSITORY},
            [{"issue": {"node_id": "I_2"}}, {"issue": {"number": 7}}],
        ),
        ("milestone", {"milestone": {"number": 1}, "repository": REPOSITORY}, [{"repository": {"id": 12}}]),
        ("issue_dependencies", {"blocked_issue_id": 1, "blocking_issue_id": 2}, [{"blocking_issue_id": 3}]),
        ("org_block", {"organization": {"id": 1}, "blocked_user": USER}, [{"organization": {"id": 2}}]),
        ("watch", {"repository": REPOSITORY, "sender": USER}, [{"sender": {"id": 3}}]),
        ("branch_protection_configuration", {"repository": REPOSITORY}, [{"repository": {"id": 12}}]),
    ],
)
def test_id_that_is_unique_only_within_something_is_composed(event: str, payload: Any, others: list[Any]) -> None:
    """Every variant is another thing, and is another resource."""
    found = [resources(event, payload), *(resources(event, payload | other) for other in others)]

    assert len(set.union(*found)) == sum(map(len, found)) == len(found)


@pytest.mark.parametrize("event", ["marketplace_purchase", "github_app_authorization"])
def test_account_of_two_apps_is_two_resources(event: str) -> None:
    """One account buys two listings, or revokes one of two apps; the hook's target says which."""
    payload = {"action": "revoked", "sender": USER, "marketplace_purchase": {"account": {"id": 5}}}

    assert resources(event, payload, target="1").isdisjoint(resources(event, payload, target="2"))


@pytest.mark.parametrize(
    "event",
    [
        "repository_dispatch",
        "workflow_dispatch",
        "secret_scanning_alert_location",
        "secret_scanning_scan",
        "deployment_protection_rule",
        "bypass_request_push_ruleset",
        "an_event_of_next_year",
    ],
)
def test_event_without_an_id_is_an_occurrence(event: str) -> None:
    """Two deliveries are two resources; two hooks that receive one event share its GUID."""
    payload = {"action": "created", "repository": REPOSITORY, "sender": USER}

    assert resources(event, payload) == resources(event, payload)
    assert resources(event, payload).isdisjoint(resources(event, payload, "guid-2"))


def test_no_rule_names_a_resource_by_a_number_or_name_alone() -> None:
    """A number, a name or a ref stands beside what it is unique in; every other id is one of GitHub's own."""
    alone = [(name, rule.ids) for name, rule in RULES.items() for rule in chain(rule) if _is_scoped_by_nothing(rule)]

    assert alone == []


def chain(rule: Rule) -> list[Rule]:
    """Return a rule and all that may apply instead of it or beside it."""
    return [rule, *(part for other in (rule.or_else, *rule.beside) if other for part in chain(other))]


def _is_scoped_by_nothing(rule: Rule) -> bool:
    if len(rule.ids) > 1:
        return False
    field = rule.ids[0].rpartition(".")[2]
    is_unique = field in {"id", "node_id", "hook_id", "ghsa_id", "url"} or field.startswith("@")
    return not is_unique

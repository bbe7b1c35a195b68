"""GitHub's own payload examples: every one is parsed, and names the resource that this table, not the code, expects."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from providers.base import Handshake, Parsed, Sample, SignedRequest
from providers.github.provider import GitHub
from schemas.records import Snapshot, resource_key
from tests.support.builders.corpora import corpora
from tests.support.builders.payload_mutations import mutated
from tests.support.builders.properties import examples
from tests.support.builders.provider_requests import NOW, raw_delivery

EXAMPLE_COUNT = 151
FILES = sorted((corpora() / "github").glob("*/*.json"))
PING_FILES = [file for file in FILES if file.parent.name == "ping"]
EXAMPLES = [(f.parent.name, msgspec.json.decode(f.read_bytes())) for f in FILES if f not in PING_FILES]
PINGS = [(f.parent.name, msgspec.json.decode(f.read_bytes())) for f in PING_FILES]
IDS = [f"{file.parent.name}-{file.stem}" for file in FILES if file not in PING_FILES]
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"

# Event: resource type, path of its id, path of its root's id if that is another resource.
EXPECTED: dict[str, tuple[str, str, str]] = {
    "branch_protection_rule": ("branch_protection_rule", "rule.id", ""),
    "check_run": ("check_run", "check_run.id", "check_suite check_run.check_suite.id"),
    "check_suite": ("check_suite", "check_suite.id", ""),
    "code_scanning_alert": ("code_scanning_alert", "repository.id:alert.number", ""),
    "commit_comment": ("commit_comment", "comment.id", ""),
    "create": ("ref", "repository.id:ref_type:ref", ""),
    "delete": ("ref", "repository.id:ref_type:ref", ""),
    "dependabot_alert": ("dependabot_alert", "repository.id:alert.number", ""),
    "deploy_key": ("deploy_key", "key.id", ""),
    "deployment": ("deployment", "deployment.id", ""),
    "deployment_review": ("deployment_review", "workflow_run.id", "workflow_run workflow_run.id"),
    "deployment_status": ("deployment_status", "deployment_status.id", "deployment deployment.id"),
    "discussion": ("discussion", "discussion.id", ""),
    "discussion_comment": ("discussion_comment", "comment.id", "discussion discussion.id"),
    "fork": ("fork", "forkee.id", ""),
    "github_app_authorization": ("github_app_authorization", "sender.id", ""),
    "gollum": ("wiki_page", "repository.id:pages.0.page_name", "repository repository.id"),
    "installation": ("installation", "installation.id", ""),
    "installation_repositories": ("installation_repositories", "installation.id", "installation installation.id"),
    "issue_comment": ("issue_comment", "comment.id", "issue issue.id"),
    "issues": ("issue", "issue.id", ""),
    "label": ("label", "label.id", ""),
    "marketplace_purchase": ("marketplace_purchase", "marketplace_purchase.account.id", ""),
    "member": ("member", "repository.id:member.id", ""),
    "membership": ("membership", "team.id:member.id", "team team.id"),
    "merge_group": ("merge_group", "repository.id:merge_group.head_ref", ""),
    "meta": ("hook", "hook_id", ""),
    "milestone": ("milestone", "milestone.id", ""),
    "org_block": ("org_block", "organization.id:blocked_user.id", ""),
    "organization": (
        "organization_membership",
        "organization.id:membership.user.id",
        "organization organization.id",
    ),
    "package": ("package", "package.id", ""),
    "page_build": ("page_build", "id", ""),
    "project": ("project", "project.id", ""),
    "project_card": ("project_card", "project_card.id", ""),
    "project_column": ("project_column", "project_column.id", ""),
    "projects_v2_item": ("projects_v2_item", "projects_v2_item.id", ""),
    "public": ("repository", "repository.id", ""),
    "pull_request": ("pull_request", "pull_request.id", ""),
    "pull_request_review": ("pull_request_review", "review.id", "pull_request pull_request.id"),
    "pull_request_review_comment": ("pull_request_review_comment", "comment.id", "pull_request pull_request.id"),
    "pull_request_review_thread": ("pull_request_review_thread", "thread.node_id", "pull_request pull_request.id"),
    "push": ("push", "repository.id:ref", ""),
    "registry_package": ("registry_package", "registry_package.id", ""),
    "release": ("release", "release.id", ""),
    "repository": ("repository", "repository.id", ""),
    "repository_dispatch": ("repository_dispatch", "@guid", ""),
    "repository_import": ("repository_import", "repository.id", ""),
    "repository_vulnerability_alert": ("repository_vulnerability_alert", "alert.id", ""),
    "secret_scanning_alert": ("secret_scanning_alert", "repository.id:alert.number", ""),
    "security_advisory": ("security_advisory", "security_advisory.ghsa_id", ""),
    "sponsorship": ("sponsorship", "sponsorship.node_id", ""),
    "star": ("star", "repository.id:sender.id", ""),
    "status": ("status", "id", ""),
    "team": ("team", "team.id", ""),
    "team_add": ("team_repository", "team.id:repository.id", "team team.id"),
    "watch": ("watch", "repository.id:sender.id", ""),
    "workflow_dispatch": ("workflow_dispatch", "@guid", ""),
    "workflow_job": ("workflow_job", "workflow_job.id", "workflow_run workflow_job.run_id"),
    "workflow_run": ("workflow_run", "workflow_run.id", ""),
}
EXPECTED_BY_ACTION = {
    "team.added_to_repository": EXPECTED["team_add"],
    "team.removed_from_repository": EXPECTED["team_add"],
}


def test_all_examples_are_here() -> None:
    """A corpus that lost examples would make the tests below pass by testing less."""
    assert len(EXAMPLES) + len(PINGS) == EXAMPLE_COUNT
    assert {event for event, _ in [*EXAMPLES, *PINGS]} == {*EXPECTED, "ping"}


@pytest.mark.parametrize(("event", "payload"), EXAMPLES, ids=IDS)
def test_example_names_the_expected_resource(event: str, payload: dict[str, Any]) -> None:
    """Every example is parsed, its id is the one in the table's place, and the ingress computes the key of its root."""
    expected = EXPECTED_BY_ACTION.get(f"{event}.{payload.get('action')}") or EXPECTED[event]
    resource_type, id_places, root_place = expected
    resource_id = ":".join(_text_at(payload, place) for place in id_places.split(":"))
    root_type, _, root_id_place = root_place.partition(" ")
    root = (root_type, _text_at(payload, root_id_place)) if root_place else None

    key, snapshots = _read(event, payload)

    assert (snapshots[0].resource_type, snapshots[0].resource_id, snapshots[0].parent) == (
        resource_type,
        resource_id,
        root,
    )
    assert key == resource_key("github", "acme", *(root or (resource_type, resource_id)))


@pytest.mark.parametrize(("event", "payload"), EXAMPLES, ids=IDS)
def test_example_has_a_document_or_is_gone(event: str, payload: dict[str, Any]) -> None:
    """A document is never empty; a deletion has none and no version, because it leaves updated_at as it was."""
    _, snapshots = _read(event, payload)

    for snapshot in snapshots:
        assert bool(snapshot.document) is not snapshot.is_deleted
        assert not (snapshot.is_deleted and snapshot.version)
        assert snapshot.version is None or snapshot.version == snapshot.event_time


@pytest.mark.parametrize(("event", "payload"), PINGS)
def test_ping_is_a_handshake(event: str, payload: dict[str, Any]) -> None:
    """A new hook's ping shows no resource; its key is the hook, so that pings of one hook stay together."""
    request = _request(event, msgspec.json.encode(payload))
    envelope = GitHub().identify("acme", request)
    handshake = GitHub().parse(raw_delivery("github", envelope, request))

    assert isinstance(handshake, Handshake)
    assert str(payload["hook_id"]) in handshake.detail
    assert (envelope.event_type, envelope.key) == ("ping", f"github|acme|hook|{payload['hook_id']}")


@settings(max_examples=examples(500), deadline=None)
@given(example=mutated([list(example) for example in EXAMPLES]))
def test_mutated_example_is_identified_and_parsed_alike(example: Any) -> None:
    """For any value in any position nothing raises, and where `parse` finds a resource `identify` knew its root."""
    event, payload = example if isinstance(example, list) and len(example) == 2 else ("issues", example)
    request = _request(event if isinstance(event, str) else "issues", msgspec.json.encode(payload))

    envelope = GitHub().identify("acme", request)
    parsed = GitHub().parse(raw_delivery("github", envelope, request))

    assert envelope.delivery_id == f"1:{GUID}"
    if isinstance(parsed, Parsed):
        root = parsed.snapshots[0]
        assert envelope.key == resource_key("github", "acme", *(root.parent or (root.resource_type, root.resource_id)))


def _read(event: str, payload: dict[str, Any]) -> tuple[str, tuple[Snapshot, ...]]:
    request = _request(event, msgspec.json.encode(payload))
    envelope = GitHub().identify("acme", request)
    parsed = GitHub().parse(raw_delivery("github", envelope, request))
    assert isinstance(parsed, Parsed), parsed
    return envelope.key, parsed.snapshots


def _request(event: str, body: bytes) -> SignedRequest:
    sample = Sample(body=body, topic=event, delivery_id=GUID, now=NOW, tenant="79929171")
    return SignedRequest(GitHub().sign(sample, b"made up"), body)


def _text_at(payload: Any, place: str) -> str:
    if place == "@guid":
        return GUID
    for step in place.split("."):
        payload = payload[int(step) if isinstance(payload, list) else step]
    assert payload not in (None, "")
    return str(payload)

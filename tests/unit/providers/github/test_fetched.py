"""Where GitHub's resources are read, and that a read shows what their deliveries do."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from providers.api import Wanted
from providers.base import Parsed, SignedRequest, Unparsed
from providers.github.events import RESOURCE_TYPES, RULES
from providers.github.fetched import EVENTS, READABLE, document_of, needs_read, parse_fetched, reference_of, wanted
from providers.github.provider import GitHub
from schemas.records import PHASE, RawDelivery, Snapshot
from tests.support.builders.provider_requests import raw_delivery

READ_AT = datetime(2026, 1, 31, 12, 0, 0, 700_000, tzinfo=UTC)
NOON = "2026-01-31T12:00:00Z"
API = "https://api.github.com"


@pytest.mark.parametrize(
    ("url", "reference"),
    [
        (f"{API}/repos/octo/hello/issues/1", "/repos/octo/hello/issues/1"),
        (f"{API}/repositories/7/labels/good%20first", "/repositories/7/labels/good%20first"),
        ("https://ghe.example.com/api/v3/repos/octo/hello", "/repos/octo/hello"),
        ("https://github.com/octo/hello", None),
        (f"{API}/repos/../user", None),
        (f"{API}/repos//x", None),
        (f"{API}/repos/octo/h\\x", None),
        (f"{API}/repos/octo/\n", None),
        (f"{API}/user", None),
        ("https://[", None),
        (None, None),
        (7, None),
    ],
)
def test_url_of_a_resource_is_a_path_below_the_api(url: object, reference: str | None) -> None:
    """The host is that of the configuration, whatever the URL says; only repositories' paths are read."""
    assert reference_of(url) == reference


def test_delivery_says_where_its_resource_is_read() -> None:
    """By its URL, under its id; a deletion, and a type that does not name its parent, are not read."""
    issue = {"id": 5, "updated_at": NOON, "url": f"{API}/repos/octo/hello/issues/1"}
    delivery, snapshot = _parsed("issues", {"action": "edited", "issue": issue})
    comment = {"action": "created", "comment": issue, "issue": issue}

    assert wanted(snapshot, delivery) == Wanted("issue", "5", "/repos/octo/hello/issues/1")
    assert not needs_read(snapshot)
    assert wanted(_parsed("issues", {"action": "deleted", "issue": issue})[1], delivery) is None
    assert wanted(_parsed("issue_comment", comment)[1], delivery) is None
    assert wanted(_parsed("issues", {"action": "edited", "issue": issue | {"url": None}})[1], delivery) is None


@pytest.mark.parametrize(
    ("event", "main", "document"),
    [
        ("issues", "issue", {"id": 5, "updated_at": NOON, "labels": [{"id": 1}]}),
        ("pull_request", "pull_request", {"id": 5, "updated_at": NOON, "merged": True}),
        ("repository", "repository", {"id": 5, "updated_at": NOON}),
        ("release", "release", {"id": 5, "created_at": NOON}),
        ("workflow_run", "workflow_run", {"id": 5, "updated_at": NOON, "status": "completed", "run_attempt": 2}),
        ("workflow_job", "workflow_job", {"id": 5, "run_id": 6, "completed_at": NOON, "status": "completed"}),
        ("check_run", "check_run", {"id": 5, "status": "completed", "check_suite": {"id": 6, "updated_at": NOON}}),
        ("milestone", "milestone", {"id": 5, "updated_at": NOON}),
        ("label", "label", {"id": 5, "name": "bug"}),
    ],
)
def test_read_object_is_that_of_the_delivery(event: str, main: str, document: dict[str, Any]) -> None:
    """Type, id, parent, children, version, time and rank are those of a delivery of the same state."""
    _, by_delivery = _parsed(event, {"action": "edited", main: document})
    snapshot = _fetched(by_delivery.resource_type, document)

    def identity(shown: Snapshot) -> tuple[Any, ...]:
        return shown.resource_type, shown.resource_id, shown.parent, shown.children, shown.version, shown.state_rank

    assert identity(snapshot) == identity(by_delivery)
    assert snapshot.event_time == (by_delivery.event_time or READ_AT.replace(microsecond=0))
    assert snapshot.is_partial


def test_completed_job_is_final_in_a_read_too() -> None:
    """The phase of a state goes before the time of a read."""
    running = _fetched("workflow_job", {"id": 5, "run_id": 6, "status": "in_progress"})
    completed = _fetched("workflow_job", {"id": 5, "run_id": 6, "status": "completed", "completed_at": NOON})

    assert completed.state_rank // PHASE > running.state_rank // PHASE > 0


def test_fields_that_only_a_read_shows_are_left_out() -> None:
    """They would come with each read and go with the next delivery; one is a credential."""
    repository = {"id": 5, "full_name": "octo/hello", "permissions": {}, "temp_clone_token": "secret", "new_in_rest": 1}

    assert document_of("repository", repository) == {"id": 5, "full_name": "octo/hello"}
    assert document_of("pull_request", {"id": 5, "_links": {}, "x": 1}) == {"id": 5, "_links": {}}
    assert document_of("milestone", {"id": 5, "title": "1.0", "x": 1}) == {"id": 5, "title": "1.0"}


@pytest.mark.parametrize(
    ("resource_type", "document"), [("issue", {}), ("issue", {"id": None}), ("push", {"id": 1}), ("x", {"id": 1})]
)
def test_other_documents_are_unparsed(resource_type: str, document: dict[str, Any]) -> None:
    """A document without an id, or of a type that is not read, names no resource."""
    assert isinstance(parse_fetched(resource_type, document, READ_AT), Unparsed)


def test_readable_types_are_the_main_objects_of_their_events() -> None:
    """The table names events and types that exist, and fits the rules of the deliveries."""
    assert READABLE <= RESOURCE_TYPES
    assert {RULES[event].main for event in EVENTS.values()} == {
        *(main for main in READABLE),
    }


def _fetched(resource_type: str, document: dict[str, Any]) -> Snapshot:
    parsed = parse_fetched(resource_type, document, READ_AT)
    assert isinstance(parsed, Parsed), parsed
    return parsed.snapshots[0]


def _parsed(event: str, payload: dict[str, Any]) -> tuple[RawDelivery, Snapshot]:
    headers = {"x-github-event": event, "x-github-delivery": "guid"}
    request = SignedRequest(headers, msgspec.json.encode({"repository": {"id": 1}} | payload))
    delivery = raw_delivery("github", GitHub().identify("acme", request), request)
    parsed = GitHub().parse(delivery)
    assert isinstance(parsed, Parsed), parsed
    return delivery, parsed.snapshots[0]

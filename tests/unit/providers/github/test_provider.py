"""GitHub's rules, case by case; the real examples are in tests/contract/test_github_corpus.py."""

import hmac
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import msgspec
import pytest

from providers.base import Envelope, Handshake, Parsed, Refused, Sample, SignedRequest, Unparsed, Verified
from providers.github.provider import GitHub
from schemas.records import Snapshot
from tests.support.builders.provider_requests import NOW, raw_delivery

GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
SECRET = b"made up"
REPOSITORY = {"id": 11, "full_name": "acme/shop", "pushed_at": 1_769_860_800, "stargazers_count": 5}
CONTEXT = {"repository": REPOSITORY, "sender": {"id": 21, "login": "octocat", "type": "User"}}
ISSUE = {"id": 7, "title": "StoreCorrupted", "created_at": "2026-01-30T08:00:00Z", "updated_at": "2026-01-31T09:00:00Z"}
UPDATED_AT = datetime(2026, 1, 31, 9, tzinfo=UTC)


def test_sha1_alone_is_refused_with_the_reason() -> None:
    """The refusal says that the legacy header came and does not count."""
    request = SignedRequest({"x-hub-signature": "sha1=" + hmac.digest(SECRET, b"{}", "sha1").hex()}, b"{}")

    verdict = GitHub().verify(request, [SECRET], NOW)

    assert isinstance(verdict, Refused)
    assert verdict.reason == "missing_signature"
    assert "SHA-1" in verdict.detail


@pytest.mark.parametrize("header", ["", "sha256=", "sha1=" + "0" * 64, "0" * 64, "sha256=" + "g" * 64, "SHA256=é"])
def test_malformed_signature_is_told_apart(header: str) -> None:
    """Any value other than sha256= and 64 hexadecimal digits is malformed, not wrong."""
    verdict = GitHub().verify(SignedRequest({"x-hub-signature-256": header}, b"{}"), [SECRET], NOW)

    assert isinstance(verdict, Refused)
    assert verdict.reason == "malformed_signature"


@pytest.mark.parametrize(
    ("changes", "delivery_id"),
    [
        ({}, f"1:{GUID}"),
        ({"x-github-hook-id": "2"}, f"2:{GUID}"),  # the same event from another hook is another delivery
        ({"x-github-hook-id": None}, GUID),
        ({"x-github-delivery": None}, "sha256:"),
    ],
)
def test_delivery_is_named_by_hook_and_guid(changes: dict[str, str | None], delivery_id: str) -> None:
    """The GUID belongs to the event; without any header a digest of the body replaces it."""
    headers = {name: value for name, value in {**_request("ping", {}).headers, **changes}.items() if value is not None}

    assert GitHub().identify("acme", SignedRequest(headers, b"{}")).delivery_id.startswith(delivery_id)


def test_form_is_verified_as_sent_and_read_by_its_field() -> None:
    """The HMAC covers the form's bytes; the JSON, percent-encoded characters included, is in the field `payload`."""
    body = b"payload=" + quote_plus(_json({"action": "opened", "issue": ISSUE | {"title": "50 % + ü & =?"}})).encode()
    request = _signed("issues", body)

    envelope, parsed = _read(request)

    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert GitHub().verify(request, [SECRET], NOW) == Verified(0)
    assert (envelope.event_type, envelope.key) == ("issues.opened", "github|acme|issue|7")
    assert _only(parsed).document == ISSUE | {"title": "50 % + ü & =?"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"payload=", "unreadable"),
        (b"payload=%7B", "unreadable"),
        (b"payload=%FF", "unreadable"),
        (b"payload=[]", "unknown_shape"),
        (b"other=1", "unknown_shape"),
        (b"&".join([b"payload=1"] * 17), "unreadable"),
    ],
)
def test_broken_form_is_dead(body: bytes, reason: str) -> None:
    """A form without readable JSON is identified by its delivery id and becomes a dead letter."""
    content_type = "application/x-www-form-urlencoded; charset=utf-8"
    headers = {**_signed("issues", body).headers, "content-type": content_type}

    envelope, parsed = _read(SignedRequest(headers, body))

    assert envelope.key == envelope.delivery_id
    assert isinstance(parsed, Unparsed)
    assert parsed.reason == reason


@pytest.mark.parametrize(
    ("event", "action", "event_type"),
    [
        ("issues", "opened", "issues.opened"),
        ("push", None, "push"),
        ("issues", 3, "issues"),
        ("issues", "", "issues"),
        ("issues", "x" * 101, "issues"),
        ("issues", "ünï", "issues"),
        ("repository_dispatch", "on-demand-test", "repository_dispatch.on-demand-test"),
    ],
)
def test_event_type_is_event_and_action(event: str, action: object, event_type: str) -> None:
    """The action joins the event when it is a plain word."""
    payload = {"action": action, "ref": "refs/heads/main", "issue": ISSUE, **CONTEXT}

    assert GitHub().identify("acme", _request(event, payload)).event_type == event_type


def test_update_time_is_the_version() -> None:
    """An object with updated_at is versioned by it, and the envelope carries the same time."""
    envelope, parsed = _read(_request("issues", {"action": "edited", "issue": ISSUE}))

    snapshot = _only(parsed)
    assert snapshot.version == snapshot.event_time == envelope.event_time == UPDATED_AT
    assert snapshot.volatile == {"updated_at", "pushed_at"}


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("issues", {"action": "deleted", "issue": ISSUE}),
        ("issues", {"action": "transferred", "issue": ISSUE}),
        ("issue_comment", {"action": "deleted", "comment": ISSUE, "issue": {"id": 8}}),
        ("star", {"action": "deleted", "starred_at": None}),
        ("member", {"action": "removed", "member": {"id": 5}}),
        ("membership", {"action": "removed", "member": {"id": 5}, "team": {"id": 6}}),
        ("org_block", {"action": "unblocked", "blocked_user": {"id": 5}, "organization": {"id": 6}}),
        (
            "organization",
            {"action": "member_removed", "organization": {"id": 6}, "membership": {"user": {"id": 5}}},
        ),
        ("team", {"action": "removed_from_repository", "team": {"id": 6}}),
        ("marketplace_purchase", {"action": "cancelled", "marketplace_purchase": {"account": {"id": 5}}}),
        ("delete", {"ref": "v1", "ref_type": "tag"}),
        ("push", {"ref": "refs/heads/old", "deleted": True}),
        ("meta", {"action": "deleted", "hook_id": 5, "hook": {"id": 5}}),
        ("github_app_authorization", {"action": "revoked"}),
    ],
)
def test_action_that_ends_the_main_object_is_a_deletion(event: str, payload: dict[str, Any]) -> None:
    """A deletion has neither document nor version: it is ordered by time and arrival."""
    _, parsed = _read(_request(event, _context(event) | payload))

    snapshot = _only(parsed)
    assert (snapshot.is_deleted, snapshot.document, snapshot.version) == (True, None, None)


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("issues", {"action": "closed", "issue": ISSUE}),
        ("pull_request_review", {"action": "dismissed", "review": {"id": 5}, "pull_request": {"id": 6}}),
        ("pull_request", {"action": "closed", "pull_request": {"id": 6}}),
        ("installation", {"action": "suspend", "installation": {"id": 6}}),
        ("security_advisory", {"action": "withdrawn", "security_advisory": {"ghsa_id": "GHSA-1"}}),
        ("repository", {"action": "archived"}),
        ("create", {"ref": "v1", "ref_type": "tag"}),
        ("push", {"ref": "refs/heads/main", "deleted": False}),
    ],
)
def test_other_endings_are_updates(event: str, payload: dict[str, Any]) -> None:
    """Closed, dismissed, suspended, withdrawn and archived things are still there."""
    _, parsed = _read(_request(event, _context(event) | payload))

    assert not _only(parsed).is_deleted
    assert _only(parsed).document


@pytest.mark.parametrize(
    ("event", "payload", "key"),
    [
        ("issues", {"issue": {"id": 7}}, "github|acme|issue|7"),
        ("issue_comment", {"issue": {"id": 7}, "comment": {"id": 8}}, "github|acme|issue|7"),
        ("pull_request_review", {"pull_request": {"id": 9}, "review": {"id": 8}}, "github|acme|pull_request|9"),
        (
            "pull_request_review_comment",
            {"pull_request": {"id": 9}, "comment": {"id": 8}},
            "github|acme|pull_request|9",
        ),
        ("workflow_job", {"workflow_job": {"id": 8, "run_id": 9}}, "github|acme|workflow_run|9"),
        ("workflow_job", {"workflow_job": {"id": 8}}, "github|acme|workflow_job|8"),  # unknown parent: its own root
        ("issue_comment", {"issue": None, "comment": {"id": 8}}, "github|acme|issue_comment|8"),
        ("create", {"ref": "v1", "ref_type": "tag"}, "github|acme|ref|11:tag:v1"),
        ("issues", {"issue": {}}, f"1:{GUID}"),
    ],
)
def test_parts_share_the_key_of_their_whole(event: str, payload: dict[str, Any], key: str) -> None:
    """Comments and reviews go to the partition of their parent."""
    assert GitHub().identify("acme", _request(event, CONTEXT | payload)).key == key


@pytest.mark.parametrize(
    ("payload", "resource_id"),
    [
        ({"repository": {"id": 11}, "organization": {"id": 12}}, "11:5"),
        ({"organization": {"id": 12}, "installation": {"id": 13}}, "12:5"),
        ({"installation": {"id": 13}}, "13:5"),
        ({"repository": None}, "79929171:5"),
    ],
)
def test_number_is_qualified_by_the_nearest_tenant(payload: dict[str, Any], resource_id: str) -> None:
    """Twelve events can lack a repository; then organization, installation and the hook's target replace it."""
    _, parsed = _read(_request("dependabot_alert", payload | {"alert": {"number": 5}}))

    assert _only(parsed).resource_id == resource_id


def test_whole_payload_keeps_only_references_to_its_surroundings() -> None:
    """A push is not changed by the counters of its repository; fields that name the repository stay."""
    payload = CONTEXT | {"ref": "refs/heads/main", "after": "6113728f", "commits": [{"id": "6113728f"}]}

    envelope, parsed = _read(_request("push", payload))

    assert _only(parsed).document == {
        "ref": "refs/heads/main",
        "after": "6113728f",
        "commits": [{"id": "6113728f"}],
        "repository": {"id": 11, "full_name": "acme/shop"},
        "sender": {"id": 21, "login": "octocat"},
    }
    assert envelope.event_time == datetime(2026, 1, 31, 12, tzinfo=UTC)  # pushed_at is an integer in this event alone


def test_wiki_edit_shows_every_page_under_its_repository() -> None:
    """Several pages in one delivery share the partition of the repository."""
    pages = [{"page_name": "Home", "sha": "1"}, {"page_name": "FAQ", "sha": "2"}]

    envelope, parsed = _read(_request("gollum", CONTEXT | {"pages": pages}))

    assert isinstance(parsed, Parsed)
    assert [snapshot.resource_id for snapshot in parsed.snapshots] == ["11:Home", "11:FAQ"]
    assert [snapshot.document for snapshot in parsed.snapshots] == pages
    assert envelope.key == "github|acme|repository|11"


def test_dispatch_is_one_resource_however_many_hooks_tell_of_it() -> None:
    """An occurrence without state is named by the GUID, which hooks and redeliveries share."""
    request = _request("workflow_dispatch", CONTEXT)
    other_hook = SignedRequest({**request.headers, "x-github-hook-id": "2"}, request.body)

    (first, parsed), (second, again) = _read(request), _read(other_hook)

    assert first.delivery_id != second.delivery_id
    assert _only(parsed).resource_id == _only(again).resource_id == GUID


@pytest.mark.parametrize(
    ("payload", "resource_id"),
    [({"action": "created", "sub_thing": {"id": 5, "updated_at": "2026-01-31T09:00:00Z"}}, "5"), ({"x": 1}, GUID)],
)
def test_event_newer_than_the_table_is_not_lost(payload: dict[str, Any], resource_id: str) -> None:
    """An unknown event is about the object of its name, else about itself."""
    envelope, parsed = _read(_request("sub_thing", payload))

    assert (_only(parsed).resource_type, _only(parsed).resource_id) == ("sub_thing", resource_id)
    assert envelope.key == f"github|acme|sub_thing|{resource_id}"


@pytest.mark.parametrize(
    ("event", "times", "expected_hour"),
    [
        ("workflow_job", {"created_at": 8, "started_at": 9, "completed_at": None}, 9),
        ("workflow_job", {"created_at": 8, "started_at": 9, "completed_at": 10}, 10),
        ("release", {"created_at": 7, "published_at": 9}, 9),
        ("check_run", {"started_at": 8, "completed_at": 9}, None),  # may run again, and then completed_at is null
    ],
)
def test_event_time_never_goes_back(event: str, times: dict[str, int | None], expected_hour: int | None) -> None:
    """Without an update time only times that grow for one resource count, else the arrival orders."""
    main_object = {name: hour and f"2026-01-31T{hour:02}:00:00Z" for name, hour in times.items()} | {"id": 5}

    _, parsed = _read(_request(event, {event: main_object}))

    time = datetime(2026, 1, 31, expected_hour, tzinfo=UTC) if expected_hour else None
    assert (_only(parsed).version, _only(parsed).event_time) == (None, time)


def _context(event: str) -> dict[str, Any]:
    """Return the fields beside the main object; an event about an owner or an app has no repository."""
    return {
        name: CONTEXT[name] for name in CONTEXT if name != "repository" or event not in {"installation", "organization"}
    }


def _json(payload: dict[str, Any]) -> bytes:
    return msgspec.json.encode(payload)


def _signed(event: str, body: bytes) -> SignedRequest:
    sample = Sample(body=body, topic=event, delivery_id=GUID, now=NOW, tenant="79929171")
    return SignedRequest(GitHub().sign(sample, SECRET), body)


def _request(event: str, payload: dict[str, Any]) -> SignedRequest:
    return _signed(event, _json(payload))


def _read(request: SignedRequest) -> tuple[Envelope, Parsed | Unparsed | Handshake]:
    envelope = GitHub().identify("acme", request)
    return envelope, GitHub().parse(raw_delivery("github", envelope, request))


def _only(parsed: Parsed | Unparsed | Handshake) -> Snapshot:
    assert isinstance(parsed, Parsed), parsed
    (snapshot,) = parsed.snapshots
    return snapshot

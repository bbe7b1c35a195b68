"""Tests for simulator/providers/github/: what it posts is what GitHub's provider understands, and its lists are GitHub's."""

from datetime import timedelta

import pytest

from providers.base import SignedRequest, Verified
from providers.github.provider import GitHub
from schemas.records import Document
from simulator.providers.clock import START
from simulator.providers.github import GitHubFake, Post
from simulator.providers.github.lists import kind_of, listed, page_of

HOOK = "/repos/octo/hello/hooks/12"


def test_post_is_signed_and_understood() -> None:
    """The provider verifies it with the hook's secret, and names the delivery by hook and GUID."""
    fake, posts = GitHubFake(), []

    def received(post: Post) -> int:
        posts.append(post)
        return 204

    fake.deliveries.hook(HOOK, received, b"a secret")
    guid = fake.deliveries.deliver(HOOK, "issues", {"action": "opened", "issue": {"id": 5}})

    request = SignedRequest(posts[0].headers, posts[0].body)
    assert GitHub().verify(request, [b"a secret"], START) == Verified(0)
    assert GitHub().identify("acme", request).delivery_id == f"12:{guid}"


def test_log_has_three_days() -> None:
    """An event of several hooks has one GUID, and each hook its own log."""
    fake, other = GitHubFake(), "/orgs/octo/hooks/13"
    fake.deliveries.hook(HOOK, lambda _: None)
    fake.deliveries.hook(other, lambda _: 200)

    guid = fake.deliveries.deliver(HOOK, "issues", {})
    fake.deliveries.deliver(other, "issues", {}, guid)
    first, second = fake.deliveries.log(HOOK) or [], fake.deliveries.log(other) or []
    fake.clock.advance(timedelta(days=3, seconds=1).total_seconds())

    assert [entry.guid for entry in (*first, *second)] == [guid, guid]
    assert [entry.shown()["status"] for entry in (*first, *second)] == ["timed out", "OK"]
    assert (fake.deliveries.log(HOOK), fake.deliveries.log("/repos/octo/hello/hooks/99")) == ([], None)


@pytest.mark.parametrize(("path", "expected"), [
    ("/repos/octo/hello/issues", "issues"),
    ("/repos/octo/hello/issues/comments", "issues/comments"),
    ("/repos/octo/hello/issues/1", None),
    ("/repos/octo/hello", None),
    ("/rate_limit", None),
])  # fmt: skip
def test_lists_are_known_by_their_path(path: str, expected: str | None) -> None:
    """Everything else is a resource, or missing."""
    assert kind_of(path) == expected


def test_list_is_simple() -> None:
    """It shows fewer fields than a read, only open ones unless asked, and what changed after a time."""
    path = "/repos/octo/hello/issues"
    documents: dict[str, Document] = {
        f"{path}/{number}": {
            "id": number,
            "state": state,
            "merged": False,
            "updated_at": f"2026-11-02T09:00:0{number}Z",
        }
        for number, state in enumerate(["open", "closed", "open"])
    }

    all_since = listed("issues", path, documents, {"state": "all", "since": "2026-11-02T09:00:00Z"})

    assert [each["id"] for each in all_since] == [1, 2]
    assert "merged" not in all_since[0]
    assert [each["id"] for each in listed("issues", path, documents, {})] == [0, 2]


def test_pages_are_numbered() -> None:
    """The last one names no next one."""
    elements: list[Document] = [{"id": number} for number in range(5)]

    page, link = page_of(elements, "https://api.github.com/x", {"per_page": "2", "page": "2"})
    last, no_link = page_of(elements, "https://api.github.com/x", {"per_page": "2", "page": "3"})

    assert ([each["id"] for each in page], [each["id"] for each in last]) == ([2, 3], [4])
    assert '<https://api.github.com/x?per_page=2&page=3>; rel="next"' in link
    assert no_link == ""

"""The log of a hook's deliveries against the fake of GitHub's API, over HTTP on loopback."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from itertools import permutations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.api import Malformed, NotFound, Throttled, Unauthorised, Unavailable
from providers.base import Parsed, SignedRequest, Verified
from providers.github import delivery_log
from providers.github.deliveries import Attempt, Groups, Missed, MissedDelivery, RecordedDelivery
from providers.github.delivery_log import AttemptsPage, DeliveryLog, Redelivered
from providers.github.provider import GitHub
from providers.http import Limits
from schemas.records import Document
from simulator.providers.clock import START
from simulator.providers.faults import Fault
from simulator.providers.github import TOKEN, GitHubFake, Post
from tests.support.builders.provider_failures import FAILURES
from tests.support.builders.provider_requests import raw_delivery
from tests.support.processes.fake_api import FakeApi
from tests.support.waiting import until

HOOK = "/repos/octo/hello/hooks/12"
ORGANISATION = "/orgs/octo/hooks/12"
APP = "/app/hook"
OPENED: Document = {
    "action": "opened",
    "issue": {"id": 5, "updated_at": "2026-11-02T09:00:00Z", "price": 1.5},
    "repository": {"id": 7},
}
Connect = Callable[..., DeliveryLog]


class Receiver:
    """What the hook's address received, and the status that it answers."""

    def __init__(self) -> None:
        self.status: int | None = 200
        self.posts: list[Post] = []

    def __call__(self, post: Post) -> int | None:
        """Receive a post."""
        self.posts.append(post)
        return self.status


@pytest.fixture
def receiver() -> Receiver:
    """Give the address of the hooks."""
    return Receiver()


@pytest.fixture
def fake(served: FakeApi, receiver: Receiver) -> GitHubFake:
    """Give a fake with a hook of a repository, of an organisation, and of an app."""
    return _shown(served, receiver)


@pytest.fixture
async def connect(served: FakeApi) -> AsyncIterator[Connect]:
    """Give what makes a client of the fake."""
    logs: list[DeliveryLog] = []

    def connected(token: str = TOKEN, page_size: int = 100) -> DeliveryLog:
        logs.append(DeliveryLog(lambda: token, served.url, Limits(read_s=0.2, total_s=2.0)))
        logs[-1].page_size = page_size
        return logs[-1]

    yield connected
    for log in logs:
        await log.close()


@pytest.mark.parametrize("hook", [HOOK, ORGANISATION, APP])
async def test_event_that_never_arrived_is_missed(
    fake: GitHubFake, connect: Connect, receiver: Receiver, hook: str
) -> None:
    """With what a redelivery and a report need."""
    fake.deliveries.deliver(hook, "issues", OPENED)
    receiver.status = 503
    fake.clock.advance(60)
    guid = fake.deliveries.deliver(hook, "issues", OPENED)

    found = await connect().missed_deliveries(hook, START)

    assert isinstance(found, Missed)
    [missed] = found.deliveries
    entries = fake.deliveries.log(hook) or []
    assert missed == MissedDelivery(
        guid,
        str(entries[0].delivery_id),
        "issues",
        "opened",
        START + timedelta(seconds=60),
        1,
        "Invalid HTTP Response: 503",
    )
    assert (found.since, found.requests) == (START, 1)


async def test_event_that_arrived_at_another_attempt_is_not_missed(
    fake: GitHubFake, connect: Connect, receiver: Receiver
) -> None:
    """Attempts are grouped by the event's GUID; the newest one that failed says why."""
    receiver.status = None
    _deliver_again(fake, fake.deliveries.deliver(HOOK, "issues", OPENED), receiver, 200)
    again = fake.deliveries.deliver(HOOK, "issues", OPENED)
    fake.clock.advance(60)
    _deliver_again(fake, again, receiver, 500)

    found = await connect(page_size=1).missed_deliveries(HOOK, START)

    assert isinstance(found, Missed)
    [missed] = found.deliveries
    assert (missed.guid, missed.attempts, missed.at, missed.status) == (again, 2, START, "Invalid HTTP Response: 500")


async def test_log_is_read_no_further_than_asked(fake: GitHubFake, connect: Connect, receiver: Receiver) -> None:
    """What failed before was another run's; GitHub itself forgets after three days."""
    receiver.status = 503
    guids = []
    for _ in range(40):
        guids.append(fake.deliveries.deliver(HOOK, "issues", OPENED))
        fake.clock.advance(60)

    since = START + timedelta(minutes=30)
    found = await connect(page_size=4).missed_deliveries(HOOK, since)
    fake.clock.advance(timedelta(days=3).total_seconds() - 10 * 60)
    later = await connect().missed_deliveries(HOOK, START)

    assert isinstance(found, Missed)
    assert ([missed.guid for missed in found.deliveries], found.requests) == (guids[30:], 3)
    assert isinstance(later, Missed)
    assert [missed.guid for missed in later.deliveries] == guids[30:]


async def test_log_that_is_too_long_says_how_far_it_was_read(
    fake: GitHubFake, connect: Connect, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report must not call complete what was not."""
    monkeypatch.setattr(delivery_log, "MAX_PAGES", 2)
    receiver.status = 503
    for _ in range(10):
        fake.deliveries.deliver(HOOK, "issues", OPENED)
        fake.clock.advance(60)

    found = await connect(page_size=3).missed_deliveries(HOOK, START)

    assert isinstance(found, Missed)
    assert (found.since, len(found.deliveries)) == (START + timedelta(minutes=4), 6)


async def test_empty_log(fake: GitHubFake, connect: Connect) -> None:
    """Nothing happened: nothing is missed."""
    found = await connect().missed_deliveries(HOOK, START)

    assert isinstance(found, Missed)
    assert (found.deliveries, found.requests) == ((), 1)


async def test_failure_on_the_way_is_no_result(fake: GitHubFake, connect: Connect, receiver: Receiver) -> None:
    """Half a log shows as missed what arrived."""
    for _ in range(6):
        fake.deliveries.deliver(HOOK, "issues", OPENED)
    fake.faults.next(None, "unavailable")

    assert isinstance(await connect(page_size=2).missed_deliveries(HOOK, START), Unavailable)


async def test_redelivery_posts_the_same_event_again(fake: GitHubFake, connect: Connect, receiver: Receiver) -> None:
    """With its GUID and its bytes; the answer of GitHub comes before the post."""
    receiver.status = 503
    guid = fake.deliveries.deliver(HOOK, "issues", OPENED)
    log = connect()
    found = await log.missed_deliveries(HOOK, START)
    assert isinstance(found, Missed)
    receiver.status = 200

    result = await log.redeliver(HOOK, found.deliveries[0].delivery_id)
    until(lambda: len(fake.deliveries.log(HOOK) or []) == 2, 5, "the event was posted again")

    assert result == Redelivered()
    assert receiver.posts[0].body == receiver.posts[1].body
    assert {post.headers["x-github-delivery"] for post in receiver.posts} == {guid}
    after = await log.missed_deliveries(HOOK, START)
    assert isinstance(after, Missed)
    assert after.deliveries == ()


async def test_delivery_too_old_for_a_redelivery_is_not_found(
    fake: GitHubFake, connect: Connect, receiver: Receiver
) -> None:
    """GitHub has forgotten it; the lists of the resources remain."""
    fake.deliveries.deliver(HOOK, "issues", OPENED)
    [entry] = fake.deliveries.log(HOOK) or []
    fake.clock.advance(timedelta(days=3, seconds=1).total_seconds())
    log = connect()

    assert await log.redeliver(HOOK, str(entry.delivery_id)) == NotFound()
    assert await log.delivery(HOOK, str(entry.delivery_id)) == NotFound()
    assert len(receiver.posts) == 1


async def test_recorded_delivery_is_what_was_posted(fake: GitHubFake, connect: Connect, receiver: Receiver) -> None:
    """It names the same delivery and resource and has the same content, and no signature: its bytes are others."""
    fake.deliveries.deliver(HOOK, "issues", OPENED)
    [entry] = fake.deliveries.log(HOOK) or []
    [post] = receiver.posts
    posted = SignedRequest(post.headers, post.body)

    found = await connect().delivery(HOOK, str(entry.delivery_id))

    assert isinstance(found, RecordedDelivery)
    assert GitHub().verify(posted, [b"made up"], START) == Verified(0)
    assert not [name for name in found.request.headers if "signature" in name]
    assert GitHub().identify("acme", found.request) == GitHub().identify("acme", posted)
    by_api, by_post = _parsed(found.request), _parsed(posted)
    assert by_api == by_post
    assert (found.attempt.guid, found.attempt.status) == (entry.guid, "OK")


async def test_hook_is_named_where_the_log_does_not(served: FakeApi, connect: Connect) -> None:
    """A delivery's id has the hook's: without it the same event would be another delivery."""
    request = {"headers": {}, "payload": OPENED}
    entry = {"id": 1, "guid": "g", "delivered_at": "2026-11-02T09:00:00Z", "event": "issues", "request": request}
    served.answer(200, msgspec.json.encode(entry))

    of_a_hook = await connect().delivery(HOOK, "1")
    of_an_app = await connect().delivery(APP, "1")

    assert isinstance(of_a_hook, RecordedDelivery)
    assert isinstance(of_an_app, RecordedDelivery)
    assert GitHub().identify("acme", of_a_hook.request).delivery_id == "12:g"
    assert GitHub().identify("acme", of_an_app.request).delivery_id == "g"


@pytest.mark.parametrize(("fault", "expected"), FAILURES)  # fmt: skip
async def test_faults_are_values(
    fake: GitHubFake, connect: Connect, receiver: Receiver, fault: Fault, expected: type
) -> None:
    """Nothing is raised by any of the calls."""
    fake.deliveries.deliver(HOOK, "issues", OPENED)
    number = str((fake.deliveries.log(HOOK) or [])[0].delivery_id)
    log = connect()

    fake.faults.next(*[fault] * 3)
    assert isinstance(await log.missed_deliveries(HOOK, START), expected)
    assert isinstance(await log.redeliver(HOOK, number), expected)
    assert isinstance(await log.delivery(HOOK, number), expected)


async def test_limit_and_wrong_token_are_values(fake: GitHubFake, connect: Connect) -> None:
    """Of the request that changes something, too; no result shows the token."""
    fake.deliveries.deliver(HOOK, "issues", OPENED)
    number = str((fake.deliveries.log(HOOK) or [])[0].delivery_id)
    fake.limit("retry_after")

    assert await connect().redeliver(HOOK, number) == Throttled(
        7.0, "status 403: You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    )
    other = connect("ghp_another")
    results = [await other.redeliver(HOOK, number), await other.missed_deliveries(HOOK, START)]
    assert results == [Unauthorised("status 401: Bad credentials")] * 2
    assert "ghp_" not in repr(results) + repr(other)


async def test_unknown_hook_is_no_empty_log(fake: GitHubFake, connect: Connect) -> None:
    """It was deleted, or the token has no right: that is for people."""
    assert isinstance(await connect().missed_deliveries("/repos/octo/hello/hooks/13", START), Malformed)


@pytest.mark.parametrize("body", [b"[7]", b"[{}]", b'[{"id": 1, "guid": "g"}]', b"<html>"])
async def test_log_of_another_shape_is_malformed(served: FakeApi, connect: Connect, body: bytes) -> None:
    """It is never taken for a log in which nothing failed."""
    served.answer(200, body)

    assert isinstance(await connect().missed_deliveries(HOOK, START), Malformed)
    assert isinstance(await connect().delivery(HOOK, "1"), Malformed)
    assert isinstance(await connect().redeliver(HOOK, "1"), Malformed)


def test_groups_do_not_depend_on_the_order_of_attempts() -> None:
    """A page may begin or end in the middle of a group."""
    attempts = [_attempt(1, "a", "timed out"), _attempt(2, "a", "OK"), _attempt(9, "b", "x"), _attempt(10, "b", "y")]

    for order in permutations(attempts):
        groups = Groups()
        groups.add(order)
        assert groups.missed(START) == (MissedDelivery("b", "10", "issues", "", START + timedelta(seconds=9), 2, "y"),)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(statuses=st.lists(st.sampled_from([200, 503, None]), max_size=20), page_size=st.integers(1, 7))
async def test_pages_together_are_the_log(served: FakeApi, statuses: list[int | None], page_size: int) -> None:
    """Whatever the size of a page, and while new deliveries are added before the first one."""
    receiver = Receiver()
    fake = _shown(served, receiver)
    log = DeliveryLog(lambda: TOKEN, served.url, Limits(read_s=2.0))
    log.page_size = page_size
    for status in statuses:
        receiver.status = status
        fake.deliveries.deliver(HOOK, "issues", OPENED)
        fake.clock.advance(1)
    made = [str(entry.delivery_id) for entry in fake.deliveries.log(HOOK) or []]
    got: list[str] = []
    cursor: str | None = None
    while True:
        page = await log.attempts(HOOK, cursor)
        assert isinstance(page, AttemptsPage)
        got += [attempt.delivery_id for attempt in page.attempts]
        cursor = page.cursor
        if cursor is None:
            break
        fake.deliveries.deliver(HOOK, "issues", OPENED)
    await log.close()

    assert got == made


def _shown(served: FakeApi, receiver: Receiver) -> GitHubFake:
    shown = GitHubFake()
    for hook in (HOOK, ORGANISATION, APP):
        shown.deliveries.hook(hook, receiver)
    served.show(shown)
    return shown


def _deliver_again(fake: GitHubFake, guid: str, receiver: Receiver, status: int) -> None:
    before, receiver.status = receiver.status, status
    fake.deliveries.redeliver(next(entry for entry in fake.deliveries.log(HOOK) or [] if entry.guid == guid))
    receiver.status = before


def _attempt(number: int, guid: str, status: str) -> Attempt:
    return Attempt(str(number), guid, "issues", "", START + timedelta(seconds=number), status)


def _parsed(request: SignedRequest) -> Parsed:
    parsed = GitHub().parse(raw_delivery("github", GitHub().identify("acme", request), request))
    assert isinstance(parsed, Parsed)
    return parsed

"""GitHub's client against the fake of its API, over HTTP on loopback."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from providers.api import Checked, Fetched, Malformed, NotFound, Quota, Throttled, Unauthorised, Unavailable, Wanted
from providers.github.api import GitHubApi
from providers.http import Limits
from schemas.records import Document
from simulator.providers.faults import Fault
from simulator.providers.github import HOUR_S, TOKEN, GitHubFake, Limit
from simulator.providers.quota import WindowQuota
from tests.support.builders.provider_failures import FAILURES
from tests.support.processes.fake_api import FakeApi

REPOSITORY: Document = {"id": 7, "full_name": "octo/hello"}
ISSUE: Document = {"id": 5, "number": 1, "title": "A", "labels": []}
PATH = "/repos/octo/hello/issues/1"
WANTED = Wanted("issue", "5", PATH)
Connect = Callable[..., GitHubApi]


@pytest.fixture
def fake(served: FakeApi) -> GitHubFake:
    """Give a fake with a repository and an issue."""
    shown = GitHubFake()
    served.show(shown)
    shown.put("repository", "/repos/octo/hello", REPOSITORY)
    shown.put("issue", PATH, ISSUE)
    return shown


@pytest.fixture
async def connect(served: FakeApi, fake: GitHubFake) -> AsyncIterator[Connect]:
    """Give what makes a client of the fake."""
    clients: list[GitHubApi] = []

    def connected(token: str = TOKEN, read_s: float = 5.0) -> GitHubApi:
        clients.append(GitHubApi(lambda: token, served.url, Limits(read_s=read_s)))
        return clients[-1]

    yield connected
    for client in clients:
        await client.close()


async def test_resource_is_what_its_webhook_shows(fake: GitHubFake, connect: Connect) -> None:
    """The fields that only REST shows are left out, and the quota is that of the reply."""
    by_webhook = fake.put("issue", PATH, ISSUE)

    reply = await connect().read([WANTED])

    assert reply.results[WANTED] == Fetched(by_webhook)
    assert (reply.requests, reply.cost) == (1, 1)
    assert reply.quota == Quota(5_000, 4_999, resets_in_s=HOUR_S - fake.clock.now().timestamp() % HOUR_S)


async def test_credential_in_a_repository_is_not_kept(connect: Connect) -> None:
    """A private repository's `temp_clone_token` opens it."""
    fetched = await _read(connect(), Wanted("repository", "7", "/repos/octo/hello"))

    assert isinstance(fetched, Fetched)
    assert fetched.document.keys() == {"id", "full_name", "url"}


async def test_missing_resource_of_a_readable_repository_is_not_found(fake: GitHubFake, connect: Connect) -> None:
    """Its repository is read to tell a deletion from a missing right."""
    fake.delete(PATH)

    reply = await connect().read([WANTED])

    assert reply.results[WANTED] == NotFound()
    assert list(fake.requests) == [PATH, "/repos/octo/hello"]
    assert reply.cost == 2


async def test_missing_repository_deletes_nothing(fake: GitHubFake, connect: Connect) -> None:
    """404 for the repository may be a missing right."""
    fake.delete(PATH)
    fake.delete("/repos/octo/hello")
    client = connect()

    assert isinstance(await _read(client, WANTED), Malformed)
    assert isinstance(await _read(client, Wanted("repository", "7", "/repos/octo/hello")), Malformed)
    fake.faults.next(None, "unavailable")
    assert isinstance(await _read(client, WANTED), Unavailable)


async def test_redirect_is_followed(fake: GitHubFake, connect: Connect) -> None:
    """A renamed repository's resources are found; an issue that was transferred is another one, and gone here."""
    fake.move("/repos/old/name/issues/1", "/repositories/7/issues/1")
    fake.move("/repositories/7/issues/1", PATH)
    fake.move("/repos/octo/hello/issues/2", "/repos/octo/other/issues/9")
    fake.put("issue", "/repos/octo/other/issues/9", ISSUE | {"id": 99})
    fake.move("/repos/octo/hello/issues/3", "https://example.com/repos/octo/hello/issues/3")
    client = connect()

    assert isinstance(await _read(client, Wanted("issue", "5", "/repos/old/name/issues/1")), Fetched)
    assert await _read(client, Wanted("issue", "6", "/repos/octo/hello/issues/2")) == NotFound()
    assert isinstance(await _read(client, Wanted("issue", "8", "/repos/octo/hello/issues/3")), Malformed)


@pytest.mark.parametrize(("limit", "retry_in_s"), [("secondary", 60), ("retry_after", 7), ("too_many", 60)])
async def test_secondary_limits_are_throttled(
    fake: GitHubFake, connect: Connect, limit: Limit, retry_in_s: float
) -> None:
    """403 with a limit's words is no missing right; without a time GitHub asks for a minute."""
    fake.limit(limit)
    client = connect()

    result = await _read(client, WANTED)

    assert isinstance(result, Throttled)
    assert result.retry_in_s == retry_in_s
    assert isinstance(await _read(client, WANTED), Fetched)


async def test_used_up_quota_is_throttled_until_its_reset(fake: GitHubFake, connect: Connect) -> None:
    """By the provider's clock, whatever ours says."""
    fake.quota = WindowQuota(fake.clock.now, 1, HOUR_S)
    client = connect()

    first, second = await _read(client, WANTED), await _read(client, WANTED)

    assert isinstance(first, Fetched)
    assert isinstance(second, Throttled)
    fake.clock.advance(second.retry_in_s)
    assert isinstance(await _read(client, WANTED), Fetched)


@pytest.mark.parametrize(("fault", "expected"), FAILURES)
async def test_faults_are_values(fake: GitHubFake, connect: Connect, fault: Fault, expected: type) -> None:
    """Nothing is raised, and the next read succeeds."""
    fake.faults.next(fault)
    client = connect(read_s=0.2)

    assert isinstance(await _read(client, WANTED), expected)
    assert isinstance(await _read(client, WANTED), Fetched)


async def test_wrong_token_is_unauthorised_and_never_shown(connect: Connect) -> None:
    """Neither the result nor the client's text shows the token."""
    client = connect("ghp_another")

    result = await _read(client, WANTED)
    assert result == Unauthorised("status 401: Bad credentials")
    assert "ghp_" not in repr(result) + repr(client) + repr(await client.check())


async def test_check_costs_nothing(fake: GitHubFake, connect: Connect) -> None:
    """It tells the quota, and takes none of it."""
    client = connect()

    for _ in range(2):
        checked = await client.check()
        assert isinstance(checked, Checked)
        assert checked.sentence == "token works, quota 5000 per hour, 5000 left"


async def test_resource_without_a_url_is_malformed(fake: GitHubFake, connect: Connect) -> None:
    """GitHub reads no issue by its id alone; no request is made."""
    client = connect()

    assert isinstance(await _read(client, Wanted("issue", "5")), Malformed)
    assert isinstance(await _read(client, Wanted("push", "5", "/repos/octo/hello")), Malformed)
    assert not fake.requests
    assert client.batch([WANTED, WANTED]) == [WANTED]
    assert client.cost_of([WANTED]) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>"),
        (200, b"[]"),
        (200, b""),
        (204, b""),
        (200, b"7"),
        (302, b""),
        (400, b"[]"),
        (418, b'{"error": 7}'),
    ],
)
async def test_reply_of_another_shape_is_malformed(served: FakeApi, connect: Connect, status: int, body: bytes) -> None:
    """Nothing is taken for a missing object, and nothing raises."""
    served.answer(status, body)

    assert isinstance(await _read(connect(), WANTED), Malformed)


async def _read(client: GitHubApi, wanted: Wanted) -> Any:
    return (await client.read([wanted])).results[wanted]

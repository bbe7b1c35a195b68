"""GitHub's lists against the fake of its API, over HTTP on loopback."""

import random
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.api import Fetched, Malformed, Throttled, Unauthorised, Wanted
from providers.clients import Account, client_of
from providers.github import listing as module
from providers.github.listing import GitHubLister
from providers.github.pages import following
from providers.http import Limits
from providers.listers import lister_of
from providers.listing import Listed, Listing, Page, Window
from schemas.records import Document
from simulator.providers.clock import START
from simulator.providers.faults import Fault
from simulator.providers.github import TOKEN, GitHubFake, Limit
from simulator.providers.quota import WindowQuota
from tests.support.builders.provider_failures import FAILURES
from tests.support.processes.fake_api import FakeApi

HELLO = "/repos/octo/hello"
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
TODAY = Window(START, START + DAY)
Connect = Callable[..., GitHubLister]


@pytest.fixture
def fake(served: FakeApi) -> GitHubFake:
    """Give a fake with a repository."""
    return _shown(served)


@pytest.fixture
async def connect(served: FakeApi) -> AsyncIterator[Connect]:
    """Give what makes a lister of the fake."""
    listers: list[GitHubLister] = []

    def connected(
        token: str = TOKEN, page_size: int = 100, repositories: tuple[str, ...] = ("octo/hello",)
    ) -> GitHubLister:
        listers.append(GitHubLister(lambda: token, served.url, repositories, Limits(read_s=0.2, total_s=2.0)))
        listers[-1].page_size = page_size
        return listers[-1]

    yield connected
    for lister in listers:
        await lister.close()


@pytest.mark.parametrize("page_size", [1, 7, 100])
@pytest.mark.parametrize("name", ["issues", "pulls", "issue_comments", "review_comments"])
async def test_what_changed_in_a_window_is_listed_once(
    fake: GitHubFake, connect: Connect, name: str, page_size: int
) -> None:
    """The end of the window excluded, whatever the size of a page."""
    for number in range(40):
        _put(fake, name, number)
        fake.clock.advance(60)
    lister = connect(page_size=page_size)

    pages = await _pages(lister, name, Window(START + 5 * MINUTE, START + 30 * MINUTE))

    assert sorted(_ids(pages)) == list(range(5, 30))


async def test_pages_after_the_window_are_not_read(fake: GitHubFake, connect: Connect) -> None:
    """Neither what changed later, nor, where the newest is first, what is older."""
    for name in ("issues", "pulls"):
        for number in range(100):
            _put(fake, name, number)
            fake.clock.advance(60)
    lister = connect(page_size=10)

    issues = await _pages(lister, "issues", Window(START + 5 * MINUTE, START + 14 * MINUTE))
    pulls = await _pages(lister, "pulls", Window(START + 185 * MINUTE, START + DAY))

    assert (len(_ids(issues)), len(issues)) == (9, 1)
    assert (len(_ids(pulls)), len(pulls)) == (15, 2)


async def test_everything_is_also_what_keeps_changing(fake: GitHubFake, connect: Connect) -> None:
    """Without a beginning nothing is left out: a backfill would never see an issue that each run finds too new."""
    for name in ("issues", "pulls"):
        for number in range(12):
            _put(fake, name, number)
            fake.clock.advance(60)

    for name in ("issues", "pulls"):
        pages = await _pages(connect(page_size=5), name, Window(None, START + 6 * MINUTE))
        assert sorted(_ids(pages)) == list(range(12))


async def test_element_names_its_resource(fake: GitHubFake, connect: Connect, served: FakeApi) -> None:
    """As its webhook does, with the path at which it is read; its other fields are not taken from a list."""
    shown = _put(fake, "pulls", 3)
    client = client_of("github", Account("", lambda: TOKEN, served.url))
    assert client is not None

    [page] = await _pages(connect(), "pulls", TODAY)

    assert page.listed == (Listed("pull_request", "3", START, reference=f"{HELLO}/pulls/3"),)
    wanted = Wanted("pull_request", "3", page.listed[0].reference)
    assert (await client.read([wanted])).results[wanted] == Fetched(shown)
    await client.close()


async def test_pull_request_is_no_issue(fake: GitHubFake, connect: Connect) -> None:
    """GitHub lists it among the issues, with an id that no delivery has."""
    for number in range(30):
        _put(fake, "pulls", number)
        fake.clock.advance(1)
    _put(fake, "issues", 99)

    pages = await _pages(connect(page_size=4), "issues", TODAY)

    assert _ids(pages) == [99]
    assert len(pages) <= 31 // 3 + 1  # each page but the first shows one again


async def test_lists_without_order_are_read_whole(fake: GitHubFake, connect: Connect) -> None:
    """What has no update time may have changed; of the others only the window's are listed."""
    for number in range(12):
        for name in ("releases", "milestones", "labels"):
            _put(fake, name, number)
        fake.clock.advance(60)
    lister = connect(page_size=5)

    window = Window(START + 3 * MINUTE, START + 10 * MINUTE)
    assert sorted(_ids(await _pages(lister, "releases", window))) == list(range(3, 10))
    assert sorted(_ids(await _pages(lister, "milestones", window))) == list(range(3, 10))
    assert sorted(_ids(await _pages(lister, "labels", window))) == list(range(12))
    [page] = await _pages(lister, "repository", window)
    assert page.listed == (Listed("repository", "7", reference=HELLO),)


async def test_walk_goes_on_in_another_process(fake: GitHubFake, connect: Connect) -> None:
    """A cursor is all that another worker needs."""
    for name in ("issues", "pulls", "labels"):
        for number in range(20):
            _put(fake, name, number)
            fake.clock.advance(number % 3)

    for name in ("issues", "pulls", "labels"):
        lister = connect(page_size=3)
        first = await lister.page(_listing(lister, name), TODAY, None)
        assert isinstance(first, Page)
        rest = await _pages(connect(page_size=3), name, TODAY, first.cursor)
        assert sorted(_ids([first, *rest])) == list(range(20))


async def test_issue_that_changes_meanwhile_hides_no_other(fake: GitHubFake, connect: Connect) -> None:
    """By page numbers it would move to the end, and the first of the next page to the page that was read."""
    for number in range(20):
        _put(fake, "issues", number)
        fake.clock.advance(1)
    lister = connect(page_size=5)
    first = await lister.page(_listing(lister, "issues"), TODAY, None)
    assert isinstance(first, Page)
    for number in range(5):
        _put(fake, "issues", number)

    rest = await _pages(lister, "issues", TODAY, first.cursor)

    assert set(_ids(rest)) >= set(range(5, 20))


async def test_more_than_a_page_in_one_second_is_listed(fake: GitHubFake, connect: Connect) -> None:
    """There the pages of that second follow each other."""
    for number in range(25):
        _put(fake, "issues", number)
    fake.clock.advance(1)
    _put(fake, "issues", 25)

    pages = await _pages(connect(page_size=4), "issues", TODAY)

    assert sorted(_ids(pages)) == list(range(26))


async def test_unchanged_list_costs_nothing(fake: GitHubFake, connect: Connect) -> None:
    """GitHub does not count what it need not send; after a change the list is new."""
    for number in range(7):
        _put(fake, "labels", number)
    lister = connect(page_size=5)

    first = await _pages(lister, "labels", TODAY)
    again = await _pages(lister, "labels", TODAY)
    _put(fake, "labels", 7)
    changed = await _pages(lister, "labels", TODAY)

    assert [page.listed for page in first] == [page.listed for page in again]
    assert [page.cost for page in (*first, *again, *changed)] == [1, 1, 0, 0, 0, 1]
    assert again[-1].quota is not None
    assert again[-1].quota.left == 4_998
    assert sorted(_ids(changed)) == list(range(8))


async def test_remembered_pages_are_bounded(
    fake: GitHubFake, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account of many repositories does not fill the memory."""
    monkeypatch.setattr(module, "MAX_KEPT", 2)
    for number in range(8):
        _put(fake, "labels", number)
    lister = connect(page_size=2)

    await _pages(lister, "labels", TODAY)
    again = await _pages(lister, "labels", TODAY)

    assert [page.cost for page in again] == [1, 1, 1, 1]


async def test_empty_lists(fake: GitHubFake, connect: Connect) -> None:
    """One request each, and nothing listed."""
    lister = connect()

    for listing in lister.listings[1:]:
        page = await lister.page(listing, TODAY, None)
        assert isinstance(page, Page)
        assert (page.listed, page.cursor, page.requests) == ((), None, 1)


def test_lists_are_of_one_repository_each() -> None:
    """So that another repository's resources, which are absent, never count as gone; comments cannot be read."""
    lister = GitHubLister(lambda: TOKEN, "https://api.example.com", ("octo/hello", "octo/other"))

    names = [listing.name for listing in lister.listings]
    assert names[:2] == ["octo/hello repository", "octo/hello issues"]
    assert len(set(names)) == len(names) == 16
    assert {listing.coverage for listing in lister.listings} == {"part"}
    assert {listing.name for listing in lister.listings if not listing.is_readable} == {
        f"octo/{name} {kind}" for name in ("hello", "other") for kind in ("issue_comments", "review_comments")
    }


async def test_list_of_another_repository_is_malformed(connect: Connect) -> None:
    """The configuration has changed since the cursor was written."""
    listing = Listing("octo/other issues", "issue", "part")

    assert isinstance(await connect().page(listing, TODAY, None), Malformed)


async def test_missing_repository_is_no_empty_list(fake: GitHubFake, connect: Connect) -> None:
    """404 may mean that the token has no right."""
    fake.delete(HELLO)
    lister = connect()

    assert isinstance(await lister.page(_listing(lister, "issues"), TODAY, None), Malformed)


async def test_issues_that_are_switched_off_are_an_empty_list(served: FakeApi, connect: Connect) -> None:
    """GitHub answers 410."""
    served.answer(410, b'{"message": "Issues has been disabled in this repository."}')
    lister = connect()

    assert await lister.page(_listing(lister, "issues"), TODAY, None) == Page((), None)


@pytest.mark.parametrize(("fault", "expected"), FAILURES)  # fmt: skip
async def test_faults_are_values(fake: GitHubFake, connect: Connect, fault: Fault, expected: type) -> None:
    """Nothing is raised, and the page comes with the next call."""
    lister = connect()
    fake.faults.next(fault)

    assert isinstance(await lister.page(_listing(lister, "issues"), TODAY, None), expected)
    assert isinstance(await lister.page(_listing(lister, "issues"), TODAY, None), Page)


@pytest.mark.parametrize(("limit", "retry_in_s"), [("secondary", 60), ("retry_after", 7), ("too_many", 60)])
async def test_secondary_limits_are_throttled(
    fake: GitHubFake, connect: Connect, limit: Limit, retry_in_s: float
) -> None:
    """403 with a limit's words is no missing right."""
    lister = connect()
    fake.limit(limit)

    result = await lister.page(_listing(lister, "issues"), TODAY, None)

    assert isinstance(result, Throttled)
    assert result.retry_in_s == retry_in_s


async def test_used_up_quota_is_throttled(fake: GitHubFake, connect: Connect) -> None:
    """Until its reset."""
    fake.quota = WindowQuota(fake.clock.now, 1, 3_600)
    lister = connect()

    first, second = [await lister.page(_listing(lister, "issues"), TODAY, None) for _ in range(2)]

    assert isinstance(first, Page)
    assert isinstance(second, Throttled)


async def test_wrong_token_is_unauthorised_and_never_shown(fake: GitHubFake, connect: Connect) -> None:
    """Neither the result nor the lister's text shows the token."""
    lister = connect("ghp_another")

    result = await lister.page(_listing(lister, "issues"), TODAY, None)

    assert result == Unauthorised("status 401: Bad credentials")
    assert "ghp_" not in repr(result) + repr(lister)


@pytest.mark.parametrize("body", [b"[7]", b"7", b"[{}]", b"<html>", b'[{"id": 1}, {"id": null}]'])
async def test_page_of_another_shape_is_malformed(served: FakeApi, connect: Connect, body: bytes) -> None:
    """It is never taken for the end of a list."""
    served.answer(200, body)
    lister = connect()

    assert isinstance(await lister.page(_listing(lister, "issues"), TODAY, None), Malformed)


@pytest.mark.parametrize(("link", "expected"), [
    ('<https://api.github.com/repositories/7/issues?per_page=2&after=Y3Vyc29y%3D&page=2>; rel="next"',
     {"per_page": "2", "after": "Y3Vyc29y=", "page": "2"}),
    ('<https://a/x?page=1>; rel="first", <https://a/x?page=3>; rel="next", <https://a/x?page=9>; rel="last"', {"page": "3"}),
    ('<https://a/x?page=1>; rel="prev"', None),
    ("<http://[>; rel=next", None),
    ("", None),
])  # fmt: skip
def test_next_page_is_the_query_of_its_link(link: str, expected: dict[str, str] | None) -> None:
    """Its address is not used: the token goes to the list's own."""
    assert following(link) == expected


async def test_lister_is_made_for_an_account(served: FakeApi, fake: GitHubFake) -> None:
    """Its repositories are configured; without any it has no lists."""
    lister = lister_of("github", Account("", lambda: TOKEN, served.url, repositories=("octo/hello",)))
    without = lister_of("github", Account("", lambda: TOKEN, served.url))
    assert lister is not None
    assert without is not None

    assert isinstance(await lister.page(lister.listings[0], TODAY, None), Page)
    assert without.listings == ()
    await lister.close()
    await without.close()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["issues", "pulls"]),
    gaps=st.lists(st.sampled_from([0, 0, 1, 7]), min_size=1, max_size=25),
    page_size=st.integers(3, 9),
    seed=st.integers(0, 2**32 - 1),
)
async def test_pages_together_are_what_changed(
    served: FakeApi, name: str, gaps: list[int], page_size: int, seed: int
) -> None:
    """Whatever the size of a page, and while some of it changes again and more is created between the pages."""
    fake, chance = _shown(served), random.Random(seed)  # noqa: S311  no secret
    lister = GitHubLister(lambda: TOKEN, served.url, ("octo/hello",), Limits(read_s=2.0))
    lister.page_size = page_size
    for number, gap in enumerate(gaps):
        _put(fake, name, number)
        fake.clock.advance(gap)
    fake.clock.advance(1)
    window = Window(START, fake.clock.now())
    seen: set[int] = set()
    touched: set[int] = set()
    created = len(gaps)
    cursor: str | None = None
    while True:
        page = await lister.page(_listing(lister, name), window, cursor)
        assert isinstance(page, Page)
        seen.update(_ids([page]))
        cursor = page.cursor
        if cursor is None:
            break
        created += 1
        _put(fake, name, created)
        if name == "pulls" or 0 not in gaps:  # issues of one second come by page numbers only
            touched.add(chance.randrange(len(gaps)))
            for number in touched:
                _put(fake, name, number)
    await lister.close()

    assert seen | touched >= set(range(len(gaps)))
    assert seen <= set(range(len(gaps)))


def _shown(served: FakeApi) -> GitHubFake:
    shown = GitHubFake()
    served.show(shown)
    shown.put("repository", HELLO, {"id": 7, "full_name": "octo/hello"})
    return shown


_NAMES = {
    "issues": ("issue", "issues"),
    "pulls": ("pull_request", "pulls"),
    "releases": ("release", "releases"),
    "milestones": ("milestone", "milestones"),
    "labels": ("label", "labels"),
    "issue_comments": ("comment", "issues/comments"),
    "review_comments": ("comment", "pulls/comments"),
}


def _put(fake: GitHubFake, name: str, number: int) -> Document:
    """Create or change a resource of a list."""
    main, path = _NAMES[name]
    document: Document = {"id": number, "number": number, "state": "closed", "merged": True}
    if name != "labels":
        document["updated_at"] = f"{fake.clock.now():%Y-%m-%dT%H:%M:%SZ}"
    return fake.put(main, f"{HELLO}/{path}/{number}", document)


def _listing(lister: GitHubLister, name: str) -> Listing:
    return next(each for each in lister.listings if each.name == f"octo/hello {name}")


async def _pages(lister: GitHubLister, name: str, window: Window, cursor: str | None = None) -> list[Page]:
    """Return all pages that follow a cursor."""
    pages: list[Page] = []
    while not pages or cursor is not None:
        page = await lister.page(_listing(lister, name), window, cursor)
        assert isinstance(page, Page), page
        pages.append(page)
        cursor = page.cursor
        assert len(pages) < 500, "the list has no end"
    return pages


def _ids(pages: list[Page]) -> list[int]:
    return [int(each.resource_id) for page in pages for each in page.listed]

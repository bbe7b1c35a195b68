"""Stripe's lists against the fake of its API, over HTTP on loopback."""

import random
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.api import Failure, Malformed, Throttled, Unauthorised
from providers.clients import Account
from providers.http import Limits
from providers.listers import lister_of
from providers.listing import Listed, Listing, Page, Window
from providers.stripe.listing import StripeLister
from providers.stripe.lists import EVENTS, LISTINGS, OBJECTS, UNGENERATED
from providers.stripe.paths import collection_of
from schemas.records import Document
from simulator.providers.clock import START
from simulator.providers.faults import Fault
from simulator.providers.stripe import StripeFake
from tests.support.builders.provider_failures import FAILURES
from tests.support.processes.fake_api import FakeApi

KEY = "sk_test_made_up"
DAY = timedelta(days=1)
ALL_CUSTOMERS = next(each for each in OBJECTS if each.resource_type == "customer")
ALL_SUBSCRIPTIONS = next(each for each in OBJECTS if each.resource_type == "subscription")
Connect = Callable[..., StripeLister]


@pytest.fixture
def fake(served: FakeApi) -> StripeFake:
    """Give a fake that is served during the test, without limits per second."""
    return _shown(served)


@pytest.fixture
async def connect(served: FakeApi) -> AsyncIterator[Connect]:
    """Give what makes a lister of the fake."""
    listers: list[StripeLister] = []

    def connected(key: str = KEY, account: str = "", page_size: int = 100) -> StripeLister:
        listers.append(StripeLister(lambda: key, served.url, account, Limits(read_s=0.2, total_s=2.0)))
        listers[-1].page_size = page_size
        return listers[-1]

    yield connected
    for lister in listers:
        await lister.close()


@pytest.mark.parametrize("page_size", [1, 3, 100])
async def test_events_of_a_window_are_listed_once(fake: StripeFake, connect: Connect, page_size: int) -> None:
    """From the oldest to the newest, the end of the window excluded, whatever the size of a page."""
    made = _events(fake, 40, every_s=60)
    window = Window(START + timedelta(minutes=5), START + timedelta(minutes=30))

    pages = await _pages(connect(page_size=page_size), EVENTS, window)

    assert _ids(pages) == [event["id"] for event in made[5:30]]


async def test_event_names_its_object(fake: StripeFake, connect: Connect) -> None:
    """As its webhook would, with what a read and the report need; its frozen object is not shown."""
    fake.put("acct_1", _customer(1), "customer.created")
    fake.clock.advance(5)
    gone = fake.delete("acct_1", "customer", "cus_1")
    fake.put("acct_1", {"id": "sub_1", "object": "subscription"}, "customer.subscription.deleted")

    [page] = await _pages(connect(account="acct_1"), EVENTS, Window(START, START + DAY))

    created, deleted, cancelled = page.listed
    assert created == Listed(
        "customer", "cus_1", at=START, context="acct_1", delivery_id="evt_1", event_type="customer.created"
    )
    assert (deleted.is_deleted, deleted.at, deleted.delivery_id) == (True, START + timedelta(seconds=5), gone["id"])
    assert (cancelled.resource_type, cancelled.is_deleted) == ("subscription", False)


async def test_object_that_cannot_be_read_is_counted(fake: StripeFake, connect: Connect) -> None:
    """A line of an invoice has no address: the report says so, instead of a failed read each time."""
    fake.put("", _customer(1), "customer.created")
    fake.put("", {"id": "ba_1", "object": "bank_account"}, "customer.source.updated")

    [page] = await _pages(connect(), EVENTS, Window(START, START + DAY))

    assert (len(page.listed), page.omitted) == (1, 1)


async def test_walk_goes_on_in_another_process(fake: StripeFake, connect: Connect) -> None:
    """A cursor is all that another worker needs; events that come meanwhile are at the walk's end."""
    made = _events(fake, 10)
    window = Window(START, START + DAY)

    first = await connect(page_size=4).page(EVENTS, window, None)
    made += _events(fake, 3)
    assert isinstance(first, Page)
    rest = await _pages(connect(page_size=4), EVENTS, window, first.cursor)

    assert _ids([first, *rest]) == [event["id"] for event in made]


async def test_cursor_that_is_gone_begins_anew(fake: StripeFake, connect: Connect) -> None:
    """A walk that is resumed after more than 30 days finds what the log still has."""
    _events(fake, 10)
    first = await connect(page_size=4).page(EVENTS, Window(START, START + DAY), None)
    fake.clock.advance(timedelta(days=31).total_seconds())
    made = _events(fake, 3)

    assert isinstance(first, Page)
    rest = await _pages(connect(), EVENTS, Window(START, fake.clock.now() + DAY), first.cursor)

    assert _ids(rest) == [event["id"] for event in made]


async def test_log_without_an_older_event_is_walked_from_its_oldest(fake: StripeFake, connect: Connect) -> None:
    """Its beginning is found by halving the time, in a few requests; what is older than 30 days is gone."""
    _events(fake, 20, every_s=60)
    fake.clock.advance(timedelta(days=30).total_seconds())
    made = _events(fake, 300, every_s=600)

    pages = await _pages(connect(page_size=10), EVENTS, Window(None, fake.clock.now()))

    assert _ids(pages) == [event["id"] for event in made]
    assert pages[0].requests <= 2 + 22
    assert {page.requests for page in pages[1:]} == {1}
    assert len(fake.requests) == sum(page.requests for page in pages)


async def test_second_with_more_than_a_page_has_a_beginning(fake: StripeFake, connect: Connect) -> None:
    """Nothing can be halved there: the second is walked back to its first event."""
    made = _events(fake, 35, every_s=0)

    pages = await _pages(connect(page_size=10), EVENTS, Window(None, START + DAY))

    assert _ids(pages) == [event["id"] for event in made]


async def test_quiet_day_costs_one_request(fake: StripeFake, connect: Connect) -> None:
    """Neither an empty window nor one of a few events needs a beginning."""
    lister = connect()

    assert [page.requests for page in await _pages(lister, EVENTS, Window(START, START + DAY))] == [1]
    _events(fake, 5)
    assert [page.requests for page in await _pages(lister, EVENTS, Window(START, START + DAY))] == [1]
    assert await _pages(lister, UNGENERATED, Window(START, START + DAY)) == [Page((), None)]
    assert await _pages(lister, ALL_SUBSCRIPTIONS, Window(None, START)) == [Page((), None)]


async def test_object_without_an_event_is_listed(fake: StripeFake, connect: Connect) -> None:
    """Stripe tells afterwards of which object it could not make an event; only a read shows what became of it."""
    for number in range(5):
        fake.put_without_event("acct_1", _customer(number), "customer.updated")
        fake.thin("acct_1", "customer", f"cus_{number}", "v1.customer.updated")
    lister = connect(account="acct_1", page_size=2)

    pages = await _pages(lister, UNGENERATED, Window(START, START + DAY))

    assert await _pages(lister, EVENTS, Window(START, START + DAY)) == [Page((), None)]
    assert len(pages) == 3
    assert pages[0].listed[0] == Listed("customer", "cus_4", at=START, context="acct_1", event_type="customer.updated")
    assert {each.resource_id for page in pages for each in page.listed} == {f"cus_{number}" for number in range(5)}


@pytest.mark.parametrize(("event_type", "expected"), [
    ("payment_intent.requires_action", "payment_intent"),
    ("customer.subscription.updated", "subscription"),
    ("billing.meter.created", "billing_meter"),
    ("never.heard.of", None),
])  # fmt: skip
async def test_type_of_an_older_failure_is_that_of_its_event(
    served: FakeApi, connect: Connect, event_type: str, expected: str | None
) -> None:
    """Until 2026 it named only an id."""
    impact = f'{{"event_type": "{event_type}", "related_object_id": "x_1"}}'
    event = f'{{"id": "evt_1", "created": "2026-11-02T09:00:00.000Z", "data": {{"impact": {impact}}}}}'
    served.answer(200, f'{{"data": [{event}], "next_page_url": null}}'.encode())

    [page] = await _pages(connect(), UNGENERATED, Window(START, START + DAY))

    assert [each.resource_type for each in page.listed] == ([expected] if expected else [])
    assert page.omitted == (expected is None)


async def test_all_objects_are_listed(fake: StripeFake, connect: Connect) -> None:
    """So that a missing one is gone: deleted ones are absent, cancelled subscriptions are not."""
    for number in range(25):
        fake.put("", _customer(number), "customer.created")
    fake.delete("", "customer", "cus_7")
    fake.put("", {"id": "sub_1", "object": "subscription", "status": "canceled"}, "customer.subscription.deleted")
    lister = connect(page_size=10)

    customers = await _pages(lister, ALL_CUSTOMERS, Window(None, START))
    subscriptions = await _pages(lister, ALL_SUBSCRIPTIONS, Window(None, START))

    assert _names(customers) == [f"cus_{number}" for number in reversed(range(25)) if number != 7]
    assert _names(subscriptions) == ["sub_1"]
    assert customers[0].listed[0] == Listed("customer", "cus_24")


async def test_walk_of_ids_survives_a_deletion_at_its_cursor(fake: StripeFake, connect: Connect) -> None:
    """Else a listing would never be complete where objects come and go."""
    for number in range(9):
        fake.put("", _customer(number), "customer.created")
    first = await connect(page_size=3).page(ALL_CUSTOMERS, Window(None, START), None)
    assert isinstance(first, Page)
    fake.delete("", "customer", first.listed[-1].resource_id)
    fake.put("", _customer(99), "customer.created")

    rest = await _pages(connect(page_size=3), ALL_CUSTOMERS, Window(None, START), first.cursor)

    assert {"cus_0", "cus_1", "cus_2", "cus_3", "cus_4", "cus_5"} <= set(_names(rest))


def test_every_list_of_objects_has_an_address() -> None:
    """A type without one could not be listed at all."""
    assert all(collection_of(each.resource_type or "") for each in OBJECTS)
    assert len({each.name for each in LISTINGS}) == len(LISTINGS)
    assert collection_of("balance") is None


@pytest.mark.parametrize(("fault", "expected"), FAILURES)  # fmt: skip
@pytest.mark.parametrize("listing", [EVENTS, UNGENERATED, ALL_CUSTOMERS], ids=lambda each: each.name)
async def test_faults_are_values(
    fake: StripeFake, connect: Connect, fault: Fault, expected: type, listing: Listing
) -> None:
    """Nothing is raised, and the page comes with the next call."""
    lister, window = connect(), Window(START, START + DAY)
    fake.faults.next(fault)

    assert isinstance(await lister.page(listing, window, None), expected)
    assert isinstance(await lister.page(listing, window, None), Page)


async def test_limit_while_the_beginning_is_sought_is_throttled(fake: StripeFake, connect: Connect) -> None:
    """A page needs several requests then: none of them is taken for an empty log."""
    _events(fake, 40, every_s=60)
    lister, window = connect(page_size=5), Window(None, fake.clock.now())

    for answered in range(1, 4):
        fake.faults.next(*[None] * answered, "throttled")
        assert isinstance(await lister.page(EVENTS, window, None), Throttled)


async def test_wrong_key_is_unauthorised_and_never_shown(fake: StripeFake, connect: Connect) -> None:
    """Neither the result nor the lister's text shows the key."""
    lister = connect("sk_test_another")

    result = await lister.page(EVENTS, Window(START, START + DAY), None)

    assert result == Unauthorised("status 401: invalid_request_error")
    assert "sk_test" not in repr(result) + repr(lister)


@pytest.mark.parametrize("body", [
    b"[]", b'{"data": {}, "has_more": false}', b'{"data": [{}], "has_more": false}', b'{"data": [7], "has_more": false}',
    b'{"data": []}', b"<html>",
])  # fmt: skip
async def test_page_of_another_shape_is_malformed(served: FakeApi, connect: Connect, body: bytes) -> None:
    """It is never taken for the end of a list: what follows would count as gone."""
    served.answer(200, body)
    lister = connect()

    assert isinstance(await lister.page(EVENTS, Window(START, START + DAY), None), Malformed)
    assert isinstance(await lister.page(ALL_CUSTOMERS, Window(START, START + DAY), None), Malformed)


async def test_next_page_is_never_at_another_address(served: FakeApi, connect: Connect) -> None:
    """The key is sent to this list alone."""
    served.answer(200, b'{"data": [], "next_page_url": "https://example.com/v2/core/events?page=1"}')

    assert isinstance(await connect().page(UNGENERATED, Window(START, START + DAY), None), Malformed)


async def test_lister_is_made_for_an_account(served: FakeApi, fake: StripeFake) -> None:
    """A tenant is an account and its mode."""
    fake.put("acct_1", _customer(1), "customer.created")
    lister = lister_of("stripe", Account("acct_1:test", lambda: KEY, served.url))
    assert lister is not None

    page = await lister.page(EVENTS, Window(START, START + DAY), None)
    await lister.close()

    assert isinstance(page, Page)
    assert [each.context for each in page.listed] == ["acct_1"]
    assert lister_of("generic", Account("", lambda: KEY)) is None


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    gaps=st.lists(st.sampled_from([0, 0, 0, 1, 7, 3_600]), max_size=20),
    page_size=st.integers(1, 9),
    since_s=st.one_of(st.none(), st.integers(0, 7_200)),
    seed=st.integers(0, 2**32 - 1),
)
async def test_pages_together_are_the_log(
    served: FakeApi, gaps: list[int], page_size: int, since_s: int | None, seed: int
) -> None:
    """Whatever the sizes of the pages, and while new events arrive between them."""
    fake, chance = _shown(served), random.Random(seed)  # noqa: S311  no secret
    lister = StripeLister(lambda: KEY, served.url, "", Limits(read_s=2.0))
    made = [event for gap in gaps for event in _events(fake, 1, every_s=gap)]
    window = Window(None if since_s is None else START + timedelta(seconds=since_s), START + 20 * DAY)
    got: list[str] = []
    cursor: str | None = None
    while True:
        lister.page_size = chance.randint(1, page_size)
        page = await lister.page(EVENTS, window, cursor)
        assert isinstance(page, Page)
        got += [each.delivery_id for each in page.listed]
        cursor = page.cursor
        if cursor is None:
            break
        made += _events(fake, chance.choice([0, 0, 1]) if len(made) < 40 else 0, every_s=chance.choice([0, 1]))
    await lister.close()

    begin = (window.since or START).timestamp()
    assert got == [event["id"] for event in made if event["created"] >= begin]


def _shown(served: FakeApi) -> StripeFake:
    shown = StripeFake(key=KEY)
    shown.quota.limit = shown.endpoint_quota.limit = 1_000_000
    served.show(shown)
    return shown


def _customer(number: int) -> Document:
    return {"id": f"cus_{number}", "object": "customer", "created": 1_700_000_000 + number}


def _events(fake: StripeFake, count: int, every_s: float = 1) -> list[Document]:
    made = []
    for number in range(count):
        made.append(fake.put("", _customer(number), "customer.updated"))
        fake.clock.advance(every_s)
    return made


async def _pages(lister: StripeLister, listing: Listing, window: Window, cursor: str | None = None) -> list[Page]:
    """Return all pages that follow a cursor."""
    pages: list[Page] = []
    while not pages or cursor is not None:
        page: Page | Failure = await lister.page(listing, window, cursor)
        assert isinstance(page, Page), page
        pages.append(page)
        cursor = page.cursor
        assert len(pages) < 500, "the list has no end"
    return pages


def _ids(pages: list[Page]) -> list[str]:
    return [each.delivery_id for page in pages for each in page.listed]


def _names(pages: list[Page]) -> list[str]:
    return [each.resource_id for page in pages for each in page.listed]

"""Tests for providers/bigcommerce/listing.py and lists.py: the lists of a fake store, over HTTP on loopback."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from providers.api import Malformed, Quota, Throttled, Unauthorised
from providers.bigcommerce.listing import BigCommerceLister
from providers.bigcommerce.lists import LISTINGS, LISTS, NOT_LISTED, Position
from providers.bigcommerce.reads import READ_WITH_PARENT, READINGS
from providers.http import Limits
from providers.listing import Listed, Page, Window
from schemas.records import Document
from simulator.providers.bigcommerce import documents
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.bigcommerce.routes import bigcommerce_app
from simulator.providers.clock import START, Clock
from simulator.providers.faults import Fault
from tests.support.builders.provider_failures import FAILURES
from tests.support.processes.fake_api import FakeApi
from tests.support.processes.list_walk import EVERYTHING, ids, listed, listing_of, one_page, pages

STORE, TOKEN = "k3v9x2", "made-up-token-of-this-test"
HOUR = timedelta(hours=1)
LATER = Window(START - HOUR, START + HOUR)
Connect = Callable[..., BigCommerceLister]


@pytest.fixture
def fake(served: FakeApi) -> FakeBigCommerce:
    """Give a fake with one empty store."""
    made = FakeBigCommerce(Clock(START), faults=served.faults)
    made.add_store(STORE, TOKEN)
    served.show_app(bigcommerce_app(made))
    return made


@pytest.fixture
async def connect(served: FakeApi, fake: FakeBigCommerce) -> AsyncIterator[Connect]:
    """Give what makes a lister of the store."""
    made: list[BigCommerceLister] = []

    def connected(page_size: int = 2, token: str = TOKEN, read_s: float = 20.0) -> BigCommerceLister:
        limits = Limits(read_s=read_s)
        made.append(BigCommerceLister(STORE, lambda: token, served.url, limits, page_size=page_size))
        return made[-1]

    yield connected
    for lister in made:
        await lister.close()


def put_products(fake: FakeBigCommerce, *numbers: int, modified: datetime = START) -> None:
    """Put products that were changed at a time."""
    for number in numbers:
        fake.put(STORE, "product", documents.product(number, modified))


def _put(fake: FakeBigCommerce, kind: str, number: int) -> str:
    """Put one resource of a kind; return its id."""
    made = {
        "category": lambda: documents.category(number),
        "customer": lambda: documents.customer(number, START),
        "customer_address": lambda: documents.customer_address(number, 1),
        "inventory": lambda: documents.inventory(number, 0, 5),
        "location": lambda: documents.location(number),
        "order": lambda: documents.order(number, START),
        "product": lambda: documents.product(number, START),
    }[kind]()
    resource_id = f"{number}:{number * 1000}:1" if kind == "inventory" else str(number)
    fake.put(STORE, kind, made, resource_id)
    return resource_id


@pytest.mark.parametrize("kind", sorted(LISTS))
@pytest.mark.parametrize("count", [0, 1, 2, 5, 6])
async def test_every_list_shows_all_resources_once(
    fake: FakeBigCommerce, connect: Connect, kind: str, count: int
) -> None:
    """Also when the last page is full, and when there is nothing."""
    put = [_put(fake, kind, number) for number in range(1, count + 1)]

    found = await pages(connect(), kind)

    assert ids(found) == put
    assert {each.resource_type for each in listed(found)} <= {kind}


def test_what_can_be_read_is_listed_or_named() -> None:
    """No resource type is forgotten: it has a list, or a reason why it has none."""
    assert LISTS.keys() | NOT_LISTED.keys() == READINGS.keys()
    assert not LISTS.keys() & READ_WITH_PARENT.keys()
    assert [(each.name, each.coverage) for each in LISTINGS] == [(name, each.coverage) for name, each in LISTS.items()]


async def test_page_tells_versions_total_and_quota(fake: FakeBigCommerce, connect: Connect) -> None:
    """The total stays that of the whole list, though BigCommerce counts what follows an id only."""
    put_products(fake, 1, 2, 3, 4, 5)

    found = await pages(connect(), "product")

    assert found[0].listed == (Listed("product", "1", START), Listed("product", "2", START))
    assert [page.total for page in found] == [5, 5, 5]
    assert [(page.requests, page.cost) for page in found] == [(1, 1.0)] * 3
    assert found[0].quota == Quota(150, 149, 30.0)
    assert fake.seen[0].query["include_fields"] == "id,date_modified"


@pytest.mark.parametrize("kind", ["product", "order", "customer"])
async def test_window_has_its_beginning_and_not_its_end(fake: FakeBigCommerce, connect: Connect, kind: str) -> None:
    """Two windows that touch show each resource once, fractions of a second notwithstanding."""
    made: Callable[[int, datetime], Document] = getattr(documents, kind)
    times = [START + timedelta(seconds=each) for each in (-1, 0, 1, 2, 3)]
    for number, time in enumerate(times, 1):
        fake.put(STORE, kind, made(number, time))
    middle = START + timedelta(seconds=2, milliseconds=400)

    first = await pages(connect(), kind, Window(START + timedelta(milliseconds=300), middle))
    second = await pages(connect(), kind, Window(middle, START + HOUR))

    assert (ids(first), ids(second)) == (["2", "3"], ["4", "5"])
    assert [each.version for each in listed(first)] == times[1:3]


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=9)), timezone(timedelta(hours=-6))])
async def test_times_are_sent_with_their_zone(fake: FakeBigCommerce, connect: Connect, zone: timezone) -> None:
    """The store is in another zone: what a time without one means there must not matter."""
    put_products(fake, 1, modified=START)
    window = Window((START - HOUR).astimezone(zone), (START + HOUR).astimezone(zone))

    assert ids(await pages(connect(), "product", window)) == ["1"]
    assert fake.seen[0].query["date_modified:min"] == "2026-11-02T07:59:59Z"  # its beginning may be left out
    with pytest.raises(ValueError, match="expected a time with a zone"):
        await pages(connect(), "product", Window(START.replace(tzinfo=None), START))


def _product_changes(fake: FakeBigCommerce, number: int) -> None:
    fake.change(STORE, "product", str(number), {"name": "Other"})


def _product_goes(fake: FakeBigCommerce, number: int) -> None:
    fake.delete(STORE, "product", str(number))


@pytest.mark.parametrize("happens", [_product_changes, _product_goes])
async def test_nothing_is_passed_over_while_others_change(
    fake: FakeBigCommerce, connect: Connect, happens: Callable[[FakeBigCommerce, int], None]
) -> None:
    """What was listed leaves the window between two pages: by number, the rest would move to a page that was read already."""
    put_products(fake, *range(1, 9))
    fake.clock.set(LATER.until)

    found = await pages(connect(), "product", LATER, between=lambda number: happens(fake, number))

    assert ids(found) == [str(number) for number in range(1, 9)]


async def test_numbered_list_that_became_shorter_is_read_again(fake: FakeBigCommerce, connect: Connect) -> None:
    """Addresses have page numbers only: some may come twice then, none is passed over."""
    for number in range(1, 10):
        _put(fake, "customer_address", number)

    def between(number: int) -> None:
        if number == 2:
            for gone in "123":
                fake.delete(STORE, "customer_address", gone)

    found = await pages(connect(), "customer_address", between=between)

    assert set(ids(found)) == set("123456789")
    assert len(ids(found)) > 9


async def test_archived_order_is_listed_as_changed(fake: FakeBigCommerce, connect: Connect) -> None:
    """As its webhook is: only a read tells that it is archived; it is never gone."""
    fake.put(STORE, "order", documents.order(7, START - 2 * HOUR))
    fake.clock.set(START)
    fake.delete(STORE, "order", "7")

    found = await pages(connect(), "order", LATER)

    assert listed(found) == [Listed("order", "7", START)]
    assert listing_of(connect(), "order").coverage == "changes"


async def test_another_client_goes_on_from_a_cursor(fake: FakeBigCommerce, connect: Connect) -> None:
    """A cursor is all that the next worker needs, at each page of each list."""
    for kind in LISTS:
        put = [_put(fake, kind, number) for number in range(1, 6)]
        first = await one_page(connect(), kind)
        assert isinstance(first, Page)

        rest = await pages(connect(page_size=3), kind, cursor=first.cursor)

        assert ids([first, *rest]) == put, kind


@pytest.mark.parametrize("cursor", ["", "x", "{}", '{"after":"x"}', '{"number":0}', "[]"])
async def test_foreign_cursor_is_a_value(connect: Connect, cursor: str) -> None:
    """It is never taken for the beginning: that would count as a complete list."""
    found = await one_page(connect(), "product", cursor=cursor)

    assert isinstance(found, Malformed)


@pytest.mark.parametrize(("fault", "expected"), FAILURES)
@pytest.mark.parametrize("kind", ["product", "order", "customer", "location"])
async def test_fault_half_way_is_a_value_and_the_page_can_be_had_again(
    fake: FakeBigCommerce, connect: Connect, fault: Fault, expected: type, kind: str
) -> None:
    """A list that fails is never a short one."""
    put = [_put(fake, kind, number) for number in range(1, 6)]
    first = await one_page(connect(), kind)
    assert isinstance(first, Page)
    fake.faults.next(fault)

    failed = await one_page(connect(read_s=0.2 if fault == "stall" else 20.0), kind, cursor=first.cursor)
    rest = await pages(connect(), kind, cursor=first.cursor)

    assert isinstance(failed, expected)
    assert ids([first, *rest]) == put


async def test_refusals_are_values(fake: FakeBigCommerce, connect: Connect) -> None:
    """A wrong token, a quota that is used up, a limit that is too high."""
    put_products(fake, 1)
    refused = await one_page(connect(token="another"), "product")
    too_many = await one_page(connect(page_size=251), "product")
    fake.quota.eat(STORE, 150)
    throttled = await one_page(connect(), "product")

    assert isinstance(refused, Unauthorised)
    assert too_many == Malformed("status 413: limit must not exceed 250")
    assert isinstance(throttled, Throttled)
    assert 0 < throttled.retry_in_s <= 30


REPLIES: Sequence[tuple[str, int, object, str]] = [
    ("product", 200, {"data": [{"id": 3}, {"id": 2}], "meta": {"pagination": {"total": 2}}}, "to ascend from 1"),
    ("product", 200, {"data": [{"name": "x"}], "meta": {"pagination": {"total": 1}}}, "an id in every element"),
    ("product", 200, {"data": [], "meta": {"pagination": {"total": 4}}}, "elements in a page"),
    ("product", 200, {"data": {}, "meta": {}}, "an array of objects"),
    ("product", 200, None, "expected JSON"),
    ("product", 204, None, "an array of objects"),
    ("product", 404, {"title": "x"}, "the store's hash"),
    ("customer", 200, {"data": [{"id": 1}, {"id": 2}], "meta": {"pagination": {"total": 9}}}, "end_cursor"),
    ("location", 200, {"data": [{"id": 1}]}, "meta.pagination"),
    ("inventory", 200, {"data": [{"identity": {"variant_id": 2}}]}, "an id in every element"),
]


@pytest.mark.parametrize(("kind", "status", "body", "words"), REPLIES)
async def test_reply_that_is_not_understood_is_no_short_list(
    served: FakeApi, connect: Connect, kind: str, status: int, body: object, words: str
) -> None:
    """What a complete list lacks may be deleted for it, so doubt is a failure; the message says what was expected."""
    lister = connect()
    served.answer(status, b"" if body is None else msgspec.json.encode(body))

    found = await one_page(lister, kind)

    assert isinstance(found, Malformed)
    assert words in found.detail


async def test_store_that_ignores_the_id_is_noticed(served: FakeApi, connect: Connect) -> None:
    """Else the first page would come again and again."""
    served.answer(200, msgspec.json.encode({"data": [{"id": 1}, {"id": 2}], "meta": {"pagination": {"total": 9}}}))
    first = await one_page(connect(), "product")
    assert isinstance(first, Page)

    again = await one_page(connect(), "product", cursor=first.cursor)

    assert isinstance(again, Malformed)


async def test_lagging_index_shows_a_change_in_the_next_window(fake: FakeBigCommerce, connect: Connect) -> None:
    """Lists may be older than reads; windows that overlap by more than the delay have every change."""
    put_products(fake, 1, modified=START - 2 * HOUR)
    fake.clock.set(START)
    fake.faults.search_lag_s = 60.0
    _product_changes(fake, 1)
    overlapping = Window(START - HOUR, START + HOUR)

    missing = await pages(connect(), "product", overlapping)
    fake.clock.advance(120)
    shown = await pages(connect(), "product", overlapping)

    assert (ids(missing), ids(shown)) == ([], ["1"])


async def test_hidden_products_leave_no_trace(fake: FakeBigCommerce, connect: Connect) -> None:
    """A permission that hides half of the products: the list looks complete, so that nothing may be deleted for it alone."""
    put_products(fake, *range(1, 101))
    fake.faults.hidden = {"product": 0.5}

    found = await pages(connect(page_size=50), "product")

    assert 30 < len(ids(found)) < 70
    assert found[-1].total == len(ids(found))


async def test_listing_of_another_provider_is_a_mistake(connect: Connect) -> None:
    """The error names what could have been asked for."""
    lister = connect()
    with pytest.raises(ValueError, match="expected a list of BigCommerce"):
        await lister.page(msgspec.structs.replace(LISTINGS[0], name="events"), EVERYTHING, None)


def test_cursor_is_short(fake: FakeBigCommerce) -> None:
    """It is stored with each page: nothing in it grows with the list."""
    assert len(msgspec.json.encode(Position(after="9" * 18, seen=10**9, total=10**9))) < 100

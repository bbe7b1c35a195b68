"""Tests for providers/shopify/listing.py, lists.py and stock_list.py: the lists of a fake shop, over HTTP on loopback."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from providers.api import Malformed, Throttled, Unauthorised, Unavailable
from providers.http import Limits
from providers.listing import Listed, Page, Window
from providers.shopify.listing import ShopifyLister
from providers.shopify.lists import LISTS
from providers.shopify.queries import INVENTORY_LEVEL
from providers.shopify.selections import MAX_QUERY_COST, SELECTIONS
from simulator.providers.clock import START, Clock
from simulator.providers.faults import Fault
from simulator.providers.shopify.fake import CLIENT, TOKEN, ShopifyFake
from tests.support.builders.provider_failures import FAILURES
from tests.support.processes.fake_api import FakeApi
from tests.support.processes.list_walk import EVERYTHING, ids, listed, listing_of, one_page, pages

HOUR = timedelta(hours=1)
SHOP_ZONE = timezone(timedelta(hours=-5))
AROUND = Window(START - HOUR, START + HOUR)
RESOURCES = [*sorted(name for name, each in LISTS.items() if not each.subject), INVENTORY_LEVEL]
Connect = Callable[..., ShopifyLister]


@pytest.fixture
def fake(served: FakeApi) -> ShopifyFake:
    """Give a fake that is served during the test."""
    shown = ShopifyFake(Clock(START))
    served.show(shown)
    return shown


@pytest.fixture
async def connect(served: FakeApi, fake: ShopifyFake) -> AsyncIterator[Connect]:
    """Give what makes a lister of the fake."""
    made: list[ShopifyLister] = []

    def connected(page_size: int = 2, read_s: float = 20.0, **credentials: Any) -> ShopifyLister:
        given = credentials or {"token": lambda: TOKEN}
        made.append(ShopifyLister(served.url, limits=Limits(read_s=read_s), page_size=page_size, **given))
        return made[-1]

    yield connected
    for lister in made:
        await lister.close()


def put(fake: ShopifyFake, kind: str, number: int, updated: datetime = START) -> str:
    """Put one resource of a kind, its times written in the shop's zone; return its id."""
    written = updated.astimezone(SHOP_ZONE).isoformat()
    if kind == INVENTORY_LEVEL:
        level = {"inventory_item_id": number, "location_id": 7 + number % 2, "updated_at": written, "available": 1}
        fake.put(kind, level)
        return f"{number}:{7 + number % 2}"
    document = {"id": number, "title": f"Number {number}", "created_at": written, "updated_at": written}
    if kind == "variant":
        fake.put("product", document | {"id": number + 500, "variants": [document]})
    else:
        fake.put(kind, document)
    return str(number)


@pytest.mark.parametrize("kind", RESOURCES)
@pytest.mark.parametrize("count", [0, 1, 2, 5, 6])
async def test_every_list_shows_all_resources_once(fake: ShopifyFake, connect: Connect, kind: str, count: int) -> None:
    """Also when the last page is full, and when there is nothing."""
    expected = [put(fake, kind, number) for number in range(1, count + 1)]

    found = await pages(connect(), kind)

    assert sorted(ids(found)) == sorted(expected)
    assert {(each.resource_type, each.version) for each in listed(found)} <= {(kind, START)}


def test_what_can_be_read_is_listed(fake: ShopifyFake) -> None:
    """No resource type that hydration reads is without a list; a list's page never costs more than a query may."""
    lister = ShopifyLister("http://127.0.0.1:1", lambda: TOKEN)

    assert {each.resource_type for each in lister.listings} == set(SELECTIONS)
    assert all(250 < each.cost < MAX_QUERY_COST for each in lister.listings)


async def test_page_tells_what_it_cost(fake: ShopifyFake, connect: Connect) -> None:
    """At most what the listing says, in one request; the bucket is that of the reply."""
    put(fake, "product", 1)
    lister = connect(250)

    page = await one_page(lister, "product")

    assert isinstance(page, Page)
    assert page.listed == (Listed("product", "1", START),)
    assert 0 < page.cost <= listing_of(lister, "product").cost
    assert page.quota is not None
    assert page.quota.left == 2_000 - page.cost
    assert (page.requests, page.total, len(fake.queries)) == (1, None, 1)


@pytest.mark.parametrize("kind", RESOURCES)
async def test_window_has_its_beginning_and_not_its_end(fake: ShopifyFake, connect: Connect, kind: str) -> None:
    """Two windows that touch show each resource once, fractions of a second notwithstanding."""
    times = [START + timedelta(seconds=each) for each in (-1, 0, 1, 2, 3)]
    expected = [put(fake, kind, number, time) for number, time in enumerate(times, 1)]
    middle = START + timedelta(seconds=2, milliseconds=400)

    first = await pages(connect(), kind, Window(START + timedelta(milliseconds=300), middle))
    second = await pages(connect(), kind, Window(middle, START + HOUR))

    assert sorted(ids(first)) == expected[1:3]
    assert sorted(ids(second)) == expected[3:]


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=9))])
async def test_times_are_sent_with_their_zone(fake: ShopifyFake, connect: Connect, zone: timezone) -> None:
    """The shop is in another zone: what a time without one means there must not matter."""
    put(fake, "product", 1)
    window = Window((START - HOUR).astimezone(zone), (START + HOUR).astimezone(zone))

    assert ids(await pages(connect(), "product", window)) == ["1"]
    with pytest.raises(ValueError, match="expected a time with a zone"):
        await pages(connect(), "product", Window(START.replace(tzinfo=None), START))


@pytest.mark.parametrize("is_deleted", [False, True])
@pytest.mark.parametrize("window", [AROUND, EVERYTHING])
async def test_nothing_is_passed_over_while_others_change(
    fake: ShopifyFake, connect: Connect, is_deleted: bool, window: Window
) -> None:
    """What was listed changes or goes between two pages: all that were there are listed, each once."""
    for number in range(1, 9):
        put(fake, "product", number)

    def between(page: int) -> None:
        fake.delete("product", str(page)) if is_deleted else put(fake, "product", page, START + 2 * HOUR)

    found = await pages(connect(), "product", window, between=between)

    assert ids(found) == [str(number) for number in range(1, 9)]


async def test_deletions_are_listed_from_the_log(fake: ShopifyFake, connect: Connect) -> None:
    """With the time at which they happened, those of the window alone, and no other event."""
    for number in range(1, 8):
        put(fake, "product", number)
    put(fake, "order", 1)
    fake.delete("order", "1")
    for minute, gone in enumerate(("3", "1", "5", "7")):
        fake.clock.set(START + timedelta(minutes=minute))
        fake.delete("product", gone)
    lister = connect()

    found = await pages(lister, "product_deletions", Window(START + timedelta(minutes=1), START + HOUR))
    everything = await pages(lister, "product_deletions")
    orders = await pages(lister, "order_deletions", AROUND)

    minutes = [START + timedelta(minutes=each) for each in (1, 2, 3)]
    expected = [
        Listed("product", number, None, is_deleted=True, at=time) for number, time in zip("157", minutes, strict=True)
    ]
    assert listed(found) == expected
    assert ids(everything) == ["3", "1", "5", "7"]
    assert ids(orders) == ["1"]
    listing = listing_of(lister, "product_deletions")
    assert (listing.has_deletions, listing.coverage, listing.days) == (True, "changes", 365)


async def test_orders_are_no_complete_list(connect: Connect) -> None:
    """Older ones are hidden from most tokens, so that an absent order is not a deleted one."""
    lister = connect()
    assert (listing_of(lister, "order").coverage, listing_of(lister, "order").days) == ("changes", 60)
    assert listing_of(lister, "product").coverage == "complete"


async def test_another_client_goes_on_from_a_cursor(fake: ShopifyFake, connect: Connect) -> None:
    """A cursor is all that the next worker needs, with pages of another size too."""
    for kind in RESOURCES:
        expected = [put(fake, kind, number) for number in range(1, 7)]
        first = await one_page(connect(), kind)
        assert isinstance(first, Page)

        rest = await pages(connect(page_size=3), kind, cursor=first.cursor)

        assert set(expected) <= set(ids([first, *rest])), kind
        assert len(set(ids([first, *rest]))) == len(ids([first, *rest])), kind


@pytest.mark.parametrize("kind", ["product", "product_deletions", INVENTORY_LEVEL])
@pytest.mark.parametrize("cursor", ["", "x", "[]", "1 OR id:>0"])
async def test_foreign_cursor_is_a_value(fake: ShopifyFake, connect: Connect, kind: str, cursor: str) -> None:
    """It is never taken for the beginning, and no part of a search."""
    found = await one_page(connect(), kind, cursor=cursor)

    assert isinstance(found, Malformed)
    assert not fake.queries


@pytest.mark.parametrize(("fault", "expected"), FAILURES)
@pytest.mark.parametrize("kind", ["product", INVENTORY_LEVEL])
async def test_fault_half_way_is_a_value_and_the_page_can_be_had_again(
    fake: ShopifyFake, connect: Connect, fault: Fault, expected: type, kind: str
) -> None:
    """A list that fails is never a short one."""
    put_ids = [put(fake, kind, number) for number in range(1, 6)]
    first = await one_page(connect(), kind)
    assert isinstance(first, Page)
    fake.faults.next(fault)

    failed = await one_page(connect(read_s=0.2 if fault == "stall" else 20.0), kind, cursor=first.cursor)
    rest = await pages(connect(), kind, cursor=first.cursor)

    assert isinstance(failed, expected)
    assert sorted(ids([first, *rest])) == sorted(put_ids)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("THROTTLED", Throttled),
        ("ACCESS_DENIED", Unauthorised),
        ("INTERNAL_SERVER_ERROR", Unavailable),
        ("undefinedField", Malformed),
    ],
)
@pytest.mark.parametrize("path", [(), ("products",)])
async def test_errors_within_status_200_are_values(
    fake: ShopifyFake, connect: Connect, code: str, expected: type, path: tuple[str, ...]
) -> None:
    """A null beside an error is no empty list."""
    put(fake, "product", 1)
    fake.tell(code, *path)

    found = await one_page(connect(), "product")

    assert isinstance(found, expected)


async def test_empty_bucket_tells_how_long_it_fills(fake: ShopifyFake, connect: Connect) -> None:
    """In the time that the reply's own figures give, at 100 points a second; the listing's cost is never below them."""
    fake.bucket.take(2_000)
    lister = connect(250)

    found = await one_page(lister, "product")

    assert isinstance(found, Throttled)
    assert 2.5 < found.retry_in_s <= listing_of(lister, "product").cost / 100


async def test_expired_token_is_renewed_once(fake: ShopifyFake, connect: Connect) -> None:
    """Also in the middle of a list; a token that cannot be renewed is refused for good."""
    for number in range(1, 4):
        put(fake, "product", number)
    renewing = connect(client_credentials=lambda: CLIENT)

    def between(_: int) -> None:
        fake.faults.has_expired_token = True

    found = await pages(renewing, "product", between=between)
    fake.faults.has_expired_token = True
    refused = await one_page(connect(), "product")

    assert ids(found) == ["1", "2", "3"]
    assert fake.tokens_made == 2
    assert isinstance(refused, Unauthorised)


async def test_page_that_is_too_long_is_refused(connect: Connect) -> None:
    """Shopify's arrays have 250 elements at most."""
    assert isinstance(await one_page(connect(page_size=251), "product"), Malformed)


_NODE = {"id": "gid://shopify/Product/3", "updatedAt": "2026-11-02T09:00:00Z"}
_INFO = {"hasNextPage": True, "endCursor": "x"}
REPLIES: Sequence[tuple[str, object, str]] = [
    ("product", {"products": None}, "got null"),
    ("product", {"products": {"nodes": [_NODE]}}, "pageInfo"),
    ("product", {"products": {"nodes": [None], "pageInfo": _INFO}}, "expected nodes"),
    ("product", {"products": {"nodes": [{"updatedAt": "x"}], "pageInfo": _INFO}}, "a gid with a number"),
    ("product", {"products": {"nodes": [_NODE, _NODE], "pageInfo": _INFO}}, "to ascend from 1"),
    ("product", {"products": {"nodes": [], "pageInfo": _INFO}}, "nodes in a page"),
    (
        "product_deletions",
        {"events": {"nodes": [_NODE | {"action": "destroy", "subjectType": "PRODUCT"}], "pageInfo": _INFO}},
        "subjectId",
    ),
    (INVENTORY_LEVEL, {"locations": {"nodes": [{"legacyResourceId": "1"}], "pageInfo": _INFO}}, "inventoryLevels"),
    (
        INVENTORY_LEVEL,
        {"locations": {"nodes": [{"inventoryLevels": {"nodes": [], "pageInfo": {}}}], "pageInfo": _INFO}},
        "pageInfo",
    ),
]


@pytest.mark.parametrize(("kind", "data", "words"), REPLIES)
async def test_reply_that_is_not_understood_is_no_short_list(
    served: FakeApi, connect: Connect, kind: str, data: object, words: str
) -> None:
    """What a complete list lacks may be deleted for it, so doubt is a failure; the message says what was expected."""
    lister = connect()
    served.answer(200, msgspec.json.encode({"data": data}))

    found = await one_page(lister, kind)

    assert isinstance(found, Malformed)
    assert words in found.detail


async def test_search_that_is_ignored_is_noticed(served: FakeApi, connect: Connect) -> None:
    """Shopify ignores terms that it does not know: the first page would come again and again, with changes of other times."""
    reply = {"data": {"products": {"nodes": [_NODE], "pageInfo": _INFO}}}
    served.answer(200, msgspec.json.encode(reply))

    again = await one_page(connect(), "product", cursor="3")
    other_times = await one_page(connect(), "product", Window(START + HOUR, START + 2 * HOUR))

    assert isinstance(again, Malformed)
    assert other_times == Page((), "3", cost=0.0)


async def test_lagging_index_shows_a_change_in_the_next_window(fake: ShopifyFake, connect: Connect) -> None:
    """Lists may be older than reads; windows that overlap by more than the delay have every change."""
    fake.faults.search_lag_s = 60.0
    put(fake, "product", 1)

    missing = await pages(connect(), "product", AROUND)
    fake.clock.advance(120)
    shown = await pages(connect(), "product", AROUND)

    assert (ids(missing), ids(shown)) == ([], ["1"])


async def test_hidden_products_leave_no_trace(fake: ShopifyFake, connect: Connect) -> None:
    """A permission that hides half of the products: the list looks complete, so that nothing may be deleted for it alone."""
    for number in range(1, 101):
        put(fake, "product", number)
    fake.faults.hidden = {"product": 0.5}

    found = await pages(connect(page_size=50), "product")

    assert 30 < len(ids(found)) < 70


async def test_listing_of_another_provider_is_a_mistake(connect: Connect) -> None:
    """The error names what could have been asked for."""
    lister = connect()
    with pytest.raises(ValueError, match="expected a list of Shopify"):
        await lister.page(msgspec.structs.replace(lister.listings[0], name="issues"), EVERYTHING, None)

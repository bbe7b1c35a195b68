"""Shopify's client against the fake of its API, over HTTP on loopback."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from config.problems import ConfigurationError, Problem
from providers.api import Checked, Fetched, Malformed, NotFound, Quota, Throttled, Unauthorised, Unavailable, Wanted
from providers.http import Limits
from providers.shopify import api, pages
from providers.shopify.api import ShopifyApi
from providers.shopify.endpoint import API_VERSION
from providers.shopify.queries import page_cost
from schemas.records import Document
from simulator.providers.faults import Fault
from simulator.providers.shopify.bucket import Bucket
from simulator.providers.shopify.fake import CLIENT, TOKEN, ShopifyFake
from tests.support.builders.provider_failures import FAILURES
from tests.support.processes.fake_api import FakeApi

TIME = "2026-01-31T07:00:00-05:00"
UTC_TIME = "2026-01-31T12:00:00Z"
PRODUCT = Wanted("product", "7")
Connect = Callable[..., ShopifyApi]


@pytest.fixture
def fake(served: FakeApi) -> ShopifyFake:
    """Give a fake that is served during the test."""
    shown = ShopifyFake()
    served.show(shown)
    return shown


@pytest.fixture
async def connect(served: FakeApi, fake: ShopifyFake) -> AsyncIterator[Connect]:
    """Give what makes a client of the fake."""
    clients: list[ShopifyApi] = []

    def connected(read_s: float = 5.0, **credentials: Any) -> ShopifyApi:
        given = credentials or {"token": lambda: TOKEN}
        clients.append(ShopifyApi(served.url, limits=Limits(read_s=read_s), **given))
        return clients[-1]

    yield connected
    for client in clients:
        await client.close()


async def test_batch_is_one_query(fake: ShopifyFake, connect: Connect) -> None:
    """What is there is fetched in the webhook's shape, what is gone is not found, in one request at its cost."""
    fake.put("product", _product(7, 2))
    fake.put("product", _product(8, 0))
    client, wanted = connect(), [PRODUCT, Wanted("product", "9"), Wanted("product", "8")]

    reply = await client.read(wanted)

    fetched = reply.results[PRODUCT]
    assert isinstance(fetched, Fetched)
    assert (fetched.document["id"], fetched.document["tags"], fetched.api_version) == (7, "a, b", API_VERSION)
    assert [variant["price"] for variant in fetched.document["variants"]] == ["19.90", "19.90"]
    assert reply.results[wanted[1]] == NotFound()
    assert isinstance(reply.results[wanted[2]], Fetched)
    assert (reply.requests, len(fake.queries)) == (1, 1)
    assert reply.quota == Quota(2_000, 2_000 - reply.cost, restored_per_s=100)
    assert 0 < reply.cost < client.cost_of(wanted) <= 1_000


async def test_batches_fit_into_a_query(connect: Connect) -> None:
    """A batch has one type and version, and the cost of one query; what does not fit is left for the next."""
    client = connect()
    products = [Wanted("product", str(number)) for number in range(100)]
    waiting = [products[0], Wanted("order", "1"), *products[1:], Wanted("product", "1", api_version="2025-10")]

    batch = client.batch(waiting)

    assert batch == products[: len(batch)]
    assert 10 < len(batch) < 100
    assert client.cost_of(batch) <= 1_000 < client.cost_of(products[: len(batch) + 1])
    assert client.batch(waiting[1:]) == [waiting[1]]
    assert client.batch([]) == ()
    assert client.batch([Wanted("theme", "1"), Wanted("theme", "2")]) == [Wanted("theme", "1")]


@pytest.mark.parametrize("resource_type", ["product", "variant", "customer", "order", "collection", "inventory_item"])
async def test_full_batch_is_not_too_expensive(fake: ShopifyFake, connect: Connect, resource_type: str) -> None:
    """The provider counts no more than the client does, so that no batch is refused for its cost."""
    client = connect()
    batch = client.batch([Wanted(resource_type, str(number)) for number in range(1, 400)])

    reply = await client.read(batch)

    assert set(reply.results.values()) == {NotFound()}
    assert fake.bucket.refused == 0


async def test_version_is_that_of_the_answer(fake: ShopifyFake, connect: Connect) -> None:
    """A delivery's version is asked for; one that is no longer supported is answered by another, without a word."""
    fake.put("product", _product(7, 1))
    client = connect()
    versions = ("2026-04", "2024-01", None)

    results = [await _read(client, Wanted("product", "7", api_version=version)) for version in versions]

    assert [result.api_version for result in results] == ["2026-04", "2025-10", API_VERSION]


@pytest.mark.parametrize("count", [19, 20, 21, 250])
async def test_all_variants_are_read(fake: ShopifyFake, connect: Connect, count: int) -> None:
    """Each variant comes once, in order, with the gids of all."""
    fake.put("product", _product(7, count))

    reply = await connect().read([PRODUCT])

    fetched = reply.results[PRODUCT]
    assert isinstance(fetched, Fetched)
    assert [variant["id"] for variant in fetched.document["variants"]] == list(range(1, count + 1))
    assert len(fetched.document["variant_gids"]) == count
    assert reply.requests == len(fake.queries) == 1 + -(-max(count - 20, 0) // 200)


async def test_product_larger_than_the_bucket_is_read_in_turns(fake: ShopifyFake, connect: Connect) -> None:
    """Where the bucket runs dry, the pages so far are kept; the next read goes on there, at the time that was told."""
    fake.bucket = Bucket(fake.clock.now, 1_000, 50)
    fake.put("product", _product(7, 650))
    client, turns, result = connect(), 0, None

    while not isinstance(result := await _read(client, PRODUCT), Fetched):
        assert isinstance(result, Throttled)
        fake.clock.advance(result.retry_in_s)
        turns += 1
        assert client.batch([PRODUCT, Wanted("product", "8")]) == [PRODUCT]
        assert client.cost_of([PRODUCT]) == page_cost("product")

    assert len(result.document["variants"]) == 650
    assert turns == 3
    assert (len(fake.queries), fake.bucket.refused) == (5, 0)


async def test_pages_of_two_states_are_not_mixed(fake: ShopifyFake, connect: Connect) -> None:
    """A product that changes while its pages are read is read anew."""
    fake.bucket = Bucket(fake.clock.now, 1_000, 50)
    fake.put("product", _product(7, 650))
    client = connect()
    throttled = await _read(client, PRODUCT)
    fake.put("product", _product(7, 30) | {"updated_at": "2026-01-31T08:00:00-05:00"})
    fake.clock.advance(20)

    changed = await _read(client, PRODUCT)
    anew = await _read(client, PRODUCT)

    assert isinstance(throttled, Throttled)
    assert changed == Unavailable("the product changed while its pages were read", 1.0)
    assert isinstance(anew, Fetched)
    assert len(anew.document["variants"]) == 30


async def test_kept_pages_are_bounded(fake: ShopifyFake, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many unfinished products only the newest are kept, and a connection without end is cut, not shown as whole."""
    monkeypatch.setattr(api, "MAX_UNFINISHED", 1)
    monkeypatch.setattr(pages, "MAX_PAGES", 1)
    fake.bucket = Bucket(fake.clock.now, 1_000, 50)
    fake.put("product", _product(7, 250))
    client = connect()

    cut = await _read(client, PRODUCT)

    assert isinstance(cut, Fetched)
    assert "variants" not in cut.document
    monkeypatch.setattr(pages, "MAX_PAGES", 40)
    for number in (7, 8):
        fake.put("product", _product(number, 650))
        fake.clock.advance(20)
        assert isinstance(await _read(client, Wanted("product", str(number))), Throttled)
    assert client.cost_of([PRODUCT]) != page_cost("product")
    assert client.cost_of([Wanted("product", "8")]) == page_cost("product")


async def test_inventory_level_is_read_by_item_and_location(fake: ShopifyFake, connect: Connect) -> None:
    """Both ids name it; it is gone when either is, or when the item is no longer stocked there."""
    fake.put("inventory_item", {"id": 5, "updated_at": TIME})
    fake.put("inventory_level", {"inventory_item_id": 5, "location_id": 7, "available": -2, "updated_at": TIME})
    wanted = [Wanted("inventory_level", name) for name in ("5:7", "5:8", "6:7")]

    reply = await connect().read(wanted)

    assert reply.results[wanted[0]] == Fetched(
        {
            "admin_graphql_api_id": "gid://shopify/InventoryLevel/7?inventory_item_id=5",
            "updated_at": UTC_TIME,
            "available": -2,
            "inventory_item_id": 5,
            "location_id": 7,
        },
        API_VERSION,
    )
    assert [reply.results[each] for each in wanted[1:]] == [NotFound(), NotFound()]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("THROTTLED", Throttled),
        ("ACCESS_DENIED", Unauthorised),
        ("INTERNAL_SERVER_ERROR", Unavailable),
        ("undefinedField", Malformed),
    ],
)
async def test_errors_within_status_200_are_values(
    fake: ShopifyFake, connect: Connect, code: str, expected: type
) -> None:
    """Each code means what a status would; the null beside it is no missing product."""
    fake.put("product", _product(7, 1))
    client = connect()

    fake.tell(code)
    assert isinstance(await _read(client, PRODUCT), expected)
    assert isinstance(await _read(client, PRODUCT), Fetched)


async def test_error_of_one_node_spares_the_others(fake: ShopifyFake, connect: Connect) -> None:
    """An error with a node's path concerns that node; one of a field in it makes the whole node unknown."""
    fake.put("product", _product(7, 1))
    fake.put("product", _product(8, 1))
    client, wanted = connect(), [PRODUCT, Wanted("product", "8")]

    fake.tell("INTERNAL_SERVER_ERROR", "nodes", 1)
    of_a_node = await client.read(wanted)
    fake.tell("ACCESS_DENIED", "nodes", 0, "variants")
    of_a_field = await client.read(wanted)

    assert isinstance(of_a_node.results[wanted[0]], Fetched)
    assert isinstance(of_a_node.results[wanted[1]], Unavailable)
    assert isinstance(of_a_field.results[wanted[0]], Unauthorised)
    assert isinstance(of_a_field.results[wanted[1]], Fetched)


async def test_empty_bucket_tells_how_long_it_fills(fake: ShopifyFake, connect: Connect) -> None:
    """What a refused query needs, less what is there, at the bucket's rate."""
    fake.put("product", _product(7, 1))
    fake.bucket.take(1_990)
    client = connect()

    throttled = await client.read([PRODUCT])

    result = throttled.results[PRODUCT]
    assert isinstance(result, Throttled)
    assert result == Throttled((client.cost_of([PRODUCT]) - 10) / 100, "THROTTLED")
    assert (throttled.cost, throttled.quota) == (0, Quota(2_000, 10, restored_per_s=100))
    fake.clock.advance(result.retry_in_s)
    assert isinstance(await _read(client, PRODUCT), Fetched)


@pytest.mark.parametrize(("fault", "expected"), FAILURES)
async def test_faults_are_values(fake: ShopifyFake, connect: Connect, fault: Fault, expected: type) -> None:
    """Nothing is raised, and the next read succeeds."""
    fake.put("product", _product(7, 1))
    fake.faults.next(fault)
    client = connect(read_s=0.2)

    assert isinstance(await _read(client, PRODUCT), expected)
    assert isinstance(await _read(client, PRODUCT), Fetched)


async def test_expired_token_is_renewed_once(fake: ShopifyFake, connect: Connect) -> None:
    """Client credentials bring a token at the first read and after each expiry."""
    fake.put("product", _product(7, 1))
    client = connect(client_credentials=lambda: CLIENT)

    first = await _read(client, PRODUCT)
    fake.faults.has_expired_token = True
    second = await _read(client, PRODUCT)

    assert isinstance(first, Fetched)
    assert second == first
    assert fake.tokens_made == 2


async def test_refused_credentials_are_unauthorised(fake: ShopifyFake, connect: Connect) -> None:
    """A wrong secret, a file that is gone, a static token that has expired; none of them is shown."""

    def gone() -> tuple[str, str]:
        raise ConfigurationError([Problem("", "file:secret", "expected a file")])

    wrong = connect(client_credentials=lambda: ("client-id", "wrong-secret"))
    fake.faults.has_expired_token = True
    static = connect()
    results = [await _read(client, PRODUCT) for client in (wrong, connect(client_credentials=gone), static)]

    assert [type(result) for result in results] == [Unauthorised] * 3
    assert not any(secret in repr(results) + repr(wrong) for secret in ("wrong-secret", TOKEN))
    assert fake.tokens_made == 0


async def test_resources_that_no_query_can_name_are_malformed(fake: ShopifyFake, connect: Connect) -> None:
    """One bad id must not fail the query of the others."""
    fake.put("product", _product(7, 1))
    client, named = connect(), Wanted("product", "delivery-1")

    reply = await client.read([named, PRODUCT])
    theme = await client.read([Wanted("theme", "1")])

    assert reply.results[named] == Malformed("expected the id of a product to be digits")
    assert isinstance(reply.results[PRODUCT], Fetched)
    assert isinstance(theme.results[Wanted("theme", "1")], Malformed)
    assert theme.requests == 0


async def test_mixed_batch_is_a_mistake(connect: Connect) -> None:
    """An order must not be read as a product."""
    with pytest.raises(ValueError, match="one resource type"):
        await connect().read([PRODUCT, Wanted("order", "7")])


async def test_check_says_what_the_token_is_good_for(fake: ShopifyFake, connect: Connect) -> None:
    """One cheap query tells the shop, the quota, and the rights that are missing."""
    client = connect()

    assert await client.check() == Checked(
        "token works for example.myshopify.com, quota 100 points per s, 2000 at once",
        Quota(2_000, 1_994, restored_per_s=100),
    )
    fake.scopes = ["write_products", "read_inventory"]
    checked = await client.check()
    assert isinstance(checked, Checked)
    assert checked.sentence.endswith("; it lacks read_customers, read_orders")
    fake.token = "another"
    assert await client.check() == Unauthorised("status 401")


async def _read(client: ShopifyApi, wanted: Wanted) -> Any:
    return (await client.read([wanted])).results[wanted]


def _product(number: int, variants: int) -> Document:
    return {
        "id": number,
        "title": "A",
        "tags": "a, b",
        "status": "active",
        "updated_at": TIME,
        "options": [{"id": 3, "product_id": number, "name": "Size", "position": 1, "values": ["S"]}],
        "variants": [
            {
                "id": each,
                "product_id": number,
                "price": "19.90",
                "option1": "S",
                "updated_at": TIME,
                "inventory_item_id": each,
            }
            for each in range(1, variants + 1)
        ],
    }

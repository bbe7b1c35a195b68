"""Tests for providers/bigcommerce/api.py: the client against a fake store over HTTP."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from providers.api import (
    Api,
    Checked,
    Fetched,
    Malformed,
    NotFound,
    Quota,
    Read,
    Throttled,
    Unauthorised,
    Unavailable,
    Wanted,
)
from providers.bigcommerce.api import MAX_IDS_CHARS, BigCommerceApi
from providers.http import BaseUrlError, Limits
from schemas.codec import document_json
from schemas.records import Document
from simulator.providers.bigcommerce import documents
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.bigcommerce.routes import bigcommerce_app
from simulator.providers.clock import START, Clock
from simulator.providers.faults import Faults
from simulator.providers.serving import Server, serving

STORE, TOKEN = "k3v9x2", "made-up-token-of-this-test"
CART = "5f0e7c7a-2f6d-4c55-9a51-0c2f6a1d9e33"
FAULTS = Faults()


class Current:
    """The app of the running test: starting a server takes longer than most tests."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the current app does."""
        await self.app(scope, receive, send)


CURRENT = Current()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Give one server for all tests; each has a fake of its own behind it."""
    with serving(CURRENT, FAULTS) as running:
        yield running


@pytest.fixture
def fake(server: Server) -> FakeBigCommerce:
    """Give a fake with one empty store."""
    FAULTS.heal()
    made = FakeBigCommerce(Clock(START), faults=FAULTS)
    made.add_store(STORE, TOKEN)
    CURRENT.app = bigcommerce_app(made)
    return made


@pytest.fixture
async def api(server: Server, fake: FakeBigCommerce) -> AsyncIterator[BigCommerceApi]:
    """Give a client of the store."""
    made = BigCommerceApi(STORE, lambda: TOKEN, server.url, Limits(read_s=0.3, total_s=5.0))
    yield made
    await made.close()


def products(*ids: int | str) -> list[Wanted]:
    """Return wanted products."""
    return [Wanted("product", str(one)) for one in ids]


async def read_one(api: BigCommerceApi, wanted: Wanted) -> Read:
    """Return what became of one wanted resource."""
    return (await api.read([wanted])).results[wanted]


async def test_products_are_read_in_one_request(api: BigCommerceApi, fake: FakeBigCommerce) -> None:
    """A batch costs one request; what is not in the list is gone; documents have variants and exact numbers."""
    for number in range(1, 121):
        fake.put(STORE, "product", documents.product(number, START, variants=3))
    wanted = products(*range(1, 80), 5_000)

    reply = await api.read(api.batch(wanted))

    assert len(reply.results) == 80
    assert reply.results[Wanted("product", "5000")] == NotFound()
    assert (reply.requests, reply.cost) == (1, 1.0)
    assert reply.quota == Quota(150, 149, 30.0)
    found = reply.results[Wanted("product", "7")]
    assert isinstance(found, Fetched)
    assert found.document["price"] == Decimal("49.90")
    assert [variant["id"] for variant in found.document["variants"]] == [7000, 7001, 7002]
    assert found.document["images"]
    assert found.document["custom_fields"]


async def test_order_has_its_products_and_addresses(api: BigCommerceApi, fake: FakeBigCommerce) -> None:
    """Of V2's links the lists are read, in all their pages, and take the links' place."""
    stored = documents.order(480, START, lines=501)
    fake.put(STORE, "order", stored)
    wanted = Wanted("order", "480")

    reply = await api.read(api.batch([wanted, Wanted("order", "481")]))

    assert reply.results == {wanted: Fetched(stored)}
    assert reply.requests == 5  # the order, three pages of products, one of addresses
    assert api.cost_of([wanted]) == 3.0


@pytest.mark.parametrize("lines", [0, 250])
async def test_list_of_an_order_ends_without_a_body(api: BigCommerceApi, fake: FakeBigCommerce, lines: int) -> None:
    """V2 answers 204 for an empty list, and for the page after a full one."""
    fake.put(STORE, "order", documents.order(480, START, lines))

    found = await read_one(api, Wanted("order", "480"))

    assert isinstance(found, Fetched)
    assert len(found.document["products"]) == lines


CASES: Sequence[tuple[str, Document, str | None, Wanted]] = [
    ("cart", documents.cart(CART, START), None, Wanted("cart", CART)),
    ("category", documents.category(23), None, Wanted("category", "23")),
    ("customer", documents.customer(75, START), None, Wanted("customer", "75")),
    ("customer_address", documents.customer_address(118, 75), None, Wanted("customer_address", "118")),
    ("inventory", documents.inventory(311, 2, 9), "311:311002:1", Wanted("inventory", "311:311002:1")),
    ("location", documents.location(1), None, Wanted("location", "1")),
    ("shipment", documents.shipment(31, 480, START), None, Wanted("shipment", "31", context="480")),
]


@pytest.mark.parametrize(("kind", "document", "resource_id", "wanted"), CASES, ids=[case[0] for case in CASES])
async def test_resource_is_read_as_stored(
    api: BigCommerceApi, fake: FakeBigCommerce, kind: str, document: Document, resource_id: str | None, wanted: Wanted
) -> None:
    """Each of the three envelopes brings the document alone; an id that is not there is not found."""
    missing = {
        "cart": Wanted("cart", CART.replace("5", "6")),
        "inventory": Wanted("inventory", "311:311009:1"),
        "shipment": Wanted("shipment", "32", context="480"),
    }.get(kind, Wanted(kind, "4711"))
    if kind == "inventory":
        fake.put(STORE, "location", documents.location(1))
    fake.put(STORE, kind, document, resource_id)

    assert await read_one(api, wanted) == Fetched(document)
    assert await read_one(api, missing) == NotFound()


async def test_store_is_read(api: BigCommerceApi) -> None:
    """The store's own information."""
    assert await read_one(api, Wanted("store", STORE)) == Fetched(documents.store(STORE))


def test_batch_takes_what_one_request_can_read(api: BigCommerceApi) -> None:
    """Only of the first one's type, in order, up to the size of a page; orders one by one; stock by location."""
    mixed = [*products(1), Wanted("order", "2"), *products(3), Wanted("category", "4"), *products(5)]

    assert api.batch(mixed) == products(1, 3, 5)
    assert api.batch(mixed[1:]) == [Wanted("order", "2")]
    assert api.batch(products(*range(300))) == products(*range(100))
    assert len(api.batch([Wanted("customer", str(number)) for number in range(300)])) == 250
    stock = [Wanted("inventory", f"1:{variant}:{location}") for variant in (10, 11) for location in (1, 2)]
    assert api.batch(stock) == [stock[0], stock[2]]


def test_batch_keeps_the_url_short(api: BigCommerceApi) -> None:
    """Long ids make a smaller batch."""
    long_ids = [Wanted("customer", str(10**17 + number)) for number in range(300)]

    batch = api.batch(long_ids)

    assert 200 < len(batch) < 250
    assert len(",".join(wanted.resource_id for wanted in batch)) <= MAX_IDS_CHARS


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted("price_list", "1"),
        Wanted("product", "1,2"),
        Wanted("product", "msg_2a"),
        Wanted("shipment", "31"),
        Wanted("inventory", "msg_2a"),
        Wanted("inventory", "1::2"),
    ],
)
async def test_what_cannot_be_read_costs_nothing(api: BigCommerceApi, fake: FakeBigCommerce, wanted: Wanted) -> None:
    """A type without a way to read it, and an id that is none."""
    reply = await api.read(api.batch([wanted, *products(1)]))

    assert reply.results == {wanted: Malformed("expected a resource that BigCommerce's API can read by its id")}
    assert (reply.requests, api.cost_of([wanted])) == (0, 0.0)
    assert not fake.seen


async def test_id_is_one_step_of_the_path(api: BigCommerceApi, fake: FakeBigCommerce) -> None:
    """An id of a forger cannot lead to another resource."""
    fake.put(STORE, "order", documents.order(480, START))

    assert await read_one(api, Wanted("cart", "../orders/480")) == NotFound()
    assert await read_one(api, Wanted("order", "480?x=")) == NotFound()


async def test_used_up_quota_is_throttled_until_the_window_ends(api: BigCommerceApi, fake: FakeBigCommerce) -> None:
    """The status counts, not the headers' number; the wait is what is left of the window."""
    fake.put(STORE, "product", documents.product(1, START))
    fake.quota.eat(STORE, 149)
    fake.clock.advance(12)

    last = await api.read(products(1))
    reply = await api.read(products(1))

    assert last.quota == Quota(150, 0, 18.0)
    assert reply.results == {Wanted("product", "1"): Throttled(18.0, "status 429: You have exceeded the rate limit.")}
    assert reply.quota == Quota(150, 0.0, 18.0)
    assert fake.quota.refused(STORE) == 1


async def test_throttling_without_headers_waits_for_a_window(api: BigCommerceApi) -> None:
    """The platform is busy: nothing is known of the quota."""
    FAULTS.next("throttled")

    reply = await api.read(products(1))

    assert reply.results == {Wanted("product", "1"): Throttled(30.0, "status 429: Too many requests.")}
    assert reply.quota is None


@pytest.mark.parametrize(
    ("fault", "wanted", "expected"),
    [
        ("error", Wanted("product", "1"), Unavailable("status 500: Internal error.")),
        ("error", Wanted("order", "1"), Unavailable("status 500: Internal error.")),
        ("unavailable", Wanted("order", "1"), Unavailable("status 503: Service unavailable.")),
        ("stall", Wanted("product", "1"), Unavailable("no answer for 0.3 s")),
    ],
)
async def test_fault_is_a_value(api: BigCommerceApi, fault: str, wanted: Wanted, expected: Read) -> None:
    """Errors of V3 (an object) and V2 (an array) are read alike; the next request works."""
    FAULTS.next(fault)  # type: ignore[arg-type]  # one of the literal's values

    assert await read_one(api, wanted) == expected
    assert await read_one(api, wanted) == NotFound()


@pytest.mark.parametrize("fault", ["reset", "torn"])
async def test_cut_answer_is_unavailable(api: BigCommerceApi, fake: FakeBigCommerce, fault: str) -> None:
    """Half a list is no list: what is missing in it is not gone."""
    fake.put(STORE, "product", documents.product(1, START))
    FAULTS.next(fault)  # type: ignore[arg-type]  # one of the literal's values

    assert isinstance(await read_one(api, Wanted("product", "1")), Unavailable)


async def test_part_that_fails_fails_the_order(api: BigCommerceApi, fake: FakeBigCommerce) -> None:
    """An order without its products would be a change that did not happen."""
    fake.put(STORE, "order", documents.order(480, START))
    FAULTS.next(None, None, "error")

    reply = await api.read([Wanted("order", "480")])

    assert reply.results == {Wanted("order", "480"): Unavailable("status 500: Internal error.")}
    assert reply.requests == 3


def listed(*ids: int, pages: int = 1) -> Document:
    """Return a reply of V3 with these products, as the first of so many pages."""
    return {"data": [{"id": one} for one in ids], "meta": {"pagination": {"total_pages": pages}}}


def answering(answer: Callable[[Request], object]) -> None:
    """Let a function answer from now on: a JSON value, or a whole response."""

    async def respond(request: Request) -> Response:
        value = answer(request)
        return value if isinstance(value, Response) else Response(document_json(value))

    CURRENT.app = Starlette(routes=[Route("/{path:path}", respond)])


async def test_server_with_shorter_pages_is_read_to_the_end(api: BigCommerceApi, fake: FakeBigCommerce) -> None:
    """A page may be shorter than asked for; what stands on the next is there, what stands on none is not."""
    answering(lambda request: listed(int(request.query_params["page"]), pages=3))

    reply = await api.read(products(1, 2, 3, 4))

    assert [isinstance(result, Fetched) for result in reply.results.values()] == [True, True, True, False]
    assert reply.results[Wanted("product", "4")] == NotFound()
    assert reply.requests == 3


async def test_list_without_end_ends(api: BigCommerceApi, fake: FakeBigCommerce) -> None:
    """A server that promises ever more pages is not believed; what it showed is read, what it did not is not gone."""
    answering(lambda _: listed(1, pages=10**9))

    reply = await api.read(products(*range(100)))

    unread = Malformed("expected at most 40 pages of /v3/catalog/products")
    assert [result for result in reply.results.values() if isinstance(result, Fetched)] == [Fetched({"id": 1})]
    assert list(reply.results.values()).count(unread) == 99
    assert reply.requests == 40


async def test_batch_that_is_refused_is_halved(api: BigCommerceApi, fake: FakeBigCommerce) -> None:
    """Of eight products one is refused; the others are read."""

    def answer(request: Request) -> object:
        ids = [int(one) for one in request.query_params["id:in"].split(",")]
        return Response(b'{"title": "no 6 here"}', 422) if 6 in ids else listed(*ids)

    answering(answer)
    reply = await api.read(products(*range(1, 9)))

    refused = reply.results.pop(Wanted("product", "6"))  # type: ignore[attr-defined]  # it is a dict
    assert refused == Malformed("status 422: no 6 here")
    assert all(isinstance(result, Fetched) for result in reply.results.values())
    assert reply.requests == 7  # 8; 4, 4; 2, 2; 1, 1


async def test_dividing_has_an_end(api: BigCommerceApi, fake: FakeBigCommerce) -> None:
    """A store that refuses everything costs a bounded number of requests, and few when quota is short."""
    left = ["100"]

    def refused(_: Request) -> Response:
        headers = {"X-Rate-Limit-Requests-Quota": "150", "X-Rate-Limit-Time-Reset-Ms": "9000"}
        return Response(b"{}", 422, {**headers, "X-Rate-Limit-Requests-Left": left[0]})

    answering(refused)
    plenty = await api.read(products(*range(100)))
    left[0] = "75"
    short = await api.read(products(*range(100)))

    assert 16 <= plenty.requests < 16 + 8
    assert short.requests == 1
    assert set(plenty.results.values()) == set(short.results.values()) == {Malformed("status 422")}
    assert len(plenty.results) == 100


async def test_reply_that_is_too_long_is_halved(server: Server, fake: FakeBigCommerce) -> None:
    """Eight large products do not fit into one reply; four do."""
    for number in range(8):
        fake.put(STORE, "product", documents.product(number, START, variants=60))
    api = BigCommerceApi(STORE, lambda: TOKEN, server.url, Limits(body_bytes=200_000))

    reply = await api.read(products(*range(8)))
    await api.close()

    assert all(isinstance(result, Fetched) for result in reply.results.values())
    assert 3 <= reply.requests <= 7


async def test_strange_list_is_asked_for_once(api: BigCommerceApi, fake: FakeBigCommerce) -> None:
    """What is no answer of BigCommerce's does not become one with fewer ids."""
    answering(lambda _: Response(b"<html>"))

    assert (await api.read(products(*range(100)))).requests == 1


async def test_halving_ends_when_throttled(api: BigCommerceApi, fake: FakeBigCommerce) -> None:
    """What is true for one half is not asked for the other."""
    statuses = iter([413, 429])
    answering(lambda _: Response(status_code=next(statuses)))

    reply = await api.read(products(1, 2, 3, 4))

    assert set(reply.results.values()) == {Throttled(30.0, "status 429")}
    assert (len(reply.results), reply.requests) == (4, 2)


@pytest.mark.parametrize(
    "value",
    [
        b"<html>not BigCommerce</html>",
        b"[]",
        b"null",
        b"7",
        b'{"data": null}',
        b'{"data": {"id": 1}}',
        b'{"data": [7]}',
        b'{"data": [{"id": 1}',
    ],
)
async def test_strange_reply_is_malformed(api: BigCommerceApi, fake: FakeBigCommerce, value: bytes) -> None:
    """Whatever it is, it is no deletion."""
    answering(lambda _: Response(value))

    assert isinstance(await read_one(api, Wanted("product", "1")), Malformed)


@pytest.mark.parametrize("value", [b"[]", b"null", b"[{}]", b'"text"'])
async def test_strange_single_reply_is_malformed(api: BigCommerceApi, fake: FakeBigCommerce, value: bytes) -> None:
    """An order is an object."""
    answering(lambda _: Response(value))

    assert await read_one(api, Wanted("order", "1")) == Malformed("expected an object from /v2/orders/1")


async def test_empty_reply_is_not_found(api: BigCommerceApi, fake: FakeBigCommerce) -> None:
    """204 without a body."""
    answering(lambda _: Response(status_code=204))

    assert await read_one(api, Wanted("order", "1")) == NotFound()
    assert await read_one(api, Wanted("product", "1")) == NotFound()


async def test_locked_store_is_unavailable(api: BigCommerceApi, fake: FakeBigCommerce) -> None:
    """423 passes, as 5xx does; `Retry-After` counts."""
    answering(lambda _: Response(b"[]", 423, {"Retry-After": "7"}))

    assert await read_one(api, Wanted("order", "1")) == Unavailable("status 423", 7.0)


async def test_missing_right_is_named(api: BigCommerceApi, fake: FakeBigCommerce) -> None:
    """403 says which box to tick."""
    answering(lambda _: Response(b'[{"status": 403, "message": "Scope missing"}]', 403))

    assert await read_one(api, Wanted("order", "1")) == Unauthorised(
        "status 403: Scope missing; the token needs the right Orders: read-only"
    )


async def test_unknown_store_is_said(api: BigCommerceApi, fake: FakeBigCommerce) -> None:
    """A wrong hash is no deletion of everything."""
    answering(lambda _: Response(status_code=404))

    assert await read_one(api, Wanted("product", "1")) == Malformed(
        "status 404 for the list /v3/catalog/products; is the store's hash right?"
    )
    assert isinstance(await api.check(), Malformed)


async def test_quota_headers_that_are_none_are_ignored(api: BigCommerceApi, fake: FakeBigCommerce) -> None:
    """An unlimited plan, or nonsense."""
    headers = {"X-Rate-Limit-Requests-Quota": "none", "X-Rate-Limit-Requests-Left": "-1"}
    answering(lambda _: Response(b'{"time": 1}', 200, headers))

    assert await api.check() == Checked("token works, BigCommerce tells no quota")


async def test_expired_token_is_unauthorised_and_a_renewed_one_works(server: Server, fake: FakeBigCommerce) -> None:
    """The token is asked for every time; it is in no message."""
    tokens = ["expired-token-of-this-test"]
    api = BigCommerceApi(STORE, lambda: tokens[0], server.url)

    refused = await read_one(api, Wanted("product", "1"))
    tokens[0] = TOKEN
    accepted = await read_one(api, Wanted("product", "1"))
    await api.close()

    assert refused == Unauthorised("status 401: The X-Auth-Token is not valid for this store.")
    assert accepted == NotFound()
    assert tokens[0] not in repr(vars(api))


async def test_check_says_what_the_token_is_good_for(api: BigCommerceApi, fake: FakeBigCommerce) -> None:
    """One cheap request, and the store's quota."""
    assert await api.check() == Checked("token works, quota 150 per 30 s", Quota(150, 149, 30.0))
    assert fake.paths() == {f"/stores/{STORE}/v2/time": 1}

    FAULTS.has_expired_token = True
    assert await api.check() == Unauthorised("status 401: The X-Auth-Token is not valid for this store.")


async def test_quota_of_another_plan_is_followed(api: BigCommerceApi, fake: FakeBigCommerce) -> None:
    """Every reply tells it anew."""
    fake.quota.set_limit(STORE, 450)
    fake.quota.eat(STORE, 100)

    assert (await api.read(products(1))).quota == Quota(450, 349, 30.0)


async def test_read_may_lag_behind_its_callback(api: BigCommerceApi, fake: FakeBigCommerce) -> None:
    """What the fake can do to a hydration: an older state, or none yet."""
    fake.put(STORE, "product", documents.product(1, START))
    fake.clock.advance(60)
    fake.change(STORE, "product", "1", {"name": "Newer"})
    FAULTS.read_lag_s = 10

    lagging = await read_one(api, Wanted("product", "1"))
    fake.clock.advance(11)
    caught_up = await read_one(api, Wanted("product", "1"))

    assert isinstance(lagging, Fetched)
    assert isinstance(caught_up, Fetched)
    assert lagging.document["date_modified"] == documents.iso_time(START)
    assert caught_up.document["date_modified"] == documents.iso_time(START + timedelta(seconds=60))
    assert caught_up.document["name"] == "Newer"


def test_client_is_one_of_the_agreed_kind() -> None:
    """The type checker compares it with the interface."""
    made: Api = BigCommerceApi(STORE, lambda: TOKEN)

    assert TOKEN not in repr(made)


def test_token_is_not_sent_in_the_clear() -> None:
    """Http is for this machine only."""
    with pytest.raises(BaseUrlError, match="expected https"):
        BigCommerceApi(STORE, lambda: TOKEN, "http://api.example.com")

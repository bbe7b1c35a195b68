"""Tests for simulator/providers/bigcommerce/routes.py, lists.py and gate.py: the fake's API, as plain HTTP."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from simulator.providers.bigcommerce import documents
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.bigcommerce.routes import bigcommerce_app
from simulator.providers.clock import START
from simulator.providers.serving import serving

STORE, TOKEN = "k3v9x2", "made-up-token-of-this-test"


@pytest.fixture(scope="module")
def fake() -> FakeBigCommerce:
    """Give a store with 60 products, an hour apart, and 3 orders."""
    made = FakeBigCommerce()
    made.add_store(STORE, TOKEN)
    made.quota.set_limit(STORE, 100_000)
    for number in range(1, 61):
        made.put(STORE, "product", documents.product(number, made.clock.now(), variants=2))
        made.clock.advance(3_600)
    for number in (1, 2, 3):
        made.put(STORE, "order", documents.order(number, made.clock.now()))
        made.clock.advance(3_600)
    return made


@pytest.fixture(scope="module")
def http(fake: FakeBigCommerce) -> Iterator[httpx.Client]:
    """Give a plain client of the store."""
    with serving(bigcommerce_app(fake), fake.faults) as server:
        base = f"{server.url}/stores/{STORE}"
        with httpx.Client(base_url=base, headers={"X-Auth-Token": TOKEN}, trust_env=False) as client:
            yield client


def ids(answer: httpx.Response) -> list[int]:
    """Return the ids of a list."""
    value = answer.json()
    return [document["id"] for document in (value["data"] if isinstance(value, dict) else value)]


def test_list_has_pages(http: httpx.Client) -> None:
    """50 by default; the last is short; beyond it there is an empty list."""
    first = http.get("/v3/catalog/products")
    second = http.get("/v3/catalog/products?page=2")
    third = http.get("/v3/catalog/products?page=3")

    assert ids(first) == list(range(1, 51))
    assert ids(second) == list(range(51, 61))
    assert ids(third) == []
    pagination = second.json()["meta"]["pagination"]
    pagination.pop("links")
    assert pagination == {"total": 60, "count": 10, "per_page": 50, "current_page": 2, "total_pages": 2}


def test_page_is_bounded(http: httpx.Client) -> None:
    """At most 250; with options at most ten, whatever is asked for; nonsense is refused."""
    assert http.get("/v3/catalog/products?limit=250").json()["meta"]["pagination"]["count"] == 60
    assert http.get("/v3/catalog/products?limit=251").status_code == 413
    assert http.get("/v3/catalog/products?limit=x").status_code == 422
    assert len(ids(http.get("/v3/catalog/products?limit=50&include=options"))) == 10


def test_fields_are_shown_on_request(http: httpx.Client) -> None:
    """Variants and images only with `include`; with `include_fields` only those, and the id."""
    plain = http.get("/v3/catalog/products/1").json()["data"]
    included = http.get("/v3/catalog/products/1?include=variants,images").json()["data"]
    few = http.get("/v3/catalog/products?id:in=1&include_fields=date_modified").json()["data"]

    assert "variants" not in plain
    assert [variant["id"] for variant in included["variants"]] == [1000, 1001]
    assert included["images"]
    assert few == [{"id": 1, "date_modified": plain["date_modified"]}]


def test_list_is_filtered_by_id_and_time(http: httpx.Client) -> None:
    """What reconciliation needs: a window of update times, in their order, and walking by id."""
    window = "date_modified:min=2026-11-02T10:00:00Z&date_modified:max=2026-11-02T12:00:00Z"

    assert ids(http.get(f"/v3/catalog/products?{window}&sort=date_modified&direction=desc")) == [4, 3, 2]
    assert ids(http.get("/v3/catalog/products?id:greater=57&sort=id")) == [58, 59, 60]
    assert ids(http.get("/v3/catalog/products?id:in=3,1,999")) == [1, 3]
    assert http.get("/v3/catalog/products?id:in=1,x").status_code == 422
    assert http.get("/v3/catalog/products?date_modified:min=yesterday").status_code == 422


def test_page_shifts_when_something_changes(http: httpx.Client, fake: FakeBigCommerce) -> None:
    """A change between two pages moves a resource to the end: another slips to the page before, and is never seen."""
    query = "sort=date_modified&limit=20&date_modified:min=2026-11-02T00:00:00Z"
    first = ids(http.get(f"/v3/catalog/products?{query}&page=1"))
    fake.change(STORE, "product", str(first[0]), {"name": "Moved"})

    later = [ids(http.get(f"/v3/catalog/products?{query}&page={page}")) for page in (2, 3)]

    assert set(range(1, 61)) - {*first, *later[0], *later[1]} == {21}


def test_orders_are_bare_and_end_without_a_body(http: httpx.Client) -> None:
    """V2: an array, links for lists, 204 for nothing, an array for errors."""
    listed = http.get("/v2/orders?sort=date_modified:desc")
    beyond = http.get("/v2/orders?page=2")
    missing = http.get("/v2/orders/99")

    assert ids(listed) == [3, 2, 1]
    assert listed.json()[0]["products"] == {
        "url": "https://api.example/v2/orders/3/products",
        "resource": "/orders/3/products",
    }
    assert (beyond.status_code, beyond.content) == (204, b"")
    assert missing.json() == [{"status": 404, "message": "The requested resource was not found."}]
    assert missing.status_code == 404
    assert http.get("/v2/orders/count").json() == {"count": 3}
    assert ids(http.get("/v2/orders/1/products")) == [1000]


def test_missing_resource_of_v3_is_an_object(http: httpx.Client) -> None:
    """With a title, as all errors of V3."""
    answer = http.get("/v3/carts/none")

    assert answer.status_code == 404
    assert answer.json()["title"] == "The resource was not found."


def test_list_may_lag_behind_reads(http: httpx.Client, fake: FakeBigCommerce) -> None:
    """The search index is a minute behind; a read by id is not."""
    fake.put(STORE, "category", documents.category(1))
    fake.clock.advance(30)
    fake.faults.search_lag_s = 60

    listed, read = ids(http.get("/v3/catalog/categories")), ids(http.get("/v3/catalog/categories?id:in=1"))
    fake.faults.heal()

    assert (listed, read) == ([], [1])


def test_token_is_checked_before_the_quota(http: httpx.Client, fake: FakeBigCommerce) -> None:
    """Another store's, none, an expired one: none of them costs the store a request."""
    before = sum(window.taken for window in fake.quota.windows(STORE))
    fake.faults.has_expired_token = True
    answers: list[Any] = [http.get("/v2/time")]
    fake.faults.heal()
    answers += [
        http.get("/v2/time", headers={"X-Auth-Token": "other"}),
        http.get("/v3/customers", headers={"X-Auth-Token": ""}),
    ]

    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert isinstance(answers[0].json(), list)
    assert "title" in answers[2].json()
    assert sum(window.taken for window in fake.quota.windows(STORE)) == before


def test_quota_is_counted_exactly_and_headers_lie_at_the_end() -> None:
    """150 in a window; the 151st is refused, with the number left that BigCommerce's own sample shows."""
    fake = FakeBigCommerce()
    fake.add_store(STORE, TOKEN)
    http = TestClient(bigcommerce_app(fake), headers={"X-Auth-Token": TOKEN})

    answers = [http.get(f"/stores/{STORE}/v2/time") for _ in range(152)]

    assert [answer.status_code for answer in answers] == [200] * 150 + [429] * 2
    assert answers[149].headers["X-Rate-Limit-Requests-Left"] == "0"
    assert (
        dict(answers[150].headers).items()
        >= {
            "x-rate-limit-time-window-ms": "30000",
            "x-rate-limit-time-reset-ms": "30000",
            "x-rate-limit-requests-quota": "150",
            "x-rate-limit-requests-left": "35",
        }.items()
    )
    assert [(window.allowed, window.refused) for window in fake.quota.windows(STORE)] == [(150, 2)]


def test_unknown_filter_is_refused(http: httpx.Client) -> None:
    """What works for products does not for customers; V3 says so."""
    refused = http.get("/v3/customers?id:greater=5")

    assert refused.status_code == 422
    assert refused.json()["title"] == "The filter(s): id:greater are not valid filter parameter(s)."


def test_time_without_zone_is_the_stores(http: httpx.Client, fake: FakeBigCommerce) -> None:
    """A date alone gets the time of day of the request: both are surprises that full instants avoid."""
    at = datetime.combine(date(2026, 11, 3), fake.clock.now().timetz())
    zoned = http.get("/v3/catalog/products", params={"date_modified:min": "2026-11-03T09:00:00Z", "limit": "250"})
    naive = http.get("/v3/catalog/products", params={"date_modified:min": "2026-11-03T09:00:00", "limit": "250"})
    dated = http.get("/v3/catalog/products", params={"date_modified:min": "2026-11-03", "limit": "250"})

    others = set(range(2, 61))  # other tests change the first
    assert set(ids(zoned)) & others == set(range(25, 61))
    assert set(ids(naive)) & others == set(range(31, 61))
    assert set(ids(dated)) & others == {number for number in others if START + timedelta(hours=number - 1) >= at}


def test_pages_shift_where_their_end_is_open(http: httpx.Client, fake: FakeBigCommerce) -> None:
    """A product that changes between two pages moves to the end, and the one that takes its place is on no page."""
    query = "/v3/catalog/products?sort=date_modified&limit=30&page="
    first = ids(http.get(f"{query}1"))
    fake.change(STORE, "product", str(first[0]), {"name": "Other"})
    second = ids(http.get(f"{query}2"))

    assert set(range(1, 61)) - {*first, *second} == {first[-1] + 1}
    assert first[0] in second


def test_customers_have_cursors(http: httpx.Client, fake: FakeBigCommerce) -> None:
    """On the first page, and wherever one is used; a deletion in between shifts nothing."""
    for number in (1, 2, 3, 4, 5):
        fake.put(STORE, "customer", documents.customer(number, fake.clock.now()))
    first = http.get("/v3/customers?limit=2").json()
    fake.delete(STORE, "customer", "1")
    after = first["meta"]["cursor_pagination"]["end_cursor"]
    second = http.get("/v3/customers", params={"limit": "2", "after": after, "page": "7"}).json()

    assert [one["id"] for one in first["data"] + second["data"]] == [1, 2, 3, 4]
    assert "cursor_pagination" in second["meta"]
    assert "cursor_pagination" not in http.get("/v3/customers?limit=2&page=2").json()["meta"]
    assert http.get("/v3/customers?after=x").status_code == 422


def test_stock_is_listed_by_variant_with_its_locations(http: httpx.Client, fake: FakeBigCommerce) -> None:
    """One element for each variant, with every location that has it."""
    for location in (1, 2):
        fake.put(STORE, "inventory", documents.inventory(9, 0, 5), f"9:9000:{location}")

    data = http.get("/v3/inventory/items").json()["data"]

    assert [one["identity"]["variant_id"] for one in data] == [9000]
    assert [one["location_id"] for one in data[0]["locations"]] == [1, 2]


def test_hidden_resources_are_in_no_answer(http: httpx.Client, fake: FakeBigCommerce) -> None:
    """Half of the products, always the same ones, by list and by id; healing shows them again."""
    fake.faults.hidden = {"product": 0.5}
    listed = ids(http.get("/v3/catalog/products?limit=250"))
    statuses = {http.get(f"/v3/catalog/products/{number}").status_code for number in set(range(1, 61)) - set(listed)}
    fake.faults.heal()

    assert 15 < len(listed) < 45
    assert statuses == {404}
    assert len(ids(http.get("/v3/catalog/products?limit=250"))) == 60

"""Tests for simulator/providers/shopify/lists.py and search.py: what surprises those who list."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.records import Document
from simulator.providers.clock import START, Clock
from simulator.providers.shopify.fake import ShopifyFake

TEXT = """query($query: String, $after: String) {
  products(first: 2, after: $after, sortKey: UPDATED_AT, query: $query) { nodes { id } pageInfo { hasNextPage endCursor } }
}"""
EVENTS = (
    "query($query: String) { events(first: 9, query: $query) { nodes { ... on BasicEvent { subjectId action } } } }"
)


@pytest.fixture
def fake() -> ShopifyFake:
    """Give a shop with five products, a second apart."""
    made = ShopifyFake(Clock(START))
    for number in range(1, 6):
        _put(made, number, number)
    return made


def _put(fake: ShopifyFake, number: int, seconds: int) -> None:
    fake.put("product", {"id": number, "updated_at": (START + timedelta(seconds=seconds)).isoformat()})


def _reply(fake: ShopifyFake, query: str | None = None, after: str | None = None) -> Document:
    return fake.execute(TEXT, {"query": query, "after": after})


def _ids(reply: Document) -> list[int]:
    return [int(node["id"].rpartition("/")[2]) for node in reply["data"]["products"]["nodes"]]


def _walked(fake: ShopifyFake, query: str | None) -> list[int]:
    """Return all ids of a search, where the first product listed changes after each of the first two pages."""
    seen: list[int] = []
    after: str | None = None
    for page in range(9):
        reply = _reply(fake, query, after)
        seen += _ids(reply)
        info: Any = reply["data"]["products"]["pageInfo"]
        if not info["hasNextPage"]:
            return seen
        after = info["endCursor"]
        if page < 2:
            _put(fake, page + 1, 60 + page)
    raise AssertionError("expected the list to end")


def test_pages_shift_where_their_end_is_open(fake: ShopifyFake) -> None:
    """What changes meanwhile moves to the end and comes again; with a fixed end it does not."""
    assert _walked(fake, None) == [1, 2, 3, 4, 5, 1, 2]


def test_fixed_end_has_no_repetition(fake: ShopifyFake) -> None:
    """The window is what it was at its beginning."""
    assert _walked(fake, "updated_at:<'2026-11-02T09:01:00Z'") == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("updated_at:>='2026-11-02T09:00:04Z'", [4, 5]),
        ("updated_at:>='2026-11-02T10:00:04+01:00'", [4, 5]),
        ("updated_at:>='2026-11-02T04:00:04'", [4, 5]),  # without zone it is the shop's
        ("updated_at:>='2026-11-02T09:00:04'", []),
        ("id:>3 AND id:<=4", [4]),
        ("id:10", []),
        ("nothing_known:>='5' AND id:5", [5]),  # a term that it does not know counts as absent
    ],
)
def test_search(fake: ShopifyFake, query: str, expected: list[int]) -> None:
    """Comparators, zones, and what Shopify ignores."""
    assert _ids(_reply(fake, query)) == expected


def test_wrong_queries_are_errors(fake: ShopifyFake) -> None:
    """Within status 200: a search that cannot be read, a cursor of no list, a page that is too long."""
    too_long = fake.execute(TEXT.replace("first: 2", "first: 251"), {"query": None, "after": None})
    replies = [_reply(fake, "(("), _reply(fake, after="x"), too_long]

    codes = [reply["errors"][0]["extensions"]["code"] for reply in replies]
    assert codes == ["BAD_REQUEST", "INVALID_CURSOR", "BAD_REQUEST"]


def test_log_of_events_has_no_customers(fake: ShopifyFake) -> None:
    """Deletions of products are told, those of customers never."""
    fake.put("customer", {"id": 1})
    fake.delete("customer", "1")
    fake.delete("product", "2")
    fake.delete("product", "2")

    reply = fake.execute(EVENTS, {"query": "action:destroy"})
    assert reply["data"]["events"]["nodes"] == [{"subjectId": "gid://shopify/Product/2", "action": "destroy"}]
    assert len(fake.execute(EVENTS, {"query": "subject_type:product"})["data"]["events"]["nodes"]) == 6


def test_lists_lag_and_reads_do_not(fake: ShopifyFake) -> None:
    """The search index is older than the shop."""
    fake.faults.search_lag_s = 30.0
    read = fake.execute('{ node(id: "gid://shopify/Product/1") { id } }', {})

    assert _ids(_reply(fake)) == []
    assert read["data"]["node"] is not None


def test_hidden_products_are_in_no_reply(fake: ShopifyFake) -> None:
    """Neither in lists nor by id."""
    fake.faults.hidden = {"product": 1.0}
    read = fake.execute('{ node(id: "gid://shopify/Product/1") { id } }', {})

    assert _ids(_reply(fake)) == []
    assert read["data"]["node"] is None

"""The demo's store over HTTP: told by who posts, read by Penstock, the same after a restart."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from providers.api import Fetched, NotFound, Read, Wanted
from providers.bigcommerce.api import BigCommerceApi
from providers.registry import provider
from simulator.demo_store.address import CALLBACKS, STORE, TOKEN, StoreAddress
from simulator.demo_store.app import demo_store_app
from simulator.demo_store.client import StoreClient
from simulator.demo_store.journal import Journal
from simulator.demo_store.service import opened
from simulator.errors import SimulatorError
from simulator.posting import Post
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.serving import serving
from simulator.senders import Sender
from tests.unit.simulator.demo_store.test_callbacks import product_callback

SECRET = "token-of-the-store"
SENDER = Sender("shop", provider("bigcommerce"), b"made-up")


@contextmanager
def running(path: Path) -> Iterator[tuple[StoreAddress, FakeBigCommerce]]:
    """Serve the store that is kept in a file."""
    journal = Journal(path)
    fake = opened(SECRET, journal)
    with serving(demo_store_app(fake, journal)) as server:
        yield StoreAddress("shop", server.port, f"text:{SECRET}"), fake
    journal.close()


def read(address: StoreAddress, number: int = 205) -> Read:
    """Return what Penstock's own client reads of a product."""
    wanted = Wanted("product", str(number))

    async def ask() -> Read:
        api = BigCommerceApi(STORE, lambda: SECRET, address.url)
        try:
            return (await api.read([wanted])).results[wanted]
        finally:
            await api.close()

    return asyncio.run(ask())


def post(body: bytes, delivery_id: str = "1", **fields: object) -> Post:
    """Return a delivery that is about to be posted."""
    return Post(SENDER, body, "", delivery_id, shown=fields)


def test_what_is_posted_is_read(tmp_path: Path) -> None:
    """A product has what it was told when its callback is posted, not before."""
    with running(tmp_path / "shop.jsonl") as (address, _), StoreClient(address, {}) as client:
        turns = client.told_first([post(product_callback(), price=Decimal("12.01")), post(product_callback("deleted"))])

        next(turns)
        found = read(address)
        assert isinstance(found, Fetched)
        assert found.document["price"] == Decimal("12.01")
        next(turns)
        assert isinstance(read(address), NotFound)


def test_the_store_is_the_same_after_a_restart(tmp_path: Path) -> None:
    """What it begins with, what was changed and what was deleted."""
    path = tmp_path / "shop.jsonl"
    with running(path) as (address, fake), StoreClient(address, {}) as client:
        list(client.told_first([post(product_callback(), name="Lamp of brass")]))
        list(client.told_first([post(product_callback("deleted").replace(b"205", b"206"))]))
        before = fake.store.documents(STORE, "product")

    with running(path) as (_, again):
        assert again.store.documents(STORE, "product") == before
        assert len(before) == 11
        assert before["205"]["name"] == "Lamp of brass"


def test_only_news_of_this_store_is_told(tmp_path: Path) -> None:
    """Not what is late or repeated, of another source, of another store, or no callback; all are posted."""
    posts = [
        Post(SENDER, product_callback(), "", "late", shown=None),
        Post(Sender("other", provider("bigcommerce"), b"s"), product_callback(), "", "of another source"),
        post(product_callback().replace(STORE.encode(), b"abc123"), "of another store"),
        post(product_callback()[:-1], "cut short"),
        post(product_callback(), "told"),
        post(product_callback(), "told already"),
    ]
    with running(tmp_path / "shop.jsonl") as (address, _), StoreClient(address, {}) as client:
        journal = (tmp_path / "shop.jsonl").read_text

        assert list(client.told_first(posts)) == posts
        assert len(journal().splitlines()) == 1


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, b'{"callback": %b}', 401),
        ({TOKEN: "another"}, b'{"callback": %b}', 401),
        ({TOKEN: SECRET}, b'{"callback": {}}%.0b', 401),
        ({TOKEN: SECRET}, b"%b", 400),
        ({TOKEN: SECRET}, b'{"callback": %b', 400),
        ({TOKEN: SECRET}, b'{"callback": %b, "fields": 1}', 400),
        ({TOKEN: SECRET}, b'{"callback": %b}', 200),
    ],
)
def test_nobody_else_changes_it(tmp_path: Path, headers: dict[str, str], body: bytes, status: int) -> None:
    """A page in a browser on this machine has no token."""
    with running(tmp_path / "shop.jsonl") as (address, _):
        content = body % product_callback()
        answer = httpx.post(f"{address.url}{CALLBACKS}", content=content, headers=headers, trust_env=False)

    assert answer.status_code == status
    assert SECRET not in answer.text


def test_a_store_that_is_away_is_said(tmp_path: Path) -> None:
    """With its address and where to look; never with the token."""
    with running(tmp_path / "shop.jsonl") as (address, _):
        pass

    with StoreClient(address, {}) as client, pytest.raises(SimulatorError, match=address.url) as caught:
        list(client.told_first([post(product_callback())]))
    assert SECRET not in str(caught.value)

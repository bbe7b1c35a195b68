"""What is at a provider is in its list, whatever page size, and whatever changes while it is read.

Each example has a store of its own on a served fake. Between two pages resources change, go and come. Untouched ones must be
listed once; what was touched may be missing from a window (it belongs to the next one), and nothing else may appear.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from providers.bigcommerce.listing import BigCommerceLister
from providers.listing import Lister, Window
from providers.shopify.listing import ShopifyLister
from simulator.providers.bigcommerce import documents
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.bigcommerce.routes import bigcommerce_app
from simulator.providers.clock import START, Clock
from simulator.providers.quota import WindowQuota
from simulator.providers.shopify.fake import TOKEN, ShopifyFake
from tests.support.builders.properties import examples
from tests.support.processes.fake_api import FakeApi, fake_api
from tests.support.processes.list_walk import ids, pages

STORE = "k3v9x2"
UNTIL = START + timedelta(seconds=60)
WINDOW = Window(START + timedelta(seconds=20), UNTIL)
PRODUCTS = st.dictionaries(st.integers(1, 40), st.integers(0, 59), max_size=25)
"""The number of each product, and the second in which it was changed last."""
HAPPENINGS = st.lists(st.tuples(st.sampled_from(("change", "delete", "create")), st.integers(1, 60)), max_size=12)


class Shop(Struct):
    """A served fake: its lister by page size, and what can happen in it."""

    lister: Callable[[int], Lister]
    put: Callable[[int, datetime], object]
    delete: Callable[[int], object]


@pytest.fixture(scope="module")
def served() -> Iterator[FakeApi]:
    """Give the address of every example's fake."""
    with fake_api() as shown:
        yield shown


def _bigcommerce(served: FakeApi) -> Shop:
    clock = Clock(UNTIL)
    fake = FakeBigCommerce(clock, WindowQuota(clock.now, 1_000_000), served.faults)
    fake.add_store(STORE, TOKEN)
    served.show_app(bigcommerce_app(fake))
    return Shop(
        lambda size: BigCommerceLister(STORE, lambda: TOKEN, served.url, page_size=size),
        lambda number, time: fake.put(STORE, "product", documents.product(number, time)),
        lambda number: fake.delete(STORE, "product", str(number)),
    )


def _shopify(served: FakeApi) -> Shop:
    fake = ShopifyFake(Clock(UNTIL), points=1_000_000)
    served.show(fake)
    return Shop(
        lambda size: ShopifyLister(served.url, lambda: TOKEN, page_size=size),
        lambda number, time: fake.put("product", {"id": number, "updated_at": time.isoformat()}),
        lambda number: fake.delete("product", str(number)),
    )


SHOPS: Mapping[str, Callable[[FakeApi], Shop]] = {"bigcommerce": _bigcommerce, "shopify": _shopify}


@pytest.mark.parametrize("provider", sorted(SHOPS))
@settings(max_examples=examples(200))
@given(products=PRODUCTS, size=st.integers(1, 9))
def test_pages_together_are_the_store(served: FakeApi, provider: str, products: dict[int, int], size: int) -> None:
    """Everything, and a window of it: once each, in the order of their ids."""
    shop = _filled(SHOPS[provider](served), products)

    everything, within = _listed(shop, size, Window(None, UNTIL), ()), _listed(shop, size, WINDOW, ())

    assert everything == sorted(products)
    assert within == sorted(number for number, second in products.items() if second >= 20)


@pytest.mark.parametrize("provider", sorted(SHOPS))
@pytest.mark.parametrize("window", [WINDOW, Window(None, UNTIL)])
@settings(max_examples=examples(200))
@given(products=PRODUCTS, size=st.integers(1, 4), happenings=HAPPENINGS)
def test_what_happens_meanwhile_hides_nothing(
    served: FakeApi,
    provider: str,
    window: Window,
    products: dict[int, int],
    size: int,
    happenings: Sequence[tuple[str, int]],
) -> None:
    """Of what was there at the beginning, all that stayed is listed; in a complete list also what changed."""
    shop = _filled(SHOPS[provider](served), products)

    found = _listed(shop, size, window, happenings)

    touched = {number for what, number in happenings if what == "delete" or window.since}
    inside = {number for number, second in products.items() if not window.since or second >= 20}
    assert len(found) == len(set(found))
    assert inside - touched <= set(found)
    if window.since:
        assert set(found) <= inside


def _filled(shop: Shop, products: Mapping[int, int]) -> Shop:
    for number, second in products.items():
        shop.put(number, START + timedelta(seconds=second))
    return shop


def _listed(shop: Shop, size: int, window: Window, happenings: Sequence[tuple[str, int]]) -> list[int]:
    """Return the ids that are listed while one thing happens after each page."""

    def between(page: int) -> None:
        if page > len(happenings):
            return
        what, number = happenings[page - 1]
        if what == "delete":
            shop.delete(number)
        else:
            shop.put(number, UNTIL + timedelta(seconds=page))

    async def walk() -> list[str]:
        lister = shop.lister(size)
        try:
            return ids(await pages(lister, "product", window, between=between))
        finally:
            await lister.close()

    return [int(one) for one in asyncio.run(walk())]

"""Callbacks that only name their resource, a fake BigCommerce that has them, and real workers that read and decide."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.providers.bigcommerce.documents import order, product
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.bigcommerce.routes import bigcommerce_app
from simulator.providers.serving import Server, serving
from tests.support.processes.reading_store import STORE, TOKEN, Store, assert_adds_up, bigcommerce, reading
from tests.support.processes.workers import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]


@pytest.fixture
def fake() -> FakeBigCommerce:
    """Give a BigCommerce with one store, whose clock is right."""
    return bigcommerce()


@pytest.fixture
def server(fake: FakeBigCommerce) -> Iterator[Server]:
    """Serve it."""
    with serving(bigcommerce_app(fake), fake.faults) as running_server:
        yield running_server


@pytest.fixture
def store(kafka: str, registry: str, server: Server, tmp_path: Path) -> Iterator[Store]:
    """Give a source of BigCommerce whose worker has not started yet."""
    with reading(
        tmp_path, kafka, registry, f'provider = "bigcommerce"\napi_token = "text:{TOKEN}"', server.url
    ) as made:
        yield made


def test_changes_carry_the_resource(fake: FakeBigCommerce, store: Store) -> None:
    """A product with its variants, an order, an update and a deletion; every callback ends through the read that answers it."""
    now = fake.clock.now()
    store.workers.start(0)
    store.post(fake.put(STORE, "product", product(7, now, variants=3)))
    store.post(fake.put(STORE, "order", order(9, now, lines=2)))
    wait_until(store.answered(), "the first reads", 120)
    store.post(fake.change(STORE, "product", "7", {"name": "Lamp of brass"}))
    wait_until(store.answered(), "the update", 60)
    store.post(fake.delete(STORE, "product", "7"))
    wait_until(store.answered(), "the deletion", 60)
    ledger = store.ledger()

    assert_adds_up(ledger)
    products = [change for change in ledger.changes if change["resource_type"] == "product"]
    assert [change["op"] for change in products] == ["c", "u", "d"]
    assert json.loads(products[1]["after"])["name"] == "Lamp of brass"
    assert "/name" in products[1]["changed"]
    (placed,) = (change for change in ledger.changes if change["resource_type"] == "order")
    assert len(json.loads(placed["after"])["products"]) == 2
    assert Counter(c["op"] for c in ledger.changes if c["resource_type"] == "sku") == {"c": 3, "d": 3}
    posted = [outcome for outcome in ledger.outcomes if outcome["origin"] == "webhook"]
    read = {outcome["delivery_id"] for outcome in ledger.outcomes if outcome["origin"] == "fetch"}
    assert {outcome["outcome"] for outcome in posted} <= {"changed", "unchanged"}
    assert {outcome["cause"] for outcome in posted} <= read | {None}


def test_burst_costs_one_or_two_reads(fake: FakeBigCommerce, store: Store) -> None:
    """Fifty callbacks of one product; each has its outcome."""
    store.workers.start(0)
    notices = fake.put(STORE, "product", product(7, fake.clock.now()))
    for number in range(50):
        notices += fake.change(STORE, "product", "7", {"name": f"Lamp {number}"})[:1]
    store.post(notices)
    wait_until(store.answered(), "the burst", 120)
    ledger = store.ledger()

    assert_adds_up(ledger)
    reads = [seen for seen in fake.seen if seen.path.endswith("/products")]
    assert len(reads) in {1, 2}
    last = [change for change in ledger.changes if change["resource_type"] == "product"][-1]
    assert json.loads(last["after"])["name"] == "Lamp 49"


def test_outage_and_refused_token_lose_nothing(fake: FakeBigCommerce, store: Store) -> None:
    """Callbacks wait while the provider is away or refuses the token, and end when it is back; none is dead."""
    fake.faults.has_expired_token = True
    store.workers.start(0)
    waiting = store.post(fake.put(STORE, "product", product(7, fake.clock.now()))[:1])
    wait_until(lambda: "account_stopped" in store.workers.log(0).read_text(), "an alarm", 120)
    assert len(store.pending()) == waiting
    wait_until(lambda: store.stopped() != [], "what people are told", 30)
    (told,) = store.stopped()
    assert "401" in told.detail
    fake.faults.has_expired_token = False
    fake.faults.next("error", "reset")
    wait_until(store.answered(), "the reads", 120)
    ledger = store.ledger()

    assert_adds_up(ledger)
    wait_until(lambda: store.stopped() == [], "that people are told no more", 30)
    assert {outcome["outcome"] for outcome in ledger.outcomes} == {"changed"}
    assert TOKEN not in store.workers.log(0).read_text()

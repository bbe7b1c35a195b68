"""Callbacks that only name their resource, a fake BigCommerce that has them, and real workers that read and decide."""

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from broker import topic_reader
from broker.schema_registry import Registry
from schemas.fetches import Standing, decode_standing
from schemas.records import RawDelivery
from schemas.topics import PENDING, standings_topic
from simulator.providers.bigcommerce.documents import order, product
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.bigcommerce.notices import Notice
from simulator.providers.bigcommerce.routes import bigcommerce_app
from simulator.providers.clock import Clock
from simulator.providers.serving import Server, serving
from tests.support.builders.noisy_products import ensure_raw, feed
from tests.support.builders.store_callbacks import callbacks
from tests.support.oracle.ledger import Ledger, OutcomeCount
from tests.support.processes.workers import Workers, running, wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]
STORE, TOKEN = "s1abc", "token-of-the-store"


@pytest.fixture
def fake() -> FakeBigCommerce:
    """Give a BigCommerce with one store, whose clock is right."""
    made = FakeBigCommerce(Clock(datetime.now(UTC), speed=1.0))
    made.add_store(STORE, TOKEN)
    return made


@pytest.fixture
def server(fake: FakeBigCommerce) -> Iterator[Server]:
    """Serve it."""
    with serving(bigcommerce_app(fake), fake.faults) as running_server:
        yield running_server


class Store:
    """One source of one application, its workers, and what they decided."""

    def __init__(self, workers: Workers, kafka: str, registry: str, source: str, app: str) -> None:
        self.workers = workers
        self.source = source
        self.app = app
        self._kafka, self._registry = kafka, registry
        self.outcomes = OutcomeCount(kafka, registry, source)

    def post(self, notices: Iterable[Notice]) -> int:
        """Write the deliveries of callbacks; return their number."""
        return self.write(callbacks(self.source, notices))

    def write(self, deliveries: Iterable[RawDelivery]) -> int:
        """Write deliveries; return their number."""
        return feed(self._kafka, iter(deliveries))

    def ledger(self) -> Ledger:
        """Return everything that a reader of committed records sees."""
        return Ledger.read(self._kafka, self._registry, self.source)

    def answered(self) -> Callable[[], bool]:
        """Return a condition: nothing waits, and every record has its outcome."""
        return lambda: not self.pending() and self.outcomes() == len(Ledger.read_raw(self._kafka, self.source))

    def stopped(self) -> list[Standing]:
        """Return what people are told of the accounts of which nothing is read."""
        found: dict[bytes, Standing] = {}
        with topic_reader.consumer({"bootstrap.servers": self._kafka}) as reader:
            for message in topic_reader.read(reader, topic_reader.ranges(reader, standings_topic(self.app))):
                if (key := topic_reader.key_of(message)).count(b"|") == 2:
                    found.pop(key, None)
                    if value := topic_reader.value_of(message):
                        found[key] = decode_standing(value)
        return list(found.values())

    def pending(self) -> dict[bytes, dict[str, Any]]:
        """Return what waits, by key."""
        found: dict[bytes, dict[str, Any]] = {}
        with (
            closing(Registry(self._registry)) as schemas,
            topic_reader.consumer({"bootstrap.servers": self._kafka}) as reader,
        ):
            for message in topic_reader.read(reader, topic_reader.ranges(reader, PENDING)):
                key, value = message.key() or b"", message.value()
                if value is None:
                    found.pop(key, None)
                elif self.source.encode() in value:
                    found[key] = schemas.decode(value)
        return found


@pytest.fixture
def store(kafka: str, registry: str, server: Server, tmp_path: Path) -> Iterator[Store]:
    """Give a source of BigCommerce whose worker has not started yet."""
    with reading(
        tmp_path, kafka, registry, f'provider = "bigcommerce"\napi_token = "text:{TOKEN}"', server.url
    ) as made:
        yield made


@contextmanager
def reading(directory: Path, kafka: str, registry: str, lines: str, url: str) -> Iterator[Store]:
    """Give a source whose provider's API is served at an address."""
    source, app = f"store-{uuid.uuid4().hex[:8]}", f"hydration-{uuid.uuid4().hex[:8]}"
    ensure_raw(kafka, app)
    configuration = f"""
[kafka]
bootstrap_servers = "{kafka}"
[registry]
url = "{registry}"
[worker]
app = "{app}"
[[sources]]
name = "{source}"
secrets = ["text:made-up"]
api_url = "{url}"
{lines}
"""
    with running(directory, configuration) as workers:
        made = Store(workers, kafka, registry, source, app)
        with closing(made.outcomes):
            yield made


def assert_adds_up(ledger: Ledger) -> None:
    """Every record has exactly one outcome, and no change is there twice."""
    decided = Counter((outcome["partition"], outcome["offset"]) for outcome in ledger.outcomes)
    assert decided == Counter((raw.partition, raw.offset) for raw in ledger.raw)
    emitted = Counter(change["event_id"] for change in ledger.changes)
    assert [event_id for event_id, number in emitted.items() if number > 1] == []


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

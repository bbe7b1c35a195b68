"""A storm of callbacks of three stores against a small quota, failures, outages, a refused token, and killed workers.

tests/soak/test_hydration_storm.py runs it for minutes.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from broker import topic_reader
from broker.schema_registry import Registry
from local.screen import say
from schemas import codec
from schemas.records import resource_key
from schemas.topics import state_topic
from simulator.providers.bigcommerce.documents import product
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.bigcommerce.notices import Notice
from simulator.providers.bigcommerce.routes import bigcommerce_app
from simulator.providers.clock import Clock
from simulator.providers.quota import WindowQuota
from simulator.providers.serving import serving
from tests.kafka.test_hydration import assert_adds_up, reading
from tests.support.builders.noisy_products import feed
from tests.support.builders.store_callbacks import callbacks
from tests.support.processes.workers import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(900)]
STORES = ("s1", "s2", "s3")
TOKEN = "token-of-all-three"
QUOTA, WINDOW_S = 150, 3.0  # BigCommerce's, ten times as fast
RESOURCES = frozenset({"product"})


class Storm(Struct, frozen=True):
    """How much of it: callbacks in all, products in all, how long they come, and how often a worker is killed."""

    callbacks: int
    products: int
    seconds: float
    kills: int


SHORT = Storm(20_000, 500, 60.0, 3)


def test_storm_ends_as_the_provider_is(kafka: str, registry: str, tmp_path: Path) -> None:
    """Nothing lost, doubled or out of order; the quota is never exceeded; and a fraction of a read per callback."""
    weather(SHORT, kafka, registry, tmp_path)


def weather(storm: Storm, kafka: str, registry: str, directory: Path) -> None:
    """Let it pass, and compare what consumers have with what the provider has."""
    clock = Clock(datetime.now(UTC), speed=1.0)
    fake = FakeBigCommerce(clock, WindowQuota(clock.now, QUOTA, WINDOW_S))
    for name in STORES:
        fake.add_store(name, TOKEN)
        fake.quota.others(name, 5.0)
    fake.faults.shares({"error": 0.04, "reset": 0.01})
    lines = f'provider = "bigcommerce"\napi_token = "text:{TOKEN}"\nhydrate = ["product"]'
    with (
        serving(bigcommerce_app(fake), fake.faults) as server,
        reading(directory, kafka, registry, lines, server.url) as store,
    ):
        source, workers, stopping = store.source, store.workers, threading.Event()
        for slot in range(2):
            workers.start(slot)
        with ThreadPoolExecutor(2) as threads:
            troubles = threads.submit(_trouble, storm, fake, workers, stopping)
            count = feed(kafka, callbacks(source, _happenings(storm, fake)), round(storm.callbacks / storm.seconds))
            stopping.set()
            troubles.result()
        fake.faults.heal()
        wait_until(store.answered(), "every callback answered", 300)
        ledger = store.ledger()

        assert_adds_up(ledger)
        ends = Counter((outcome["origin"], outcome["outcome"]) for outcome in ledger.outcomes)
        say(f"{count} callbacks, {len(fake.seen)} requests ({len(fake.seen) / count:.3f} a callback), {dict(ends)}")
        assert ends["webhook", "dead"] == 0
        assert sum(number for (origin, _), number in ends.items() if origin == "webhook") == count
        assert all(fake.quota.refused(name) == 0 for name in STORES), "the quota was exceeded"
        assert _states(kafka, registry, source) == _documents(fake, source)
        _assert_in_order(ledger.changes)


def _happenings(storm: Storm, fake: FakeBigCommerce) -> Iterator[Notice]:
    """Yield the callbacks of what happens in the stores: creations, updates in bursts, deletions, repeated and swapped ones."""
    rng, made, held = random.Random(7), set[tuple[str, int]](), list[Notice]()  # noqa: S311 - reproducible
    numbers, told = list(range(storm.products)), 0
    while told < storm.callbacks:
        name, place = rng.choice(STORES), rng.randrange(storm.products)
        number = numbers[place]
        if (name, number) not in made:
            made.add((name, number))
            notices = fake.put(name, "product", product(number, fake.clock.now(), variants=rng.randint(1, 4)))[:1]
        elif rng.random() < 0.03:
            numbers[place] = max(numbers) + 1  # an id does not come again
            notices = fake.delete(name, "product", str(number))[:1]
        else:
            times = rng.choice((1, 1, 1, 2, 12))
            notices = [
                notice
                for step in range(times)
                for notice in fake.change(name, "product", str(number), {"name": f"{number} {told} {step}"})[:1]
            ]
        if rng.random() < 0.1:
            held += notices
            continue
        if held and rng.random() < 0.2:
            notices += held
            held.clear()
        told += len(notices)
        yield from notices
    yield from held


def _trouble(storm: Storm, fake: FakeBigCommerce, workers: Any, stopping: threading.Event) -> None:
    """Kill workers, end the provider twice and the token once, one after the other."""
    pause_s = storm.seconds / (storm.kills + 4)
    for turn in range(storm.kills):
        stopping.wait(pause_s)
        workers.kill(turn % 2)
        time.sleep(1.0)  # how long it is away is part of the storm, not a wait for anything
        workers.restart_the_dead()
    for _ in range(2):
        fake.faults.outage()
        stopping.wait(min(pause_s, 5.0))
        fake.faults.outage(None)
        stopping.wait(1.0)
    fake.faults.has_expired_token = True
    stopping.wait(1.0)
    fake.faults.has_expired_token = False


def _states(kafka: str, registry: str, source: str) -> dict[str, Any]:
    """Return the name of each product that consumers have, by key."""
    topic, mark = state_topic("bigcommerce", "product", RESOURCES), f"|{source}|".encode()
    found: dict[str, Any] = {}
    with closing(Registry(registry)) as schemas, topic_reader.consumer({"bootstrap.servers": kafka}) as reader:
        for message in topic_reader.read(reader, topic_reader.ranges(reader, topic)):
            key, value = message.key() or b"", message.value()
            if mark not in key:
                continue
            if value is None:
                found.pop(key.decode(), None)
            else:
                found[key.decode()] = msgspec.json.decode(schemas.decode(value)["document"])["name"]
    return found


def _documents(fake: FakeBigCommerce, source: str) -> dict[str, Any]:
    """Return the name of each product that the provider has, by key."""
    return {
        resource_key("bigcommerce", source, name, "product", number): document["name"]
        for name in STORES
        for number, document in fake.store.documents(name, "product").items()
    }


def _assert_in_order(changes: list[dict[str, Any]]) -> None:
    """Each change begins where the one before ended."""
    last: dict[str, Any] = {}
    for change in changes:
        if change["resource_type"] != "product":
            continue
        key = change["resource_key"]
        assert _name(change["before"]) == last.get(key), (key, change["op"])
        last[key] = _name(change["after"])


def _name(text: str | None) -> str | None:
    return None if text is None else codec.document(text.encode())["name"]

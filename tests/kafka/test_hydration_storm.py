"""A storm of callbacks of three stores against a small quota, failures, outages, a refused token, and killed workers.

tests/soak/test_hydration_storm.py runs it for minutes.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.records import Document, RawDelivery, resource_key
from simulator.providers.bigcommerce.documents import product
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.bigcommerce.notices import Notice
from simulator.providers.bigcommerce.routes import bigcommerce_app
from simulator.providers.clock import Clock
from simulator.providers.quota import WindowQuota
from tests.support.builders.store_callbacks import callbacks
from tests.support.faults.reading_storm import Storm, weather

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(900)]
STORES = ("s1", "s2", "s3")
TOKEN = "token-of-all-three"
QUOTA, WINDOW_S = 150, 3.0  # BigCommerce's, ten times as fast
SHORT = Storm(20_000, 500, 60.0, 3)


class Stores:
    """Three stores of products with one token and a quota each, of which another app takes a part."""

    provider = "bigcommerce"
    lines = f'provider = "bigcommerce"\napi_token = "text:{TOKEN}"\nhydrate = ["product"]'
    types: Sequence[str] = ("product",)

    def __init__(self) -> None:
        clock = Clock(datetime.now(UTC), speed=1.0)
        self.fake = FakeBigCommerce(clock, WindowQuota(clock.now, QUOTA, WINDOW_S))
        for name in STORES:
            self.fake.add_store(name, TOKEN)
            self.fake.quota.others(name, 5.0)
        self.app, self.faults = bigcommerce_app(self.fake), self.fake.faults

    def happenings(self, source: str, storm: Storm, rng: random.Random) -> Iterator[RawDelivery]:
        """Yield creations, updates in bursts, deletions, some of them late."""
        return callbacks(source, self._notices(storm, rng))

    def shown(self, resource_type: str, document: Document) -> object:  # noqa: ARG002 - as every scene
        """Return the name."""
        return document["name"]

    def truth(self, source: str) -> Mapping[str, object]:
        """Return the name of each product."""
        return {
            resource_key("bigcommerce", source, name, "product", number): document["name"]
            for name in STORES
            for number, document in self.fake.store.documents(name, "product").items()
        }

    def refused(self) -> int:
        """Return how often a store's quota was used up."""
        return sum(self.fake.quota.refused(name) for name in STORES)

    def requests(self) -> int:
        """Return how many requests were made."""
        return len(self.fake.seen)

    def _notices(self, storm: Storm, rng: random.Random) -> Iterator[Notice]:
        numbers, told, late = list(range(storm.resources)), 0, list[Notice]()
        made: set[tuple[str, int]] = set()
        while told < storm.deliveries:
            notices = self._happens(storm, rng, numbers, made, told)
            if rng.random() < 0.1:
                late += notices
                continue
            if late and rng.random() < 0.2:
                notices += late
                late.clear()
            told += len(notices)
            yield from notices
        yield from late

    def _happens(
        self, storm: Storm, rng: random.Random, numbers: list[int], made: set[tuple[str, int]], told: int
    ) -> list[Notice]:
        fake, name, index = self.fake, rng.choice(STORES), rng.randrange(storm.resources)
        number = numbers[index]
        if (name, number) not in made:
            made.add((name, number))
            return fake.put(name, "product", product(number, fake.clock.now(), variants=rng.randint(1, 4)))[:1]
        if rng.random() < 0.03:
            numbers[index] = max(numbers) + 1  # an id does not come again
            return fake.delete(name, "product", str(number))[:1]
        return [
            notice
            for step in range(rng.choice((1, 1, 1, 2, 12)))
            for notice in fake.change(name, "product", str(number), {"name": f"{number} {told} {step}"})[:1]
        ]


def test_storm_ends_as_the_provider_is(kafka: str, registry: str, tmp_path: Path) -> None:
    """Nothing lost, doubled or out of order; the quota is never exceeded; and a fraction of a read per callback."""
    weather(SHORT, Stores(), kafka, registry, tmp_path)

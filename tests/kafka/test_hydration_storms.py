"""The storm for other providers: products of Shopify with 250 variants, and thin events of Stripe for two accounts.

GitHub's deliveries contain their resource, so none has to be read.
"""

import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.records import Document, RawDelivery, resource_key
from simulator.providers.clock import Clock
from simulator.providers.shopify.fake import TOKEN as SHOP_TOKEN
from simulator.providers.shopify.fake import ShopifyFake
from simulator.providers.stripe import StripeFake
from tests.support.builders.written_deliveries import delivery
from tests.support.faults.reading_storm import Storm, weather

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]
KEY = "sk_test_made_up"
VARIANTS = 250
ACCOUNTS = ("", "acct_1")
PRODUCTS, CUSTOMERS = Storm(200, 8, 20.0, 2), Storm(4_000, 200, 20.0, 2)


class Shop:
    """One shop whose products have more variants than a webhook shows."""

    provider = "shopify"
    lines = f'provider = "shopify"\napi_token = "text:{SHOP_TOKEN}"'
    types: Sequence[str] = ("product", "variant")

    def __init__(self) -> None:
        self.fake = ShopifyFake(clock=Clock(datetime.now(UTC), speed=1.0), points=20_000)  # an enterprise's
        self.app, self.faults = self.fake.app, self.fake.faults

    def happenings(self, source: str, storm: Storm, rng: random.Random) -> Iterator[RawDelivery]:
        """Yield creations and updates, each of a product and one of its variants, and deletions."""
        numbers, made = list(range(1, storm.resources + 1)), set[int]()
        for told in range(storm.deliveries):
            index = rng.randrange(storm.resources)
            number = numbers[index]
            is_gone = number in made and rng.random() < 0.03
            if is_gone:
                self.fake.delete("product", str(number))
                numbers[index] = max(numbers) + 1  # an id does not come again
            else:
                self._change(number, told, rng)
            made.add(number)
            topic = "products/delete" if is_gone else "products/update"
            yield delivery(source, "shopify", self.fake.webhook("product", str(number)), self._headers(topic))

    def shown(self, resource_type: str, document: Document) -> object:
        """Return the title, of a variant the price as well."""
        return (document["title"], document["price"]) if resource_type == "variant" else document["title"]

    def truth(self, source: str) -> Mapping[str, object]:
        """Return what is shown of each product and of each of its variants."""
        found: dict[str, object] = {}
        for number, document in self.fake.store.documents(self.fake.shop, "product").items():
            found[resource_key("shopify", source, self.fake.shop, "product", number)] = self.shown("product", document)
            for variant in document["variants"]:
                key = resource_key("shopify", source, self.fake.shop, "variant", str(variant["id"]))
                found[key] = self.shown("variant", variant)
        return found

    def refused(self) -> int:
        """Return how often the bucket was empty."""
        return self.fake.bucket.refused

    def requests(self) -> int:
        """Return how many queries were made."""
        return len(self.fake.queries)

    def _change(self, number: int, told: int, rng: random.Random) -> None:
        now = f"{self.fake.clock.now():%Y-%m-%dT%H:%M:%S.%fZ}"
        known = self.fake.store.get(self.fake.shop, "product", str(number))
        document: Document = known or {"id": number, "status": "active", "variants": _variants(number, now)}
        variants = list(document["variants"])
        changed = rng.randrange(VARIANTS)
        variants[changed] = variants[changed] | {"price": f"{told}.90", "updated_at": now}
        self.fake.put("product", document | {"title": f"{number} {told}", "updated_at": now, "variants": variants})

    def _headers(self, topic: str) -> dict[str, str]:
        return {
            "x-shopify-topic": topic,
            "x-shopify-webhook-id": uuid.uuid4().hex,
            "x-shopify-shop-domain": self.fake.shop,
            "x-shopify-api-version": "2026-07",
            "x-shopify-triggered-at": f"{self.fake.clock.now():%Y-%m-%dT%H:%M:%S.%f000Z}",
        }


class Customers:
    """Customers of a platform's account and of one that is connected, of which thin events tell."""

    provider = "stripe"
    lines = f'provider = "stripe"\napi_token = "text:{KEY}"'
    types: Sequence[str] = ("customer",)

    def __init__(self) -> None:
        self.fake = StripeFake(Clock(datetime.now(UTC), speed=1.0), key=KEY)
        self.app, self.faults = self.fake.app, self.fake.faults
        self._tenants: dict[str, str] = {}

    def happenings(self, source: str, storm: Storm, rng: random.Random) -> Iterator[RawDelivery]:
        """Yield creations, updates in bursts, and deletions."""
        numbers, told = list(range(storm.resources)), 0
        while told < storm.deliveries:
            account, index = rng.choice(ACCOUNTS), rng.randrange(storm.resources)
            name = f"cus_{numbers[index]}"
            if rng.random() < 0.02 and self._known(account, name):
                numbers[index] = max(numbers) + 1  # an id does not come again
                self.fake.delete(account, "customer", name)
                yield self._event(source, account, name, "deleted")
                told += 1
                continue
            for _ in range(rng.choice((1, 1, 1, 2, 12))):
                self.fake.put(account, {"id": name, "object": "customer", "name": f"{name} {told}"}, "customer.updated")
                yield self._event(source, account, name, "updated")
                told += 1

    def shown(self, resource_type: str, document: Document) -> object:  # noqa: ARG002 - as every scene
        """Return the name."""
        return document["name"]

    def truth(self, source: str) -> Mapping[str, object]:
        """Return the name of each customer that is not deleted."""
        return {
            resource_key("stripe", source, tenant, "customer", name): document["name"]
            for account, tenant in self._tenants.items()
            for name, document in self.fake.store.documents(account, "customer").items()
            if not document.get("deleted")
        }

    def refused(self) -> int:
        """Return how often an account's or an endpoint's requests of a second were used up."""
        customers = self.fake.endpoint_quota
        return sum(self.fake.quota.refused(name) + customers.refused(f"{name} v1/customers") for name in ACCOUNTS)

    def requests(self) -> int:
        """Return how many requests were made."""
        return len(self.fake.requests)

    def _known(self, account: str, name: str) -> bool:
        return self.fake.store.get(account, "customer", name) is not None

    def _event(self, source: str, account: str, name: str, what: str) -> RawDelivery:
        told = delivery(source, "stripe", self.fake.thin(account, "customer", name, f"v1.customer.{what}"), {})
        self._tenants[account] = told.tenant  # an account's test mode is a tenant of its own
        return told


def _variants(number: int, now: str) -> list[Document]:
    return [
        {
            "id": number * 1_000 + each,
            "product_id": number,
            "price": "19.90",
            "title": f"size {each}",
            "updated_at": now,
        }
        for each in range(VARIANTS)
    ]


def test_products_end_as_the_shop_has_them(kafka: str, registry: str, tmp_path: Path) -> None:
    """With all of their variants, whichever of them a webhook showed."""
    weather(PRODUCTS, Shop(), kafka, registry, tmp_path)


def test_customers_end_as_stripe_has_them(kafka: str, registry: str, tmp_path: Path) -> None:
    """Each account's own, from events that only name them."""
    weather(CUSTOMERS, Customers(), kafka, registry, tmp_path)

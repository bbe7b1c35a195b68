"""Stripe, GitHub and Shopify, whose webhooks were partly lost: after one reconciliation consumers have what the provider has."""

import json
import os
import random
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
from starlette.types import ASGIApp

from broker import topic_reader
from broker.schema_registry import Registry
from broker.topic_reader import key_of, value_of
from schemas.records import Document, RawDelivery
from simulator.providers.clock import Clock
from simulator.providers.faults import Faults
from simulator.providers.github import TOKEN as GITHUB_TOKEN
from simulator.providers.github import GitHubFake
from simulator.providers.serving import serving
from simulator.providers.shopify.fake import TOKEN as SHOP_TOKEN
from simulator.providers.shopify.fake import ShopifyFake
from simulator.providers.stripe import StripeFake
from tests.support.builders.written_deliveries import delivery
from tests.support.processes.reading_store import Store, assert_adds_up, reading
from tests.support.processes.workers import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]
KEY = "sk_test_made_up"
RESOURCES, CHANGES, LOST = 30, 20, 0.2
TOLD = "[reconcile]\nenabled = false\n"


def _clock() -> Clock:
    """Return a clock that is an hour late: what happens before the run is told in whole seconds, each in one of its own."""
    return Clock(datetime.now(UTC) - timedelta(hours=1), speed=1.0)


class Provider(Protocol):
    """A fake, and what happens there."""

    lines: str
    topic: str
    """With the states of the resources that are looked at."""
    app: ASGIApp
    faults: Faults
    clock: Clock

    def change(self, source: str, number: int, text: str) -> RawDelivery:
        """Create or change a resource, and return the delivery about it."""

    def delete(self, source: str, number: int) -> RawDelivery | None:
        """Delete a resource, if the provider's lists can show that."""

    def truth(self) -> Mapping[str, str]:
        """Return the text of each resource by its id."""

    def text(self, document: Document) -> str:
        """Return the text of a document."""


class Customers:
    """Customers of a Stripe account, deletions included."""

    lines = f'provider = "stripe"\napi_token = "text:{KEY}"\n{TOLD}'
    topic = "state.stripe.customer"

    def __init__(self) -> None:
        self.fake = StripeFake(_clock(), key=KEY)
        self.app, self.faults, self.clock = self.fake.app, self.fake.faults, self.fake.clock

    def change(self, source: str, number: int, text: str) -> RawDelivery:
        """Put a customer of that name."""
        event = "created" if self.fake.store.get("", "customer", f"cus_{number}") is None else "updated"
        document = {"id": f"cus_{number}", "object": "customer", "name": text, "livemode": False}
        return delivery(source, "stripe", self.fake.put("", document, f"customer.{event}"), {})

    def delete(self, source: str, number: int) -> RawDelivery | None:
        """Delete a customer."""
        return delivery(source, "stripe", self.fake.delete("", "customer", f"cus_{number}"), {})

    def truth(self) -> Mapping[str, str]:
        """Return the names of those that are not deleted."""
        found = self.fake.store.documents("", "customer").items()
        return {name: document["name"] for name, document in found if not document.get("deleted")}

    def text(self, document: Document) -> str:
        """Return the name."""
        return str(document["name"])


class Issues:
    """Issues of one repository."""

    lines = f'provider = "github"\napi_token = "text:{GITHUB_TOKEN}"\nrepositories = ["octo/hello"]\n{TOLD}'
    topic = "state.github.issue"

    def __init__(self) -> None:
        self.fake = GitHubFake(_clock(), GITHUB_TOKEN)
        self.app, self.faults, self.clock = self.fake.app, self.fake.faults, self.fake.clock
        self.repository = {"id": 9, "name": "hello", "full_name": "octo/hello", "owner": {"login": "octo", "id": 3}}
        self.fake.put("repository", "/repos/octo/hello", self.repository)

    def change(self, source: str, number: int, text: str) -> RawDelivery:
        """Put an issue of that title."""
        now = f"{self.fake.clock.now():%Y-%m-%dT%H:%M:%SZ}"
        issue = {
            "id": 1_000 + number,
            "number": number,
            "title": text,
            "updated_at": now,
            "created_at": now,
            "state": "open",
        }
        shown = self.fake.put("issue", f"/repos/octo/hello/issues/{number}", issue)
        payload = {
            "action": "edited",
            "issue": shown,
            "repository": self.repository,
            "sender": {"login": "octo", "id": 3},
        }
        return delivery(source, "github", payload, {"x-github-event": "issues", "x-github-delivery": str(uuid.uuid4())})

    def delete(self, source: str, number: int) -> RawDelivery | None:  # noqa: ARG002 - no list shows it
        """Delete nothing: GitHub has no list of what is gone."""
        return None

    def truth(self) -> Mapping[str, str]:
        """Return the titles by id."""
        found = self.fake.store.documents("", "").items()
        return {str(document["id"]): document["title"] for path, document in found if "/issues/" in path}

    def text(self, document: Document) -> str:
        """Return the title."""
        return str(document["title"])


class Products:
    """Products of a shop, deletions included."""

    lines = f'provider = "shopify"\napi_token = "text:{SHOP_TOKEN}"\n{TOLD}'
    topic = "state.shopify.product"

    def __init__(self) -> None:
        self.fake = ShopifyFake(clock=_clock())
        self.app, self.faults, self.clock = self.fake.app, self.fake.faults, self.fake.clock

    def change(self, source: str, number: int, text: str) -> RawDelivery:
        """Put a product of that title."""
        now = f"{self.fake.clock.now():%Y-%m-%dT%H:%M:%SZ}"
        variant = {"id": number * 100, "product_id": number, "price": "19.90", "title": "one", "updated_at": now}
        document = {
            "id": number,
            "title": text,
            "status": "active",
            "updated_at": now,
            "created_at": now,
            "variants": [variant],
        }
        self.fake.put("product", document)
        return self._told(source, number, "products/update")

    def delete(self, source: str, number: int) -> RawDelivery | None:
        """Delete a product."""
        self.fake.delete("product", str(number))
        return self._told(source, number, "products/delete")

    def truth(self) -> Mapping[str, str]:
        """Return the titles by id."""
        found = self.fake.store.documents(self.fake.shop, "product").items()
        return {number: document["title"] for number, document in found}

    def text(self, document: Document) -> str:
        """Return the title."""
        return str(document["title"])

    def _told(self, source: str, number: int, topic: str) -> RawDelivery:
        headers = {
            "x-shopify-topic": topic,
            "x-shopify-webhook-id": uuid.uuid4().hex,
            "x-shopify-shop-domain": self.fake.shop,
            "x-shopify-api-version": "2026-07",
        }
        return delivery(source, "shopify", self.fake.webhook("product", str(number)), headers)


@pytest.mark.parametrize("make", [Customers, Issues, Products])
def test_one_run_repairs_what_was_lost(make: type[Provider], kafka: str, registry: str, tmp_path: Path) -> None:
    """A fifth of the webhooks is lost, and one creation, one update and one deletion for certain; a second run finds nothing."""
    provider = make()
    with (
        serving(provider.app, provider.faults) as server,
        reading(tmp_path, kafka, registry, provider.lines, server.url) as store,
    ):
        store.workers.start(0)
        store.write(_told(provider, store.source))
        wait_until(store.answered(), "all that was told", 120)
        assert _states(provider, kafka, registry, store.source) != provider.truth()
        first = _reconciled(store)
        wait_until(store.answered(), "all reads", 60)
        again = _reconciled(store)
        wait_until(store.answered(), "reads, if there were any", 60)

        assert _states(provider, kafka, registry, store.source) == provider.truth()
        assert_adds_up(store.ledger())
        assert sum(report["repaired"] + report["deleted"] for report in first) > 0
        assert sum(report["repaired"] + report["deleted"] for report in again) == 0


def _told(provider: Provider, source: str) -> Iterator[RawDelivery]:
    """Let things happen; yield the deliveries that were not lost."""
    chance = random.Random(7)  # noqa: S311  no secret
    for happened in _happenings(provider, source, chance):
        provider.clock.advance(5)
        if happened is not None and chance.random() >= LOST:
            yield happened
    provider.change(source, RESOURCES + 1, "unknown")
    provider.clock.advance(5)
    provider.change(source, 1, "1, unseen")
    provider.clock.advance(5)
    provider.delete(source, 2)


def _happenings(provider: Provider, source: str, chance: random.Random) -> Iterator[RawDelivery | None]:
    for number in range(1, RESOURCES + 1):
        yield provider.change(source, number, f"{number}")
    for number in chance.sample(range(4, RESOURCES + 1), CHANGES):
        yield provider.change(source, number, f"{number}, new")
    yield provider.delete(source, 3)


def _reconciled(store: Store) -> list[dict[str, Any]]:
    """Return the reports of a run."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / "penstock"), "reconcile", "--source", store.source, "--json"],
        env=os.environ | {"PENSTOCK_CONFIG": str(store.workers.configuration)},
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _states(provider: Provider, kafka: str, registry: str, source: str) -> dict[str, str]:
    """Return what consumers have, by id."""
    found: dict[str, str] = {}
    with closing(Registry(registry)) as schemas, topic_reader.consumer({"bootstrap.servers": kafka}) as reader:
        for message in topic_reader.read(reader, topic_reader.ranges(reader, provider.topic)):
            key = key_of(message).decode()
            if f"|{source}|" not in key:
                continue
            found.pop(key.rpartition("|")[2], None)
            if value_of(message):
                document = json.loads(schemas.decode(value_of(message))["document"])
                found[key.rpartition("|")[2]] = provider.text(document)
    return found

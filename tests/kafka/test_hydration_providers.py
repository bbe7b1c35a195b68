"""What else has to be read: Shopify's variants beyond the hundredth, the object of a thin event of Stripe, its cut lists."""

import json
import uuid
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.records import Document
from simulator.providers.clock import Clock
from simulator.providers.serving import serving
from simulator.providers.shopify.fake import TOKEN as SHOP_TOKEN
from simulator.providers.shopify.fake import ShopifyFake
from simulator.providers.stripe import StripeFake
from tests.support.builders.written_deliveries import delivery
from tests.support.processes.reading_store import assert_adds_up, reading
from tests.support.processes.workers import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]
KEY = "sk_test_made_up"


def product(variants: int, title: str, time: str) -> Document:
    """Return a product of a shop."""
    return {
        "id": 7,
        "title": title,
        "status": "active",
        "updated_at": time,
        "variants": [
            {"id": 100 + each, "product_id": 7, "price": "19.90", "title": f"size {each}", "updated_at": time}
            for each in range(variants)
        ],
    }


def test_all_variants_of_a_product_arrive(kafka: str, registry: str, tmp_path: Path) -> None:
    """A webhook shows a hundred of 250; each is a change of its own, once."""
    fake = ShopifyFake(clock=Clock(datetime.now(UTC), speed=1.0))
    lines = f'provider = "shopify"\napi_token = "text:{SHOP_TOKEN}"'
    with serving(fake.app, fake.faults) as server, reading(tmp_path, kafka, registry, lines, server.url) as store:
        store.workers.start(0)
        for number, (count, title) in enumerate([(250, "a"), (250, "b")]):
            fake.put("product", product(count, title, f"2026-01-31T07:0{number}:00-05:00"))
            headers = {
                "x-shopify-topic": "products/update",
                "x-shopify-webhook-id": uuid.uuid4().hex,
                "x-shopify-shop-domain": fake.shop,
                "x-shopify-api-version": "2026-07",
            }
            store.write([delivery(store.source, "shopify", fake.webhook("product", "7"), headers)])
            wait_until(store.answered(), f"the product {title}", 120)
        ledger = store.ledger()

    assert_adds_up(ledger)
    changes = Counter((change["resource_type"], change["op"]) for change in ledger.changes)
    assert changes["variant", "c"] == 250
    assert (changes["product", "c"], changes["product", "u"]) == (1, 1)
    assert {outcome["outcome"] for outcome in ledger.outcomes} == {"changed"}


def test_thin_event_and_cut_list_show_the_object(kafka: str, registry: str, tmp_path: Path) -> None:
    """The invoice has all of its lines, and the object of a thin event is the one of its snapshot events."""
    fake = StripeFake(Clock(datetime.now(UTC), speed=1.0), key=KEY)
    lines = f'provider = "stripe"\napi_token = "text:{KEY}"'
    with serving(fake.app, fake.faults) as server, reading(tmp_path, kafka, registry, lines, server.url) as store:
        store.workers.start(0)
        invoice_lines = [{"id": f"il_{number}", "object": "line_item", "amount": number} for number in range(35)]
        told = fake.put("", {"id": "in_1", "object": "invoice", "lines": invoice_lines}, "invoice.created")
        fake.put("", {"id": "cus_1", "object": "customer", "name": "Ann"}, "customer.created")
        thin = fake.thin("", "customer", "cus_1", "v1.customer.updated")
        store.write([delivery(store.source, "stripe", event, {}) for event in (told, thin)])
        wait_until(store.answered(), "both", 120)
        ledger = store.ledger()

    assert_adds_up(ledger)
    kinds = Counter(change["resource_type"] for change in ledger.changes)
    assert kinds["invoice_line_item"] == 35
    (customer,) = (change for change in ledger.changes if change["resource_type"] == "customer")
    assert json.loads(customer["after"])["name"] == "Ann"

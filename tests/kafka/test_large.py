"""The largest deliveries that the ingress accepts are decided or become dead letters; nothing stops."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from schemas.records import Document, RawDelivery, resource_key
from streams.steps.routing import Routes
from tests.support.builders.noisy_products import START, feed, product
from tests.support.oracle.ledger import Ledger, assert_adds_up, recompute
from tests.support.processes.shop import opened
from tests.support.processes.workers import wait_until

pytestmark = pytest.mark.kafka
LARGE_BYTES = 24 * 1024 * 1024


def test_largest_bodies_become_changes(kafka: str, registry: str, tmp_path: Path) -> None:
    """A create and an update of 24 MB: the update's event holds both documents."""
    with opened(kafka, registry, tmp_path) as (source, _, outcomes, workers):
        deliveries = [
            _large(source, "first", 1, "x" * LARGE_BYTES),
            _large(source, "second", 2, "y" * LARGE_BYTES),
            product(source, 2, 0, "small", "third"),
        ]
        feed(kafka, iter(deliveries))
        workers.start(0)
        wait_until(lambda: outcomes() >= len(deliveries), "every outcome", 120)
    ledger = Ledger.read(kafka, registry, source)

    assert {o["delivery_id"]: o["outcome"] for o in ledger.outcomes} == {
        "first": "changed", "second": "changed", "third": "changed",
    }  # fmt: skip
    update = next(change for change in ledger.changes if change["source"]["delivery_id"] == "second")
    assert len(update["before"]) > LARGE_BYTES
    assert len(update["after"]) > LARGE_BYTES


def test_two_thousand_children_come_and_go_in_one_transaction_each(kafka: str, registry: str, tmp_path: Path) -> None:
    """An order with 2,000 line items is created, loses half of them and is deleted: every event once, the tables equal."""
    with opened(kafka, registry, tmp_path) as (source, _, outcomes, workers):
        feed(kafka, iter([_order(source, 1, 2_000), _order(source, 2, 1_000), _order(source, 3, None)]))
        workers.start(0)
        wait_until(lambda: outcomes() >= 3, "every outcome", 120)
    ledger = Ledger.read(kafka, registry, source)

    assert_adds_up(ledger, recompute(ledger.raw, Routes({})))
    items = Counter(change["op"] for change in ledger.changes if change["resource_type"] == "order_line_item")
    assert items == {"c": 2_000, "d": 2_000}
    assert {change["parent_key"] for change in ledger.changes} == {
        None,
        f"shopify|{source}||order|5",
    }


def _order(source: str, second: int, items: int | None) -> RawDelivery:
    time = START + timedelta(seconds=second)
    document: Document = {"id": 5}
    if items is not None:
        lines = [{"id": number, "price": "10.00", "title": "a" * 200} for number in range(items)]
        document |= {"updated_at": time.isoformat(), "line_items": lines}
    topic, key = (
        "orders/delete" if items is None else "orders/updated",
        resource_key("shopify", source, "", "order", "5"),
    )
    headers = {"x-shopify-topic": topic}
    body = msgspec.json.encode(document)
    return RawDelivery(f"order-{second}", "shopify", source, topic, START, key, body, event_time=time, headers=headers)


def _large(source: str, delivery_id: str, second: int, text: str) -> RawDelivery:
    body = b'{"id":77,"updated_at":"2026-01-01T00:00:%02dZ","body_html":"%s"}' % (second, text.encode())
    headers = {"x-shopify-topic": "products/update", "x-shopify-webhook-id": delivery_id}
    key = resource_key("shopify", source, "", "product", "77")
    return RawDelivery(delivery_id, "shopify", source, "products/update", START, key, body, headers=headers)

"""The largest deliveries that the ingress accepts go all the way, or become dead letters; nothing stops."""

import uuid
from contextlib import closing
from pathlib import Path

import pytest

from schemas.records import RawDelivery, resource_key
from tests.support.feed import START, ensure_raw, feed, product
from tests.support.ledger import Ledger, OutcomeCount
from tests.support.workers import configured, running, wait_until

pytestmark = pytest.mark.kafka
LARGE_BYTES = 24 * 1024 * 1024


def test_largest_bodies_become_changes(kafka: str, registry: str, tmp_path: Path) -> None:
    """A create and an update of 24 MB: the update's event holds both documents."""
    source, app = f"shop-{uuid.uuid4().hex[:8]}", f"large-{uuid.uuid4().hex[:8]}"
    ensure_raw(kafka)
    deliveries = [
        _large(source, "first", 1, "x" * LARGE_BYTES),
        _large(source, "second", 2, "y" * LARGE_BYTES),
        product(source, 2, 0, "small", "third"),
    ]
    feed(kafka, iter(deliveries))

    with (
        closing(OutcomeCount(kafka, registry, source)) as outcomes,
        running(tmp_path, configured(kafka, registry, source, app)) as workers,
    ):
        workers.start(0)
        wait_until(lambda: outcomes() >= len(deliveries), "every outcome", 120)
    ledger = Ledger.read(kafka, registry, source)

    assert {o["delivery_id"]: o["outcome"] for o in ledger.outcomes} == {
        "first": "changed", "second": "changed", "third": "changed",
    }  # fmt: skip
    update = next(change for change in ledger.changes if change["source"]["delivery_id"] == "second")
    assert len(update["before"]) > LARGE_BYTES
    assert len(update["after"]) > LARGE_BYTES


def _large(source: str, delivery_id: str, second: int, text: str) -> RawDelivery:
    body = b'{"id":77,"updated_at":"2026-01-01T00:00:%02dZ","body_html":"%s"}' % (second, text.encode())
    headers = {"x-shopify-topic": "products/update", "x-shopify-webhook-id": delivery_id}
    key = resource_key("shopify", source, "product", "77")
    return RawDelivery(delivery_id, "shopify", source, "products/update", START, key, body, headers=headers)

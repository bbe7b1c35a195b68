"""A resource is paused and resumed by restarting a real worker."""

import json
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.records import RawDelivery
from tests.support.builders.noisy_products import ensure_raw, feed, product
from tests.support.oracle.ledger import Ledger, OutcomeCount
from tests.support.processes.workers import configured, running, wait_until

pytestmark = pytest.mark.kafka


def customer(shown: RawDelivery) -> RawDelivery:
    """Return the same delivery about a customer."""
    headers = {**shown.headers, "x-shopify-topic": "customers/update"}
    key = shown.key.replace("|product|", "|customer|")
    return msgspec.structs.replace(shown, event_type="customers/update", key=key, headers=headers)


def test_first_delivery_after_a_pause_shows_the_whole_change(kafka: str, registry: str, tmp_path: Path) -> None:
    """A before the pause, B and C during it, D after it: one change from A to D, once; paused versions can be sent again."""
    source, app = f"shop-{uuid.uuid4().hex[:8]}", f"pause-{uuid.uuid4().hex[:8]}"
    going = configured(kafka, registry, source, app)
    held = [product(source, 1, second, title, f"{source}-{title}") for second, title in ((1, "B"), (2, "C"))]
    ensure_raw(kafka, app)
    outcomes = OutcomeCount(kafka, registry, source)
    with closing(outcomes), running(tmp_path, going) as workers:

        def decide(configuration: str, deliveries: list[RawDelivery], total: int) -> None:
            workers.configuration.write_text(configuration)
            feed(kafka, iter(deliveries))
            child = workers.start(0)
            wait_until(lambda: outcomes() >= total, f"{total} outcomes", 120)
            assert child.stop(30) == 0

        decide(going, [product(source, 1, 0, "A", f"{source}-A")], 1)
        decide(going + 'paused = ["product"]\n', [*held, customer(product(source, 1, 2, "C", f"{source}-customer"))], 4)
        decide(going, [product(source, 1, 3, "D", f"{source}-D"), *held], 7)
    ledger = Ledger.read(kafka, registry, source)

    assert dict(ledger.by_outcome()) == {"changed": 3, "filtered": 2, "stale": 2}
    assert {o["reason"] for o in ledger.outcomes if o["outcome"] == "filtered"} == {"paused"}
    assert [(change["op"], titles(change)) for change in ledger.changes if change["resource_type"] == "product"] == [
        ("c", (None, "A")),
        ("u", ("A", "D")),
    ]
    assert [change["op"] for change in ledger.changes if change["resource_type"] == "customer"] == ["c"]


def titles(change: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return the title before and after."""
    before, after = (json.loads(text)["title"] if text else None for text in (change["before"], change["after"]))
    return before, after

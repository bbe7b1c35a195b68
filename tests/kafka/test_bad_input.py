"""The worker survives any input on `webhooks.raw`, and every delivery has an outcome."""

from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import Producer

from broker.schema_registry import Registry
from schemas.records import RawDelivery
from schemas.topics import DEAD, RAW
from tests.support.builders.noisy_products import START, feed, product
from tests.support.oracle.ledger import Ledger, committed
from tests.support.processes.shop import opened
from tests.support.processes.workers import wait_until

pytestmark = pytest.mark.kafka

BAD_BODIES = {
    "not JSON": (b"<xml/>", "unreadable"),
    "empty": (b"", "unreadable"),
    "nested 100,000 deep": (b"[" * 100_000, "unreadable"),
    "deep but closed": (b'{"id":1,"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "unreadable"),
    "NaN": (b'{"id": 1, "price": NaN}', "unreadable"),
    "an array": (b"[1, 2]", "unknown_shape"),
    "5,000 digits": (b'{"id": 1, "n": ' + b"9" * 5_000 + b"}", "unreadable"),
    "not UTF-8": (b'{"id": 1, "title": "\xff"}', "unreadable"),
}
ODD_BUT_GOOD = {
    "10^400": b'{"id": 901, "updated_at": "2026-01-01T00:00:00Z", "n": 1e400, "m": ' + b"1" + b"0" * 400 + b"}",
    "duplicate keys": b'{"id": 902, "updated_at": "2026-01-01T00:00:00Z", "a": 1, "a": 2}',
    "lone surrogate": b'{"id": 904, "updated_at": "2026-01-01T00:00:00Z", "title": "Hi \\ud83d"}',
    "mark and NUL": b'\xef\xbb\xbf{"id": 905, "updated_at": "2026-01-01T00:00:00Z", "title": "T"}\x00',
    "decimals": b'{"id": 903, "updated_at": "2026-01-01T00:00:00Z", "n": 0.10000000000000000000000000001}',
}


def test_bad_bodies_become_dead_letters_and_the_rest_goes_on(kafka: str, registry: str, tmp_path: Path) -> None:
    """Each bad body becomes a dead letter with its reason and original bytes; the good deliveries between them become changes."""
    with opened(kafka, registry, tmp_path) as (source, _, outcomes, workers):
        bad = [_delivery(source, f"bad {name}", body) for name, (body, _) in BAD_BODIES.items()]
        odd = [_delivery(source, f"odd {name}", body) for name, body in ODD_BUT_GOOD.items()]
        good = [product(source, number, 0, "t", f"good {number}") for number in range(len(bad))]
        total = feed(kafka, iter([delivery for pair in zip(bad, good, strict=True) for delivery in pair] + odd))
        _write_foreign_record(kafka, source)
        workers.start(0)
        wait_until(lambda: outcomes() >= total + 1, "an outcome for each")
        assert workers.children[0].exit_code() is None
    ledger = Ledger.read(kafka, registry, source)

    reasons = {outcome["delivery_id"]: outcome["reason"] for outcome in ledger.outcomes}
    assert {f"bad {name}": reason for name, (_, reason) in BAD_BODIES.items()}.items() <= reasons.items()
    assert len(ledger.changes) == len(good) + len(odd)
    assert _dead_bodies(kafka, registry, source) == {f"bad {name}": body for name, (body, _) in BAD_BODIES.items()}
    texts = {change["source"]["delivery_id"]: change["after"] for change in ledger.changes}
    assert "1" + "0" * 400 in texts["odd 10^400"]
    assert "0.10000000000000000000000000001" in texts["odd decimals"]
    assert '"Hi \ufffd"' in texts["odd lone surrogate"]
    details = {outcome["delivery_id"]: outcome["detail"] for outcome in ledger.outcomes}
    assert details["odd lone surrogate"] == "repaired: lone surrogates replaced by U+FFFD"
    assert details["odd mark and NUL"] == "repaired: byte-order mark skipped, trailing NULs dropped"
    assert details["odd decimals"] == ""


def _delivery(source: str, delivery_id: str, body: bytes) -> RawDelivery:
    headers = {"x-shopify-topic": "products/update", "x-shopify-webhook-id": delivery_id}
    return RawDelivery(delivery_id, "shopify", source, "products/update", START, delivery_id, body, headers=headers)


def _write_foreign_record(kafka: str, source: str) -> None:
    """A foreign producer writes to the topic: the only header of ours is the source, so that the ledger counts the record."""
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(RAW, b"hello", headers=[("penstock_source", source.encode()), ("x", b"\xff")])
    assert producer.flush(10) == 0


def _dead_bodies(kafka: str, registry: str, source: str) -> dict[str, bytes]:
    with closing(Registry(registry)) as schemas:
        letters = [schemas.decode(message.value() or b"") for message in committed(kafka, DEAD)]
    return {
        letter["delivery_id"]: letter["body"]
        for letter in letters
        if letter["source"] == source and letter["provider"] != "unknown"
    }

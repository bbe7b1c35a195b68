"""Captured deliveries, sent again with altered headers, through ingress and worker: no false change, and all of it explained."""

import uuid
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker.schema_registry import Registry
from providers.base import Sample
from providers.shopify.provider import Shopify
from schemas.topics import DEAD
from tests.support.builders.noisy_products import ensure_raw
from tests.support.oracle.ledger import Ledger, OutcomeCount, committed
from tests.support.processes.ingress import IngressProcess, running_ingress
from tests.support.processes.workers import running, wait_until

pytestmark = pytest.mark.kafka
RUN = uuid.uuid4().hex[:8]
APP = f"replay-{RUN}"
SOURCE = f"acme-{RUN}"
SECRET = b"made-up"


def product(title: str, second: int) -> bytes:
    """Return a product as of a second."""
    time = f"2026-01-31T12:00:{second:02}Z"
    gid = "gid://shopify/Product/7"
    text = f'{{"id":7,"title":"{title}","admin_graphql_api_id":"{gid}","created_at":"{time}","updated_at":"{time}"}}'
    return text.encode()


def configured(kafka: str, registry: str) -> str:
    """Return a penstock.toml with one source."""
    head = f'[kafka]\nbootstrap_servers = "{kafka}"\n[registry]\nurl = "{registry}"\n[worker]\napp = "{APP}"\n'
    return f'{head}[[sources]]\nname = "{SOURCE}"\nprovider = "shopify"\nsecrets = ["text:{SECRET.decode()}"]\n'


OLD, NEW, OTHER = product("old", 1), product("new", 2), product("other", 2)
POSTED = (
    # delivery id, topic, body, expected outcome
    ("a", "products/create", OLD, "changed created"),
    ("b", "products/update", NEW, "changed updated"),
    # An attacker who has captured these two, and one more of the second of the last timestamp, can send:
    ("c", "products/update", NEW, "duplicate same_version_and_content"),
    ("d", "products/update", OLD, "duplicate same_version_and_content"),
    ("e", "products/delete", NEW, "dead misnamed"),
    ("f", "orders/delete", NEW, "dead misnamed"),
    ("g", "customers/redact", NEW, "dead misnamed"),
    ("b", "products/update", OTHER, "dead reused_delivery_id"),
    # And genuine deliveries continue:
    ("h", "products/update", OTHER, "changed updated"),
    ("i", "products/delete", b'{"id":7}', "changed deleted"),
    ("j", "products/update", OTHER, "duplicate same_version_and_content"),
)


def post(shop: IngressProcess, delivery_id: str, topic: str, body: bytes) -> int:
    """Post with a valid signature, as is possible with any captured body, and return the status."""
    headers = Shopify().sign(Sample(body, topic, delivery_id, datetime.now(UTC)), SECRET)
    return shop.post(f"/v1/{SOURCE}", body, headers).status_code


def test_captured_deliveries_make_no_false_change(kafka: str, registry: str, tmp_path: Path) -> None:
    """Each replay ends as duplicate or dead letter with its reason; the changes are the genuine ones."""
    text = configured(kafka, registry)
    ensure_raw(kafka, APP)
    (tmp_path / "ingress").mkdir()
    (tmp_path / "worker").mkdir()
    with running_ingress(tmp_path / "ingress", text) as shop:
        shop.until_ready()
        assert [post(shop, *posted[:3]) for posted in POSTED] == [200] * len(POSTED)

    with (
        closing(OutcomeCount(kafka, registry, SOURCE)) as outcomes,
        running(tmp_path / "worker", text) as workers,
    ):
        workers.start(0)
        wait_until(lambda: outcomes() >= len(POSTED), "an outcome for each")
        log = workers.log(0).read_text()
    ledger = Ledger.read(kafka, registry, SOURCE)

    decided = sorted((o["delivery_id"], f"{o['outcome']} {o['reason']}") for o in ledger.outcomes)
    assert decided == sorted((delivery_id, outcome) for delivery_id, _, _, outcome in POSTED)
    assert [(c["op"], c["source"]["delivery_id"]) for c in ledger.changes if c["resource_type"] == "product"] == [
        *(("c", "a"), ("u", "b"), ("u", "h"), ("d", "i"))
    ]
    assert len(ledger.changes) == 4
    assert log.count("suspicious_delivery") == 4
    with closing(Registry(registry)) as schemas:
        letters = [schemas.decode(message.value() or b"") for message in committed(kafka, DEAD)]
    kept = {letter["body"] for letter in letters if letter["source"] == SOURCE}
    assert kept == {NEW, OTHER}

"""A Next Gen Event and a classic webhook of one product, posted over HTTP: one resource, one document with the fields of both."""

import uuid
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime

import msgspec
import pytest

from providers.base import Sample
from providers.registry import provider
from tests.support.builders.noisy_products import ensure_raw
from tests.support.oracle.ledger import Ledger, OutcomeCount
from tests.support.processes.ingress import IngressProcess, running_ingress
from tests.support.processes.workers import running, wait_until

pytestmark = pytest.mark.kafka
RUN = uuid.uuid4().hex[:8]
SOURCE = f"events-{RUN}"
SECRET = b"a made-up secret"
GID = "gid://shopify/Product/1"
WEBHOOK = {
    "id": 1,
    "admin_graphql_api_id": GID,
    "title": "A",
    "vendor": "Acme",
    "updated_at": "2026-01-31T07:00:00-05:00",
}
EVENT = {
    "topic": "Product",
    "action": "update",
    "handle": "my_products",
    "fields_changed": {"added": [], "updated": [f"product[id: '{GID}'].title"], "removed": []},
    "query_variables": {"productId": GID},
    "data": {"product": {"id": GID, "title": "B", "totalInventory": 5, "updatedAt": "2026-01-31T12:00:05Z"}},
}


def post(shop: IngressProcess, body: Mapping[str, object], is_event: bool) -> int:
    """Post a body signed as Shopify signs it, with the headers of its family, and return the status."""
    text = msgspec.json.encode(body)
    headers = provider("shopify").sign(Sample(text, "products/update", str(uuid.uuid4()), datetime.now(UTC)), SECRET)
    if is_event:
        headers = {name.removeprefix("x-"): value for name, value in headers.items() if name != "x-shopify-event-id"}
        headers |= {"shopify-topic": "Product", "shopify-action": "update", "shopify-handle": "my_products"}
    return shop.post(f"/v1/{SOURCE}", text, headers).status_code


def test_event_and_webhook_are_one_product(kafka: str, registry: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The signature, the names and the merge, from the socket to the change."""
    configured = (
        f'[kafka]\nbootstrap_servers = "{kafka}"\n[registry]\nurl = "{registry}"\n[worker]\napp = "{SOURCE}"\n'
        f'[[sources]]\nname = "{SOURCE}"\nprovider = "shopify"\nsecrets = ["text:{SECRET.decode()}"]\n'
    )
    ensure_raw(kafka, SOURCE)
    with running_ingress(tmp_path_factory.mktemp("ingress"), configured) as shop:
        shop.until_ready()
        assert [post(shop, WEBHOOK, False), post(shop, EVENT, True), post(shop, EVENT | {"topic": "Order"}, True)] == [
            200
        ] * 3
    with running(tmp_path_factory.mktemp("workers"), configured) as workers:
        workers.start(0)
        with closing(OutcomeCount(kafka, registry, SOURCE)) as outcomes:
            wait_until(lambda: outcomes() >= 3, "the outcomes")

    ledger = Ledger.read(kafka, registry, SOURCE)
    decided = sorted((outcome["outcome"], outcome["reason"]) for outcome in ledger.outcomes)
    assert decided == [("changed", "created"), ("changed", "updated"), ("dead", "misnamed")]
    assert {(change["resource_type"], change["resource_id"]) for change in ledger.changes} == {("product", "1")}
    assert msgspec.json.decode(ledger.changes[-1]["after"]) == WEBHOOK | {
        "title": "B",
        "total_inventory": 5,
        "updated_at": "2026-01-31T12:00:05Z",
    }

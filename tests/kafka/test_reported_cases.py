"""What went wrong for others, posted over HTTP and signed as its sender signs it: tenants, modes, renderings, marks, tests.

The rules themselves are tested in tests/contract; here they have to survive the socket, Kafka's headers and the command line.
"""

import uuid
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from providers.base import Sample
from providers.registry import provider
from tests.support.builders.noisy_products import ensure_raw
from tests.support.oracle.ledger import Ledger, OutcomeCount
from tests.support.processes.ingress import IngressProcess, running_ingress
from tests.support.processes.workers import running, wait_until

pytestmark = pytest.mark.kafka
RUN = uuid.uuid4().hex[:8]
SECRET = "a made-up secret"
STORES, SHOP, CONNECT, USERS = (f"{name}-{RUN}" for name in ("stores", "shop", "connect", "users"))
T = 1_769_860_800  # 2026-01-31T12:00:00Z


class Post(Struct, frozen=True):
    """One request: the source, its provider, the path's end, the body, and headers that replace those of the sample."""

    source: str
    provider: str
    body: bytes | Mapping[str, Any]
    topic: str = ""
    headers: Mapping[str, str] = {}
    slash: str = ""
    status: int = 200

    def send(self, ingress: IngressProcess) -> None:
        """Post it, and check the status."""
        body = self.body if isinstance(self.body, bytes) else msgspec.json.encode(self.body)
        sample = Sample(body, self.topic, str(uuid.uuid4()), datetime.now(UTC))
        headers = {**provider(self.provider).sign(sample, SECRET.encode()), **self.headers}
        answer = ingress.post(f"/v1/{self.source}{self.slash}", body, headers)
        assert answer.status_code == self.status, answer.text


def store(store_hash: str, verb: str, created_s: int, status: int = 200) -> Post:
    """Return a store's notification about its product 205."""
    body = {
        "scope": f"store/product/{verb}",
        "producer": f"stores/{store_hash}",
        "hash": uuid.uuid4().hex,
        "created_at": created_s,
        "data": {"type": "product", "id": 205},
    }
    return Post(STORES, "bigcommerce", body, status=status)


def coupon(event_id: str, created_s: int, percent: int, *, is_live: bool) -> Post:
    """Return an event of the connected account acct_A about its coupon SUMMER."""
    shown = {"id": "SUMMER", "object": "coupon", "percent_off": percent, "livemode": is_live}
    body = {
        "id": event_id,
        "object": "event",
        "account": "acct_A",
        "type": "coupon.updated",
        "created": created_s,
        "livemode": is_live,
        "data": {"object": shown},
    }
    return Post(CONNECT, "stripe", body)


def intent(api_version: str, **shown: object) -> Post:
    """Return the event evt_1 about an intent as an endpoint of a version of the API gets it."""
    body = {
        "id": "evt_1",
        "object": "event",
        "type": "payment_intent.succeeded",
        "created": T,
        "livemode": True,
        "api_version": api_version,
        "data": {"object": {"id": "pi_1", "object": "payment_intent", "status": "succeeded", **shown}},
    }
    return Post(CONNECT, "stripe", body)


def product(updated_at: str, **shown: object) -> Post:
    """Return a shop's product 7, whole or as a subscription with `fields` shows it."""
    return Post(SHOP, "shopify", {"id": 7, "updated_at": updated_at, **shown}, "products/update")


WHOLE = {"title": "A", "body_html": "<p>A</p>", "vendor": "Acme"}
MARKED = b'\xef\xbb\xbf{"id":8,"title":"mark","updated_at":"2026-01-31T12:00:00Z"}'
POSTS = (
    store("aaa", "created", T),
    store("bbb", "created", T + 1),
    store("bbb", "deleted", T + 5),
    store("aaa", "updated", T + 4),
    store("ccc", "created", T, status=403),
    coupon("evt_live", T + 1, 10, is_live=True),
    coupon("evt_test", T + 2, 99, is_live=False),
    intent("2022-11-15", charges={"data": [{"id": "ch_1", "object": "charge"}]}),
    intent("2024-06-20", latest_charge="ch_1"),
    product("2026-01-31T12:00:00Z", **WHOLE),
    product("2026-01-31T12:00:00Z", title="A"),
    product("2026-01-31T12:05:00Z", **WHOLE),
    product("2026-01-31T12:05:00Z", title="A"),
    Post(SHOP, "shopify", MARKED, "products/update", slash="/"),
    Post(SHOP, "shopify", {"id": 820982911946154508}, "orders/create", {"x-shopify-test": "true"}),
    Post(USERS, "generic", {"id": 5, "at": "2026-01-31 12:00:09 UTC", "name": "new"}),
    Post(USERS, "generic", {"id": 5, "at": "2026-01-31 12:00:00 UTC", "name": "old"}),
    Post(USERS, "generic", {"id": 5, "at": "soon", "name": "when"}),
)


@pytest.fixture(scope="module")
def configured(kafka: str, registry: str) -> str:
    """Return the configuration of four sources, of which the first two say whom they expect."""
    secrets = f'secrets = ["text:{SECRET}"]\n'
    return (
        f'[kafka]\nbootstrap_servers = "{kafka}"\n[registry]\nurl = "{registry}"\n[worker]\napp = "{STORES}"\n'
        f'[[sources]]\nname = "{STORES}"\nprovider = "bigcommerce"\ntenants = ["aaa", "bbb"]\n{secrets}'
        f'[[sources]]\nname = "{SHOP}"\nprovider = "shopify"\ntenants = ["example.myshopify.com"]\n{secrets}'
        f'[[sources]]\nname = "{CONNECT}"\nprovider = "stripe"\n{secrets}'
        f'[[sources]]\nname = "{USERS}"\nprovider = "generic"\n{secrets}options = {{ time_path = "at" }}\n'
    )


@pytest.fixture(scope="module")
def ledgers(kafka: str, registry: str, configured: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ledger]:
    """Post everything, let a worker decide it, and return what it made of each source."""
    sources = (STORES, SHOP, CONNECT, USERS)
    ensure_raw(kafka, STORES)
    with running_ingress(tmp_path_factory.mktemp("ingress"), configured) as ingress:
        ingress.until_ready()
        for post in POSTS:
            post.send(ingress)
        assert "aaa" not in ingress.get("/metrics").text  # a tenant is never a label
    with running(tmp_path_factory.mktemp("workers"), configured) as workers:
        workers.start(0)
        for source in sources:
            expected = sum(post.source == source and post.status == 200 for post in POSTS)
            with closing(OutcomeCount(kafka, registry, source)) as outcomes:
                wait_until(lambda outcomes=outcomes, n=expected: outcomes() >= n, "the outcomes")  # type: ignore[misc]
    return {source: Ledger.read(kafka, registry, source) for source in sources}


def decided(ledger: Ledger) -> list[str]:
    """Return outcomes with their reasons, in the order of the posts of each resource."""
    return sorted(f"{outcome['outcome']} {outcome['reason']}" for outcome in ledger.outcomes)


def standing(ledger: Ledger) -> dict[tuple[str, str], dict[str, Any] | None]:
    """Return what exists in the end, by tenant and resource id."""
    return {
        (change["tenant"], change["resource_id"]): change["after"] and msgspec.json.decode(change["after"])
        for change in ledger.changes
    }


def test_stores_of_one_app_do_not_share_a_product(ledgers: dict[str, Ledger]) -> None:
    """bigcommerce-api-php#102; and a third store, which is not listed, got 403."""
    found = standing(ledgers[STORES])

    assert decided(ledgers[STORES]) == ["changed created", "changed created", "changed deleted", "changed updated"]
    assert {name: document is None for name, document in found.items()} == {("aaa", "205"): False, ("bbb", "205"): True}


def test_test_mode_does_not_replace_live_data(ledgers: dict[str, Ledger]) -> None:
    """pay-rails/pay#999; and stripe-java#1177: the same event in another version of the API is a duplicate."""
    found = standing(ledgers[CONNECT])

    assert {name: document and document.get("percent_off") for name, document in found.items()} == {
        ("acct_A", "SUMMER"): 10,
        ("acct_A:test", "SUMMER"): 99,
        ("", "pi_1"): None,
    }
    assert decided(ledgers[CONNECT])[3:] == ["duplicate other_rendering"]


def test_slim_subscription_removes_nothing(ledgers: dict[str, Ledger]) -> None:
    """shopify_app#1183; a byte-order mark and a slash at the end of the path do no harm; a test notification is no order."""
    found = standing(ledgers[SHOP])
    details = {outcome["detail"] for outcome in ledgers[SHOP].outcomes}

    assert found.keys() == {("example.myshopify.com", "7"), ("example.myshopify.com", "8")}
    assert (found["example.myshopify.com", "7"] or {}).items() >= WHOLE.items()
    assert [change["op"] for change in ledgers[SHOP].changes] == ["c", "c"]
    assert "filtered test" in decided(ledgers[SHOP])
    assert any("byte-order mark skipped" in detail for detail in details)


def test_older_times_are_stale_and_unreadable_ones_are_told(ledgers: dict[str, Ledger]) -> None:
    """gitlab4j#333: `2026-01-31 12:00:09 UTC` is a time."""
    outcomes = {outcome["reason"]: outcome["detail"] for outcome in ledgers[USERS].outcomes}

    assert "stale older_than_stored" in decided(ledgers[USERS])
    assert any("at" in detail and "time" in detail for detail in outcomes.values())

"""Declared writes: who may declare them, what they may be, and what becomes of them on the raw topic."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
import structlog

from ingress.admission.networks import Networks
from ingress.admission.rate_limits import Rate
from ingress.app import IngressApp, fallback
from ingress.delivery.publisher import PUBLISHED, SPOOLED, Report, Unpublished
from ingress.observability.metrics import Metrics
from ingress.receive import Receiver
from ingress.settings import Settings
from ingress.sources import Secret, Source
from providers.base import SignedRequest
from providers.received import kept_headers
from providers.shopify.provider import Shopify
from schemas.codec import raw_delivery
from schemas.writes import MAX_BYTES, write_of
from streams.steps.echoes import is_declaration
from tests.support.kafka.memory_topic import MemoryTopic
from tests.unit.ingress.test_app import no_lifespan

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
WRITE = {"resource_type": "order", "resource_id": "7", "tenant": "a.myshopify.com", "values": {"/note": "packed"}}
TOKEN = {"authorization": "Bearer made-up"}


class Ingress:
    """An ingress with a source that takes declared writes from anywhere, and deliveries from one network, slowly."""

    def __init__(
        self, token: bytes | None = b"made-up", report: Report = PUBLISHED, tenants: Sequence[str] = (), **settings: Any
    ) -> None:
        source = Source(
            "acme", Shopify(), (Secret(b"s"),), True, Networks.of(["192.0.2.0/24"]), Rate(0.01, 1), frozenset(tenants), token
        )  # fmt: skip
        self.topic, self.metrics = MemoryTopic(report), Metrics([source])
        receiver = Receiver(Settings({}, **settings), {"acme": source}, self.topic, self.metrics, lambda: NOW)
        self._app = IngressApp(receiver, fallback(no_lifespan))

    async def post(
        self, write: Any = None, path: str = "/v1/acme/writes", headers: Mapping[str, str] = TOKEN
    ) -> tuple[int, str]:
        """Return the status and reason of the answer to a declaration, which may be bytes as they are."""
        content = write if isinstance(write, bytes) else msgspec.json.encode(write or WRITE)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url="http://ingress") as http:
            answer = await http.post(path, content=content, headers=headers)
        self.text = answer.text
        return answer.status_code, answer.json()["error"] if answer.content else ""


async def test_declared_write_is_kept_on_the_partition_of_its_deliveries() -> None:
    """Under the key that a delivery of the order has, marked so that no sender could: `allow` and `rate_limit` are not for it."""
    ingress = Ingress()
    order = SignedRequest(
        {"x-shopify-topic": "orders/updated", "x-shopify-shop-domain": "a.myshopify.com"}, b'{"id":7}'
    )

    assert [await ingress.post(), await ingress.post()] == [(200, ""), (200, "")]
    key, body, headers = ingress.topic.records[0]
    kept = raw_delivery(key, body, headers, ("webhooks.raw", 0, 0))
    assert kept.key == Shopify().identify("acme", order).key
    assert (is_declaration(kept), kept.tenant, kept.received_at) == (True, "a.myshopify.com", NOW)
    assert write_of(kept.body) == write_of(msgspec.json.encode(WRITE))
    assert "made-up" not in repr(ingress.topic.records)


async def test_repeated_declaration_has_the_same_id() -> None:
    """So that it counts once; without an id of its own each is another."""
    ingress = Ingress()
    for write in ({**WRITE, "write_id": "w1"}, {**WRITE, "write_id": "w1"}, WRITE, WRITE):
        await ingress.post(write)

    ids = [raw_delivery(*record, ("webhooks.raw", 0, 0)).delivery_id for record in ingress.topic.records]
    assert ids[:2] == ["write-w1", "write-w1"]
    assert len(set(ids)) == 3


async def test_part_is_kept_with_the_resource_that_shows_it() -> None:
    """A variant comes on its product's deliveries."""
    ingress = Ingress()
    part = {"resource_type": "variant", "resource_id": "1", "part_of": {"resource_type": "product", "resource_id": "7"}}

    assert await ingress.post({**part, "values": {"/price": "2"}}) == (200, "")
    assert ingress.topic.records[0][0] == b"shopify|acme||product|7"


@pytest.mark.parametrize("headers", [
    {}, {"authorization": "Bearer wrong"}, {"authorization": "Bearer made-up2"}, {"authorization": "Bearer "},
    {"authorization": "made-up"}, {"authorization": "Basic made-up"}, {"authorization": "Bearer m\u00e4de-up"},
])  # fmt: skip
async def test_wrong_token_is_refused_unread(headers: Mapping[str, str]) -> None:
    """Whatever the body is; the answer and the log tell nothing of the token."""
    ingress = Ingress()
    sent = {name: value.encode("latin-1") for name, value in headers.items()}

    with structlog.testing.capture_logs() as logs:
        assert await ingress.post(b"{" * MAX_BYTES * 2, headers=sent) == (401, "wrong_token")  # type: ignore[arg-type]  # bytes, too
    assert ingress.topic.records == []
    assert "made-up" not in ingress.text + repr(logs)


async def test_scheme_is_read_in_any_case() -> None:
    """RFC 9110, section 11.1."""
    assert await Ingress().post(headers={"Authorization": "bearer made-up"}) == (200, "")


async def test_source_without_token_takes_none() -> None:
    """Off unless configured, and for unknown sources."""
    assert await Ingress(token=None).post() == (404, "no_writes")
    assert await Ingress().post(path="/v1/other/writes") == (404, "unknown_source")


@pytest.mark.parametrize("write", [
    b"", b"[]", b"{", b"\xff", b"[" * 10_000,
    {"resource_type": "order", "resource_id": "7"},
    {**WRITE, "values": {"note": "no pointer"}},
    {**WRITE, "valeus": {}},
    {**WRITE, "is_deletion": True},
    {**WRITE, "resource_type": "a|b"},
    {**WRITE, "resource_id": ""},
    {**WRITE, "resource_id": 7},
    {"resource_type": "order", "resource_id": "7", "idempotency_key": "k", "derived": ["/a"]},
])  # fmt: skip
async def test_malformed_write_is_refused(write: Any) -> None:
    """With what was expected; nothing is kept."""
    ingress = Ingress()

    assert await ingress.post(write) == (400, "malformed_write")
    assert "xpected" in ingress.text
    assert "packed" not in ingress.text
    assert ingress.topic.records == []


async def test_large_write_is_refused() -> None:
    """Declared as large, or sent so in chunks."""
    body = msgspec.json.encode({**WRITE, "values": {"/note": "x" * MAX_BYTES}})

    assert await Ingress().post(body) == (413, "body_too_large")
    assert await Ingress().post(body, headers={**TOKEN, "content-length": "10"}) == (413, "body_too_large")


async def test_unknown_tenant_is_refused() -> None:
    """As for deliveries."""
    assert await Ingress(tenants=["b.myshopify.com"]).post() == (403, "unknown_tenant")
    assert await Ingress(tenants=["a.myshopify.com"]).post() == (200, "")


async def test_write_is_accepted_only_once_kept() -> None:
    """The spool counts, as for deliveries; else the program is told to try again."""
    assert await Ingress(report=SPOOLED).post() == (200, "")
    assert await Ingress(report=Unpublished("ack_timeout", "no answer")).post() == (503, "ack_timeout")
    assert await Ingress(max_concurrent=0).post() == (503, "too_busy")


async def test_answers_count_for_the_source() -> None:
    """The metric has the source's name, without the path below it."""
    ingress = Ingress()
    await ingress.post(headers={})
    labels = {"source": "acme", "provider": "shopify", "result": "refused", "reason": "wrong_token"}

    assert ingress.metrics.registry.get_sample_value("penstock_ingress_answers_total", labels) == 1


def test_sender_cannot_mark_its_delivery_as_a_write() -> None:
    """The header is one of those that are dropped from what senders send."""
    assert kept_headers(Shopify(), {"penstock_origin": "write", "x-shopify-topic": "a"}) == {"x-shopify-topic": "a"}

"""One delivery on its way: what is verified and kept, and the answer when Kafka does not take it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest
from starlette.types import Message, Receive

from ingress.admission.networks import Networks
from ingress.admission.rate_limits import Rate
from ingress.answers import Answer
from ingress.delivery.publisher import PUBLISHED, Report, Unpublished
from ingress.observability.metrics import Metrics
from ingress.receive import Receiver, text_headers
from ingress.settings import Settings
from ingress.sources import Secret, Source
from providers.base import Sample
from providers.generic import Generic, GenericOptions
from providers.received import kept_headers
from providers.shopery import Shopery
from providers.shopify.provider import Shopify
from schemas.codec import raw_delivery
from tests.support.kafka.memory_topic import MemoryTopic

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
BODY = b'{"id":7}'


class IngressApp:
    """A receiver with one Shopify source called acme."""

    def __init__(
        self,
        *secrets: Secret,
        report: Report = PUBLISHED,
        is_verified: bool = True,
        allow: Sequence[str] = (),
        rate: Rate | None = None,
        settings: Settings | None = None,
        tenants: Sequence[str] = (),
    ) -> None:
        networks = Networks.of(allow) if allow else None
        secrets = secrets or (Secret(b"new", ref="env:NEW"),)
        source = Source("acme", Shopify(), secrets, is_verified, networks, rate, frozenset(tenants))
        self.topic, self.metrics = MemoryTopic(report), Metrics([source])
        self.receiver = Receiver(settings or Settings({}), {"acme": source}, self.topic, self.metrics, lambda: NOW)

    async def post(
        self,
        secret: bytes | None = b"new",
        name: str = "acme",
        body: bytes = BODY,
        receive: Receive | None = None,
        peer: str = "",
        forwarded_for: str = "",
    ) -> Answer:
        """Return the answer to a delivery signed with a secret, or not at all."""
        headers = {} if secret is None else Shopify().sign(Sample(body, "products/update", "d-1", NOW), secret)
        headers |= {"x-forwarded-for": forwarded_for} if forwarded_for else {}

        async def whole() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        pairs = [(k.encode(), v.encode()) for k, v in headers.items()]
        return await self.receiver.receive(name, pairs, receive or whole, peer)

    def count(self, metric: str, **labels: str) -> float | None:
        """Return a metric's value."""
        return self.metrics.registry.get_sample_value(metric, labels)


async def test_verified_delivery_is_published_and_accepted() -> None:
    """The record holds the exact body under the root resource's key, and the time of arrival."""
    ingress = IngressApp()

    answer = await ingress.post()

    assert (answer.status, answer.body()) == (200, b"")
    ((key, value, headers),) = ingress.topic.records
    delivery = raw_delivery(key, value, headers, ("webhooks.raw", 0, 0))
    assert (key, value) == (b"shopify|acme|example.myshopify.com|product|7", BODY)
    assert (delivery.delivery_id, delivery.source, delivery.received_at) == ("d-1", "acme", NOW)
    assert delivery.headers["x-shopify-topic"] == "products/update"


async def test_delivery_of_an_unlisted_tenant_is_refused() -> None:
    """Only after its signature was verified; the tenant is named to the sender and never a label."""
    theirs, ours = IngressApp(tenants=["ours.myshopify.com"]), IngressApp(tenants=["example.myshopify.com"])

    refused, accepted = await theirs.post(), await ours.post()
    forged = await theirs.post(b"other")

    assert (refused.status, refused.reason, theirs.topic.records) == (403, "unknown_tenant", [])
    assert "example.myshopify.com" in refused.detail
    assert (accepted.status, len(ours.topic.records)) == (200, 1)
    assert (forged.status, forged.reason) == (401, "wrong_signature")
    labels = {"source": "acme", "provider": "shopify", "result": "refused", "reason": "unknown_tenant"}
    assert theirs.count("penstock_ingress_answers_total", **labels) == 1


@pytest.mark.parametrize(("secret", "reason"), [(None, "missing_signature"), (b"other", "wrong_signature")])
async def test_unverified_delivery_is_not_published(secret: bytes | None, reason: str) -> None:
    """A refusal is counted under its reason and has no other effect."""
    ingress = IngressApp()

    answer = await ingress.post(secret)

    assert (answer.status, answer.reason) == (401, reason)
    assert ingress.topic.records == []
    labels = {"source": "acme", "provider": "shopify", "result": "refused", "reason": reason}
    assert ingress.count("penstock_ingress_answers_total", **labels) == 1


async def test_unknown_source_does_not_name_a_metric() -> None:
    """Names chosen by strangers never become labels."""
    ingress = IngressApp()

    answer = await ingress.post(name="x" * 5000)

    assert (answer.status, answer.reason) == (404, "unknown_source")
    assert len(answer.detail) < 200
    labels = {"source": "", "provider": "", "result": "refused", "reason": "unknown_source"}
    assert ingress.count("penstock_ingress_answers_total", **labels) == 1


@pytest.mark.parametrize(("until", "status"), [(date(2026, 6, 30), 200), (date(2026, 6, 29), 401), (None, 200)])
async def test_old_secret_is_accepted_up_to_its_last_day(until: date | None, status: int) -> None:
    """Rotation needs no downtime, and ends on the configured day, UTC."""
    ingress = IngressApp(Secret(b"new", None, 0, "env:NEW"), Secret(b"old", until, 1, "env:OLD"))

    answer = await ingress.post(b"old")

    assert answer.status == status
    assert ingress.count("penstock_ingress_secret_uses_total", source="acme", secret="1", ref="env:OLD") == (
        status == 200
    )
    refused = ingress.count("penstock_ingress_expired_secret_uses_total", source="acme", secret="1", ref="env:OLD")
    assert refused == (None if until is None else status == 401)
    assert "OLD" not in answer.detail


async def test_uses_are_counted_for_the_right_secret() -> None:
    """An expired secret before the one in use does not shift the count."""
    ingress = IngressApp(Secret(b"expired", date(2026, 1, 1), 0, "env:OLD"), Secret(b"new", None, 1, "env:NEW"))

    await ingress.post(b"new")

    assert ingress.count("penstock_ingress_secret_uses_total", source="acme", secret="1", ref="env:NEW") == 1


async def test_source_without_a_current_secret_says_so() -> None:
    """The sender learns that its secret is not to blame, but not when which secret expired."""
    answer = await IngressApp(Secret(b"old", date(2026, 1, 1), 0, "env:OLD")).post(b"old")

    assert (answer.status, answer.reason) == (401, "wrong_signature")
    assert answer.detail == "no secret of this source is current; `penstock check` names those that expired"


@pytest.mark.parametrize(("secrets", "detail"), [
    ((b"shpat_hush",), "1 secret configured, none usable: expected the app's client secret (shpss_), got an access token"),
    ((b"hush\n", b" "), "2 secrets configured, none usable: it has white space or a newline around it; take that away; it is"),
    ((b"shpat_hush", b"new"), "none of 2 current secrets makes this signature of the body received"),
])  # fmt: skip
async def test_secrets_that_can_never_match_are_told(secrets: tuple[bytes, ...], detail: str) -> None:
    """Not as "none of 0 secrets", which sends its reader to the sender; and never with the secret."""
    ingress = IngressApp(*(Secret(secret, ref="env:A") for secret in secrets))

    answer = await ingress.post(b"other")

    assert (answer.status, answer.reason) == (401, "wrong_signature")
    assert answer.detail.startswith(detail)
    assert "hush" not in answer.detail


async def test_source_without_verification_accepts_unsigned() -> None:
    """A delivery needs no signature only where the configuration says so."""
    assert (await IngressApp(is_verified=False).post(None)).status == 200


@pytest.mark.parametrize(("reason", "status"), [
    ("ack_timeout", 503),
    ("kafka_error", 503),
    ("queue_full", 503),
    ("record_too_large", 413),  # a retry would not make it smaller
])  # fmt: skip
async def test_unpublished_delivery_is_sent_again_by_the_provider(reason: Any, status: int) -> None:
    """There is no 200 without Kafka's acknowledgement; 503 carries Retry-After."""
    answer = await IngressApp(report=Unpublished(reason, "as told")).post()

    assert (answer.status, answer.reason) == (status, reason)
    assert ("retry-after" in [name.decode() for name, _ in answer.headers]) == (status == 503)


async def never_read() -> Message:
    """Stand for a body that must not be read."""
    raise AssertionError("the body was read")


@pytest.mark.parametrize(("peer", "forwarded_for", "status"), [
    ("203.0.113.9", "", 200),
    ("::ffff:203.0.113.9", "", 200),
    ("2001:db8::1", "", 200),
    ("198.51.100.1", "", 403),
    ("198.51.100.1", "203.0.113.9", 403),     # not from a trusted proxy
    ("10.0.0.1", "203.0.113.9", 200),
    ("10.0.0.1", "203.0.113.9, 198.51.100.1", 403),
    ("10.0.0.1", "", 403),
    ("", "", 403),
])  # fmt: skip
async def test_allowlist_decides_by_address(peer: str, forwarded_for: str, status: int) -> None:
    """Only senders in the source's networks are accepted, regardless of their headers."""
    ingress = IngressApp(
        allow=["203.0.113.0/24", "2001:db8::/32"], settings=Settings({}, trusted_proxies=Networks.of(["10.0.0.0/8"]))
    )

    answer = await ingress.post(peer=peer, forwarded_for=forwarded_for)

    assert (answer.status, answer.reason) == (status, "" if status == 200 else "not_allowed")


async def test_body_of_a_stranger_is_not_read() -> None:
    """403 comes before the first byte of the body, and names the address for the allowlist."""
    answer = await IngressApp(allow=["203.0.113.0/24"]).post(receive=never_read, peer="198.51.100.1")

    assert answer.status == 403
    assert "198.51.100.1" in answer.detail


async def test_rate_is_held_before_the_body() -> None:
    """Deliveries beyond the burst get 429 unread, with the whole seconds until there is a token."""
    ingress = IngressApp(rate=Rate(0.2, 2))

    assert [(await ingress.post()).status for _ in range(2)] == [200, 200]
    answer = await ingress.post(receive=never_read)

    assert (answer.status, answer.reason, answer.headers) == (429, "rate_limited", ((b"retry-after", b"5"),))
    labels = {"source": "acme", "provider": "shopify", "result": "refused", "reason": "rate_limited"}
    assert ingress.count("penstock_ingress_answers_total", **labels) == 1


@pytest.mark.parametrize(("rate", "statuses"), [(Rate(0.2, 1), [200, 429]), (Rate(0.2, 2), [200, 200])])
async def test_reload_gives_no_new_tokens(rate: Rate, statuses: list[int]) -> None:
    """Reloaded sources keep the tokens left in their bucket, unless their rate changes."""
    ingress = IngressApp(rate=Rate(0.2, 1))

    first = await ingress.post()
    ingress.receiver.use({"acme": Source("acme", Shopify(), (Secret(b"new"),), rate=rate)})

    assert [first.status, (await ingress.post()).status] == statuses


async def test_sender_that_is_not_allowed_takes_no_token() -> None:
    """A stranger cannot use up the allowed sender's tokens."""
    ingress = IngressApp(allow=["203.0.113.0/24"], rate=Rate(0.2, 1))

    assert (await ingress.post(peer="198.51.100.1")).status == 403
    assert (await ingress.post(peer="203.0.113.9")).status == 200


async def test_requests_at_once_have_a_limit() -> None:
    """One more than the limit gets 503 unread while the others wait, and none afterwards."""
    ingress, released = IngressApp(settings=Settings({}, max_concurrent=2)), asyncio.Event()

    async def slow() -> Message:
        await released.wait()
        return {"type": "http.request", "body": BODY, "more_body": False}

    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(ingress.post(receive=slow)) for _ in range(2)]
        await asyncio.sleep(0)
        refused = await ingress.post(receive=never_read)
        released.set()

    assert [task.result().status for task in waiting] == [200, 200]
    assert (refused.status, refused.reason) == (503, "too_busy")
    assert b"retry-after" in dict(refused.headers)
    assert (ingress.receiver.in_flight.requests, ingress.receiver.in_flight.body_bytes) == (0, 0)
    assert (await ingress.post()).status == 200


@pytest.mark.parametrize("secret", [b"new", b"other"])
async def test_answered_body_takes_no_room(secret: bytes) -> None:
    """Kept or refused, an answered body's bytes are free: the next one fits."""
    ingress = IngressApp(settings=Settings({}, bodies_limit_bytes=len(BODY)))

    assert [(await ingress.post(secret)).status for _ in range(3)] == [200 if secret == b"new" else 401] * 3


def test_header_sent_twice_is_joined() -> None:
    """Repeated headers become one, in their order, as RFC 9110 says; others keep their bytes as Latin-1."""
    headers = [(b"x-a", b"1"), (b"x-b", b"\xff\xe9"), (b"x-a", b"2"), (b"x-a", b"3")]

    assert text_headers(headers) == {"x-a": "1, 2, 3", "x-b": "ÿé"}


def test_only_the_providers_headers_are_kept() -> None:
    """Credentials and other parties' headers are not kept."""
    kept = {"x-shopify-topic": "t", "x-shopify-test": "true", "shopify-test": "true"}
    others = {"authorization": "s", "cookie": "s", "host": "h", "x-forwarded-for": "a"}

    assert kept_headers(Shopify(), kept | others) == kept


@pytest.mark.parametrize(("provider", "header"), [
    (Shopery(), "x-shopery-secret"),
    (Generic(GenericOptions(id_header="authorization")), "authorization"),   # even where it is configured
    (Generic(GenericOptions(event_header="cookie")), "cookie"),
    (Generic(GenericOptions(id_header="penstock_correction")), "penstock_correction"),   # what only a replay may say
    (Generic(GenericOptions(id_header="penstock_origin")), "penstock_origin"),           # and what only `dead` may say
    (Generic(GenericOptions(id_header="penstock_cause")), "penstock_cause"),
    (Generic(GenericOptions(event_header="ce_type")), "ce_type"),
])  # fmt: skip
def test_secret_header_is_never_kept(provider: Any, header: str) -> None:
    """A header with a secret, or with the name of one of ours, is dropped even if it is the provider's own."""
    assert kept_headers(provider, {header: "secret"}) == {}


async def test_unreadable_update_time_is_counted_and_accepted() -> None:
    """The sender cannot mend it; whoever configured the path can."""
    source = Source("acme", Generic(), (), is_verified=False)
    metrics = Metrics([source])
    receiver = Receiver(Settings({}), {"acme": source}, MemoryTopic(PUBLISHED), metrics, lambda: NOW)

    for body in (b'{"id":7,"updated_at":"soon"}', b'{"id":7,"updated_at":1769860809}', b'{"id":7}', b"no JSON"):

        async def whole(body: bytes = body) -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        assert (await receiver.receive("acme", [], whole)).status == 200

    labels = {"source": "acme", "provider": "generic"}
    assert metrics.registry.get_sample_value("penstock_ingress_unread_times_total", labels) == 1

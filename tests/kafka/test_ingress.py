"""The ingress, as a real process in front of a real Kafka: its answers, and the records on `webhooks.raw` afterwards."""

import asyncio
import json
import socket
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined]  # public by its documentation

from ingress.delivery.publisher import Publisher, ensure_raw_topic
from ingress.observability.health import SILENT_S, Health
from ingress.settings import Settings
from providers.base import Sample
from providers.registry import provider
from schemas.records import RawDelivery
from schemas.topics import RAW_RETENTION_MS, raw_record_bytes
from tests.support.builders.provider_requests import SENDERS, Sender
from tests.support.kafka.raw_topic import RawReader
from tests.support.processes.ingress import IngressProcess, running_ingress

pytestmark = pytest.mark.kafka
RUN = uuid.uuid4().hex[:8]  # part of source names: the topic is shared with other tests and runs
SECRET = b"a made-up secret"
SHOPERY_SECRET = "made-up-and-never-to-be-seen"
MB = 1024 * 1024

ODD_BODIES = {
    "no JSON": b"<order id='7'/>",
    "empty": b"",
    "nested 100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "NaN": b'{"id": NaN}',
    "lone surrogate": b'{"id": "\\ud800"}',
    "no UTF-8": b'{"id": "\xff"}',
    "null": b"null",
    "24 MB": b'{"id": 7, "note": "' + b"x" * (24 * MB) + b'"}',
}


@pytest.fixture(scope="module")
def shop(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[IngressProcess]:
    """Give a ready ingress with a source for every provider, and one that verifies nothing."""
    tables = [source_table(sender.name, sender.name, sender.secret.decode()) for sender in SENDERS]
    tables.append(f'[[sources]]\nname = "open-{RUN}"\nprovider = "shopify"\nverify = "none"\n')
    tables.append(f'[[sources]]\nname = "private-{RUN}"\nprovider = "shopery"\nsecrets = ["text:{SHOPERY_SECRET}"]\n')
    text = f'[kafka]\nbootstrap_servers = "{kafka}"\n' + "".join(tables)
    with running_ingress(tmp_path_factory.mktemp("ingress"), text) as process:
        process.until_ready()
        yield process


def source_table(name: str, provider_name: str, secret: str) -> str:
    """Return one source's part of a penstock.toml."""
    return f'[[sources]]\nname = "{name}-{RUN}"\nprovider = "{provider_name}"\nsecrets = ["text:{secret}"]\n'


def shopify_headers(body: bytes, delivery_id: str) -> dict[str, str]:
    """Return the headers with which Shopify would send a body."""
    sample = Sample(body, "products/update", delivery_id, datetime.now(UTC))
    return provider("shopify").sign(sample, SECRET)


@pytest.fixture(scope="module")
def raw(shop: IngressProcess, kafka: str) -> Iterator[RawReader]:
    """Give a reader of the records that the ingress publishes."""
    with RawReader(kafka) as reader:
        yield reader


def kept(raw: RawReader, delivery_id: str, source: str = "shopify") -> list[RawDelivery]:
    """Return the deliveries with that id on the topic."""
    return [delivery for delivery in raw.deliveries(f"{source}-{RUN}") if delivery.delivery_id == delivery_id]


@pytest.mark.parametrize("sender", SENDERS, ids=lambda sender: sender.name)
def test_verified_delivery_is_on_the_topic_when_answered(shop: IngressProcess, raw: RawReader, sender: Sender) -> None:
    """Every provider's delivery gets an empty 200 and reaches the topic, byte for byte, under its root resource."""
    request = sender.request(datetime.now(UTC), f"delivery-{uuid.uuid4()}")

    answer = shop.post(f"/v1/{sender.name}-{RUN}", request.body, dict(request.headers))

    envelope = sender.provider.identify(f"{sender.name}-{RUN}", request)
    assert (answer.status_code, answer.content) == (200, b"")
    (delivery,) = kept(raw, envelope.delivery_id, sender.name)
    assert (delivery.body, delivery.key, delivery.event_type) == (request.body, envelope.key, envelope.event_type)
    assert (delivery.provider, delivery.content_type) == (sender.name, request.headers["content-type"])
    assert abs(delivery.received_at - datetime.now(UTC)) < timedelta(seconds=30)


@pytest.mark.parametrize("name", ODD_BODIES)
def test_verified_body_is_kept_whatever_it_is(shop: IngressProcess, raw: RawReader, name: str) -> None:
    """A correctly signed body is accepted as it is; the pipeline reports that it is not JSON."""
    body, delivery_id = ODD_BODIES[name], f"odd-{uuid.uuid4()}"

    answer = shop.post(f"/v1/shopify-{RUN}", body, shopify_headers(body, delivery_id))

    assert answer.status_code == 200
    (delivery,) = kept(raw, delivery_id)
    assert delivery.body == body


def test_wrong_content_type_is_kept_as_sent(shop: IngressProcess, raw: RawReader) -> None:
    """The content type is not checked: it travels with the delivery."""
    body, delivery_id = b"id=7", f"form-{uuid.uuid4()}"
    headers = shopify_headers(body, delivery_id) | {"content-type": "application/x-www-form-urlencoded"}

    answer = shop.post(f"/v1/shopify-{RUN}", body, headers)

    assert answer.status_code == 200
    assert kept(raw, delivery_id)[0].content_type == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("is_chunked", [False, True])
def test_30_mb_are_refused_and_not_kept(shop: IngressProcess, raw: RawReader, is_chunked: bool) -> None:
    """A body over the limit gets 413, whether or not its length is announced, and the process survives."""
    body, delivery_id = b"x" * (30 * MB), f"large-{uuid.uuid4()}"
    content = (body[at : at + MB] for at in range(0, len(body), MB)) if is_chunked else body

    answer = httpx.post(
        f"{shop.url}/v1/shopify-{RUN}", content=content, headers=shopify_headers(body, delivery_id), timeout=30
    )

    assert (answer.status_code, answer.json()["error"]) == (413, "body_too_large")
    assert kept(raw, delivery_id) == []
    assert shop.get("/readyz").status_code == 200


@pytest.mark.parametrize("sender", SENDERS, ids=lambda sender: sender.name)
@pytest.mark.parametrize(
    "change", ["missing_signature", "malformed_signature", "wrong_signature", "too_old", "in_future"]
)
def test_unverified_delivery_is_refused_with_its_reason(
    shop: IngressProcess, raw: RawReader, sender: Sender, change: str
) -> None:
    """401 says what is wrong with the signature, and nothing of the delivery reaches the topic."""
    request, expected = unverifiable(sender, change)
    before = len(raw.deliveries(f"{sender.name}-{RUN}"))

    answer = shop.post(f"/v1/{sender.name}-{RUN}", request[0], request[1])

    assert (answer.status_code, answer.json()["error"]) == (401, expected) if expected else answer.status_code == 200
    assert len(raw.deliveries(f"{sender.name}-{RUN}")) == before + (0 if expected else 1)


def unverifiable(sender: Sender, change: str) -> tuple[tuple[bytes, dict[str, str]], str | None]:
    """Return body and headers changed in one way and the expected reason, None where the scheme cannot detect the change."""
    now = datetime.now(UTC)
    age = {"too_old": timedelta(hours=1), "in_future": -timedelta(hours=1)}.get(change)
    request = sender.request(now - (age or timedelta()), f"refused-{uuid.uuid4()}")
    headers = dict(request.headers)
    if age is not None:
        return (request.body, headers), change if sender.signs_time else None
    if change == "wrong_signature":
        sample = Sample(request.body, sender.topic, "refused", now)
        return (request.body, sender.provider.sign(sample, sender.wrong_secret)), change
    for name in sender.signature_headers:
        headers.pop(name, None)
        if change == "malformed_signature":
            headers[name] = sender.malformed
    return (request.body, headers), change


def test_signature_sent_twice_is_malformed(shop: IngressProcess, raw: RawReader) -> None:
    """A second signature header does not replace the first: two together are an invalid signature."""
    body, delivery_id = b'{"id":7}', f"twice-{uuid.uuid4()}"
    headers = [*shopify_headers(body, delivery_id).items(), ("X-Shopify-Hmac-Sha256", "AAAA")]

    answer = httpx.post(f"{shop.url}/v1/shopify-{RUN}", content=body, headers=headers)

    assert (answer.status_code, answer.json()["error"]) == (401, "malformed_signature")
    assert kept(raw, delivery_id) == []


def test_source_without_verification_takes_anything(shop: IngressProcess, raw: RawReader) -> None:
    """With `verify = "none"` an unsigned delivery is kept, identified by a digest of its body."""
    body = f'{{"id":"{uuid.uuid4()}"}}'.encode()

    answer = shop.post(f"/v1/open-{RUN}", body)

    assert answer.status_code == 200
    assert body in [delivery.body for delivery in raw.deliveries(f"open-{RUN}")]


def test_unknown_source_is_refused(shop: IngressProcess) -> None:
    """404 says what was expected, for a post as for a probe."""
    answer = shop.post("/v1/nobody", b"{}")

    assert (answer.status_code, answer.json()["error"]) == (404, "unknown_source")
    assert "penstock.toml" in answer.json()["detail"]
    assert shop.get("/v1/nobody").status_code == 404


def test_compressed_body_is_refused(shop: IngressProcess) -> None:
    """A Content-Encoding gets 415: signatures are checked on the bytes as sent."""
    body = b'{"id":7}'
    headers = shopify_headers(body, "compressed") | {"content-encoding": "gzip"}

    answer = shop.post(f"/v1/shopify-{RUN}", body, headers)

    assert (answer.status_code, answer.json()["error"]) == (415, "encoded_body")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_probe_is_answered_without_effect(shop: IngressProcess, raw: RawReader, method: str) -> None:
    """Providers probe whether an address exists: 200, and nothing is kept."""
    before = len(raw.deliveries(f"shopify-{RUN}"))

    answer = httpx.request(method, f"{shop.url}/v1/shopify-{RUN}")

    assert (answer.status_code, answer.content) == (200, b"")
    assert len(raw.deliveries(f"shopify-{RUN}")) == before


def test_other_methods_are_refused(shop: IngressProcess) -> None:
    """405 names the supported methods."""
    answer = httpx.delete(f"{shop.url}/v1/shopify-{RUN}")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert answer.json()["error"] == "wrong_method"


@pytest.mark.parametrize("request_bytes", [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(32)),                              # TLS to a plain port
    b"POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",  # smuggling
    b"POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: minus\r\n\r\n",
    b"POST /v1/x HTTP/1.1\r\nhost: x\r\nx-endless: " + b"a" * 200_000 + b"\r\n\r\n",
    b"POST /v1/\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
    b"POST /v1/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
], ids=["tls", "two lengths", "no length", "endless header", "path", "chunk"])  # fmt: skip
def test_broken_request_is_refused(shop: IngressProcess, request_bytes: bytes) -> None:
    """Malformed HTTP gets 400 or a closed connection, never a 500, and the process survives."""
    answer = raw_http(shop.port, request_bytes)

    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 "))
    assert shop.get("/readyz").status_code == 200


def test_header_that_is_no_text_is_harmless(shop: IngressProcess, raw: RawReader) -> None:
    """Bytes beyond ASCII in a header are read as Latin-1 and reach the topic."""
    body, delivery_id = b'{"id":7}', f"latin-{uuid.uuid4()}"
    lines = [f"{name}: {value}".encode() for name, value in shopify_headers(body, delivery_id).items()]
    lines += [b"host: x", b"content-length: 8", b"connection: close", b"x-shopify-name: caf\xe9 \xff"]

    answer = raw_http(
        shop.port, b"POST /v1/shopify-%b HTTP/1.1\r\n" % RUN.encode() + b"\r\n".join(lines) + b"\r\n\r\n" + body
    )

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert kept(raw, delivery_id)[0].headers["x-shopify-name"] == "café ÿ"


def raw_http(port: int, request: bytes) -> bytes:
    """Return the head of the answer to bytes on a new connection."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        while b"\r\n\r\n" not in answer and (chunk := connection.recv(65536)):
            answer += chunk
    return answer


def test_secret_is_seen_nowhere(shop: IngressProcess, raw: RawReader) -> None:
    """The secret that Shopery sends in a header, correct or nearly so, is in no record, answer or log line."""
    body = f'{{"id":"{uuid.uuid4()}"}}'.encode()
    headers = {"x-shopery-secret": SHOPERY_SECRET, "authorization": SHOPERY_SECRET, "cookie": SHOPERY_SECRET}

    right = shop.post(f"/v1/private-{RUN}?token={SHOPERY_SECRET}", body, headers)
    wrong = shop.post(f"/v1/private-{RUN}?token={SHOPERY_SECRET}", body, {"x-shopery-secret": SHOPERY_SECRET + "x"})

    assert (right.status_code, wrong.status_code) == (200, 401)
    assert SHOPERY_SECRET not in wrong.text + shop.log_text()
    (delivery,) = raw.deliveries(f"private-{RUN}")
    assert SHOPERY_SECRET not in repr(delivery)


def test_answers_are_counted_and_refusals_logged(shop: IngressProcess) -> None:
    """The metrics count each answer under its result and reason; a refusal is one line of JSON, an acceptance none."""
    body, delivery_id = b'{"id":7}', f"counted-{uuid.uuid4()}"
    accepted = f'result="accepted",source="shopify-{RUN}"'
    refused = f'provider="shopify",reason="missing_signature",result="refused",source="shopify-{RUN}"'
    before, logged = shop.get("/metrics").text, len(shop.events())

    shop.post(f"/v1/shopify-{RUN}", body, shopify_headers(body, delivery_id))
    shop.post(f"/v1/shopify-{RUN}", body)

    after = shop.get("/metrics").text
    assert sample_value(after, accepted) == sample_value(before, accepted) + 1
    assert sample_value(after, refused) == sample_value(before, refused) + 1
    (event,) = shop.events()[logged:]
    assert (event["event"], event["status"], event["reason"]) == ("answered", 401, "missing_signature")


def sample_value(metrics: str, labels: str) -> float:
    """Return the counter of answers with these labels, 0 where it does not exist yet."""
    lines = [
        line for line in metrics.splitlines() if line.startswith("penstock_ingress_answers_total") and labels in line
    ]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def test_without_kafka_the_provider_is_told_to_come_again(tmp_path: Path) -> None:
    """Kafka away and no spool: alive but not ready, and 503 with Retry-After comes before any provider's timeout."""
    text = '[kafka]\nbootstrap_servers = "127.0.0.1:1"\n[ingress]\nspool = false\n'
    text += source_table("shopify", "shopify", SECRET.decode())
    body = b'{"id":7}'
    with running_ingress(tmp_path, text) as process:
        began = time.monotonic()
        answer = process.post(f"/v1/shopify-{RUN}", body, shopify_headers(body, "away"))
        took_s = time.monotonic() - began

        assert (answer.status_code, answer.json()["error"]) == (503, "ack_timeout")
        assert int(answer.headers["retry-after"]) > 0
        assert took_s < 4.0
        assert (process.get("/healthz").status_code, process.get("/readyz").status_code) == (200, 503)
        assert process.get("/readyz").json() == {"status": "warming_up"}
        assert process.child.stop(10) == 0


def test_taken_port_is_named(shop: IngressProcess, tmp_path: Path) -> None:
    """A second ingress on the port ends at once with code 3 and names the port."""
    other = IngressProcess(tmp_path, "")
    other.port = shop.port
    with pytest.raises(AssertionError):
        other.start()

    assert other.child.wait(10) == 3
    (event,) = other.events()
    assert (event["event"], event["port"]) == ("cannot_listen", shop.port)


def test_missing_topic_is_created_once(kafka: str) -> None:
    """The raw topic is created with the configured partitions, 14 days and a 25 MB limit; an existing one is not altered."""
    settings = Settings({"bootstrap.servers": kafka}, raw_topic=f"raw-{uuid.uuid4()}", partitions=3)
    admin = AdminClient({"bootstrap.servers": kafka})
    try:
        assert ensure_raw_topic(settings)
        assert not ensure_raw_topic(settings)

        resource = ConfigResource(ConfigResource.Type.TOPIC, settings.raw_topic)
        config = admin.describe_configs([resource])[resource].result()
        assert config["retention.ms"].value == str(RAW_RETENTION_MS)
        assert int(config["max.message.bytes"].value) == raw_record_bytes(settings.body_limit_bytes) > 25 * MB
        assert len(admin.list_topics(settings.raw_topic, 10).topics[settings.raw_topic].partitions) == 3
    finally:
        admin.delete_topics([settings.raw_topic])[settings.raw_topic].result()


async def test_silence_of_kafka_is_noticed(kafka: str) -> None:
    """Ready once the topic exists and the producer has its id; no longer after Kafka has not answered for 15 s."""
    settings = Settings({"bootstrap.servers": kafka}, raw_topic=f"raw-{uuid.uuid4()}", partitions=1)
    now_s = 100.0
    health = Health(settings, clock=lambda: now_s)
    publisher = Publisher(settings, pytest.fail, health.notice)
    publisher.start()
    watching = asyncio.create_task(health.watch(publisher.producer))
    try:
        async with asyncio.timeout(30):
            while health.state() != "ready":  # noqa: ASYNC110  # a fact of another task, with a deadline
                await asyncio.sleep(0.02)
        now_s += SILENT_S + 1

        assert health.state() == "kafka_silent"
    finally:
        watching.cancel()
        await publisher.stop()
        admin = AdminClient({"bootstrap.servers": kafka})
        admin.delete_topics([settings.raw_topic])[settings.raw_topic].result()


def test_github_ping_is_an_ordinary_delivery(shop: IngressProcess, raw: RawReader) -> None:
    """The handshake of a new GitHub hook is verified, answered and kept."""
    body, delivery_id = json.dumps({"zen": "Keep it logically awesome.", "hook_id": 7}).encode(), f"ping-{uuid.uuid4()}"
    headers = provider("github").sign(Sample(body, "ping", delivery_id, datetime.now(UTC)), SECRET)

    answer = shop.post(f"/v1/github-{RUN}", body, headers)

    assert answer.status_code == 200
    (delivery,) = kept(raw, f"1:{delivery_id}", "github")
    assert (delivery.event_type, delivery.body) == ("ping", body)

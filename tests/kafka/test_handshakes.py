"""Deliveries that providers send to test an address, or by law: the expected answer, and a trace in outcomes, metrics, log."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote_plus

import httpx
import pytest

from providers.base import Sample
from providers.registry import provider
from tests.support.builders.noisy_products import ensure_raw
from tests.support.oracle.ledger import Ledger, OutcomeCount
from tests.support.processes.ingress import IngressProcess, running_ingress
from tests.support.processes.workers import running, wait_until

pytestmark = pytest.mark.kafka
RUN = uuid.uuid4().hex[:8]
APP = f"shake-{RUN}"
SECRET = b"a made-up secret"
PING = b'{"zen":"Keep it logically awesome.","hook_id":30,"hook":{"type":"Repository","id":30,"active":true}}'
CUSTOMER = b'"shop_id":954889,"shop_domain":"acme.myshopify.com","customer":{"id":191167,"email":"john@example.com"}'
COMPLIANCE = {
    "customers/data_request": b'{%b,"orders_requested":[299938],"data_request":{"id":9999}}' % CUSTOMER,
    "customers/redact": b'{%b,"orders_to_redact":[299938]}' % CUSTOMER,
    "shop/redact": b'{"shop_id":954889,"shop_domain":"acme.myshopify.com"}',
}


def configured(kafka: str, registry: str) -> str:
    """Return a penstock.toml with a source per provider of this file."""
    tables = [
        f'[[sources]]\nname = "{name}-{RUN}"\nprovider = "{name}"\nsecrets = ["text:{SECRET.decode()}"]\n'
        for name in ("github", "shopery", "shopify")
    ]
    head = f'[kafka]\nbootstrap_servers = "{kafka}"\n[registry]\nurl = "{registry}"\n[worker]\napp = "{APP}"\n'
    return head + "".join(tables)


@pytest.fixture(scope="module")
def shop(kafka: str, registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[IngressProcess]:
    """Give a ready ingress."""
    ensure_raw(kafka, APP)
    with running_ingress(tmp_path_factory.mktemp("ingress"), configured(kafka, registry)) as process:
        process.until_ready()
        yield process


def post(shop: IngressProcess, name: str, topic: str, body: bytes, secret: bytes = SECRET, **added: str) -> int:
    """Post as the provider would, with added headers, and return the status."""
    sample = Sample(body, topic, str(uuid.uuid4()), datetime.now(UTC))
    headers = provider(name).sign(sample, secret) | {header.replace("_", "-"): value for header, value in added.items()}
    return shop.post(f"/v1/{name}-{RUN}", body, headers).status_code


def probed(shop: IngressProcess, name: str) -> float:
    """Return the number of counted probes of a source."""
    labels = f'result="probed",source="{name}-{RUN}"'
    lines = [line for line in shop.get("/metrics").text.splitlines() if labels in line]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def test_handshakes_and_requests_have_outcomes(shop: IngressProcess, kafka: str, registry: str, tmp_path: Path) -> None:
    """None is a dead letter or a false change, and each outcome says which kind of delivery it was."""
    form = b"payload=" + quote_plus(PING).encode()
    statuses = [post(shop, "github", "ping", body) for body in (PING, form)]
    statuses += [post(shop, "shopery", "", body) for body in (b"", b"{}", b'{"event":"test"}')]
    statuses += [post(shop, "shopify", topic, body) for topic, body in COMPLIANCE.items()]
    statuses += [post(shop, "shopify", "orders/create", b'{"id":820982911946154508}', x_shopify_test="true")]
    assert statuses == [200] * 9

    with running(tmp_path, configured(kafka, registry)) as workers:
        workers.start(0)
        for name, count in (("github", 2), ("shopery", 3), ("shopify", 4)):
            with closing(OutcomeCount(kafka, registry, f"{name}-{RUN}")) as outcomes:
                wait_until(lambda: outcomes() >= count, f"the outcomes of {name}")  # noqa: B023  # called at once

    ledgers = {name: Ledger.read(kafka, registry, f"{name}-{RUN}") for name in ("github", "shopery", "shopify")}
    decided = {name: [(o["outcome"], o["reason"]) for o in ledger.outcomes] for name, ledger in ledgers.items()}
    assert decided["github"] == [("filtered", "handshake")] * 2
    assert decided["shopery"] == [("filtered", "handshake")] * 3
    assert sorted(decided["shopify"]) == [("changed", "created")] * 3 + [("filtered", "test")]
    assert "hook 30" in ledgers["github"].outcomes[0]["detail"]
    assert ledgers["github"].changes + ledgers["shopery"].changes == []
    requests = {change["resource_type"] for change in ledgers["shopify"].changes}
    assert requests == {"customer_data_request", "customer_redact_request", "shop_redact_request"}


@pytest.mark.parametrize("topic", COMPLIANCE)
def test_compliance_request_with_a_wrong_hmac_is_401(shop: IngressProcess, topic: str) -> None:
    """Shopify's review of an app sends each of them with a wrong signature and expects exactly this."""
    assert post(shop, "shopify", topic, COMPLIANCE[topic], b"another secret") == 401


@pytest.mark.parametrize(("name", "method"), [("github", "GET"), ("shopify", "HEAD"), ("shopery", "POST")])
def test_probe_is_counted_and_logged(shop: IngressProcess, name: str, method: str) -> None:
    """A request that only probes the address, or Shopery's empty post without its secret, gets 200, a count and a log line."""
    before, logged = probed(shop, name), len(shop.events())

    answer = httpx.request(method, f"{shop.url}/v1/{name}-{RUN}", trust_env=False)

    assert (answer.status_code, answer.content) == (200, b"")
    assert probed(shop, name) == before + 1
    (event,) = shop.events()[logged:]
    assert (event["event"], event["source"], event["result"]) == ("answered", f"{name}-{RUN}", "probed")


@pytest.mark.parametrize(("name", "body"), [("github", b""), ("shopify", b""), ("shopery", b"{}")])
def test_post_without_proof_is_no_probe(shop: IngressProcess, name: str, body: bytes) -> None:
    """Other providers sign even an empty body, and Shopery's smallest body needs the secret."""
    assert shop.post(f"/v1/{name}-{RUN}", body).status_code == 401

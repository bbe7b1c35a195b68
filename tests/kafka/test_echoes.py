"""A program that updates an order in reaction to the order's webhook: with its writes declared it stops after one round."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.schema_registry import Registry
from ingress.declare import Declarations, NotDeclared
from providers.base import Sample, SignedRequest
from providers.shopify.provider import Shopify
from schemas import codec
from schemas.writes import DeclaredWrite
from tests.support.builders.noisy_products import ensure_raw
from tests.support.oracle.ledger import Ledger, OutcomeCount, committed
from tests.support.processes.ingress import IngressProcess, running_ingress
from tests.support.processes.workers import Workers, configured, running, wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]
SECRET, TOKEN = b"made-up", "made-up-token"
MAX_ROUNDS = 4
OPENED = datetime(2026, 1, 31, 12, tzinfo=UTC)
ROUTES = """
echoes = {{ token = "text:{token}" }}
[[routes]]
name = "react"
topic = "{topic}"
exclude_origins = ["self"]
[[routes]]
name = "echoes"
origins = ["self"]
"""


class Shop:
    """A shop behind an ingress and a worker, and the program that reacts to its orders."""

    def __init__(self, ingress: IngressProcess, workers: Workers, kafka: str, registry: str, source: str) -> None:
        self.workers = workers
        self.url = f"{ingress.url}/v1/{source}"
        self.tenant = ""
        self._ingress = ingress
        self._kafka = kafka
        self._registry = registry
        self._source = source
        self._kept = 0
        self._orders: dict[int, dict[str, Any]] = {}
        self._outcomes = OutcomeCount(kafka, registry, source)

    def write(self, order_id: int, **fields: Any) -> None:
        """Change an order at the provider, which posts its webhook."""
        self._kept += 1
        time = (OPENED + timedelta(seconds=self._kept)).isoformat()
        order = self._orders.setdefault(order_id, {"id": order_id, "note": "", "tags": ""})
        order |= {**fields, "updated_at": time}
        body = codec.document_json(order)
        headers = Shopify().sign(Sample(body, "orders/updated", str(uuid.uuid4()), datetime.now(UTC)), SECRET)
        self.tenant = Shopify().identify(self._source, SignedRequest(headers, body)).tenant
        assert self._ingress.post(f"/v1/{self._source}", body, headers).status_code == 200

    def declare(self, order_id: int, **values: Any) -> None:
        """Declare a write to an order."""
        with Declarations(self.url, TOKEN) as declarations:
            declarations.declare(DeclaredWrite("order", str(order_id), self.tenant, values=values))
        self._kept += 1

    def until_decided(self) -> None:
        """Return once everything that was kept has its outcome."""
        wait_until(lambda: self._outcomes() >= self._kept, f"{self._kept} outcomes")

    def changes(self, topic: str, order_id: int) -> list[dict[str, Any]]:
        """Return the changes of an order on a topic."""
        with closing(Registry(self._registry)) as schemas:
            found = [schemas.decode(message.value() or b"") for message in committed(self._kafka, topic)]
        mine = [change for change in found if change["source"]["source"] == self._source]
        return [change for change in mine if change["resource_id"] == str(order_id)]

    def close(self) -> None:
        """Close what counts the outcomes."""
        self._outcomes.close()


@pytest.fixture(scope="module")
def topic() -> str:
    """Return the topic that the program reads."""
    return f"react-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, kafka: str, registry: str, topic: str) -> Iterator[Shop]:
    """Start an ingress and a worker with one source that takes declared writes."""
    source, directory = f"shop-{topic}", tmp_path_factory.mktemp("echoes")
    text = configured(kafka, registry, source, topic) + ROUTES.format(token=TOKEN, topic=topic)
    ensure_raw(kafka, topic)
    (directory / "ingress").mkdir()
    with running(directory, text) as workers, running_ingress(directory / "ingress", text) as ingress:
        workers.start(0)
        ingress.until_ready()
        shop = Shop(ingress, workers, kafka, registry, source)
        with closing(shop):
            yield shop


def rounds(shop: Shop, topic: str, order_id: int, *, declares: bool, kills: bool = False) -> int:
    """Let the customer change an order, and the program react to every change it hears of; return how often it reacted."""
    shop.write(order_id, tags="express")
    reacted = 0
    while reacted < MAX_ROUNDS:
        shop.until_decided()
        if len(shop.changes(topic, order_id)) == reacted:
            return reacted
        reacted += 1
        note = f"packed {reacted}"
        if declares:
            shop.declare(order_id, **{"/note": note})
        if kills:
            shop.until_decided()
            shop.workers.kill(0)
        shop.write(order_id, note=note)
        if kills:
            shop.workers.restart_the_dead()
    return reacted


def test_loop_of_declared_writes_stops_after_one_round(shop: Shop, topic: str) -> None:
    """The program hears of the customer's change and not of its own, which carries origin self on its topic."""
    assert rounds(shop, topic, 7, declares=True) == 1

    assert [change["origin"] for change in shop.changes(topic, 7)] == ["webhook"]
    (echo,) = shop.changes("changes.shopify.order", 7)
    assert (echo["origin"], echo["changed"]) == ("self", ["/note"])


def test_loop_of_writes_that_are_not_declared_goes_on(shop: Shop, topic: str) -> None:
    """Nothing else stops it."""
    assert rounds(shop, topic, 8, declares=False) == MAX_ROUNDS


def test_declaration_outlives_the_worker(shop: Shop, topic: str) -> None:
    """Killed between declaration and change: it rests in the changelog, and is used up once."""
    assert rounds(shop, topic, 9, declares=True, kills=True) == 1
    shop.write(9, note="")
    shop.write(9, note="packed 1")  # somebody else, the same
    shop.until_decided()

    assert [change["origin"] for change in shop.changes(topic, 9)] == ["webhook"] * 3
    assert [change["origin"] for change in shop.changes("changes.shopify.order", 9)] == ["self"]


def test_everything_that_was_kept_has_one_outcome(shop: Shop, kafka: str, registry: str, topic: str) -> None:
    """Declarations are in the ledger like deliveries."""
    shop.until_decided()
    ledger = Ledger.read(kafka, registry, f"shop-{topic}")
    declared = [outcome for outcome in ledger.outcomes if outcome["origin"] == "write"]

    assert len(ledger.outcomes) == len(ledger.raw)
    assert {outcome["reason"] for outcome in declared} == {"write_declared"}


def test_wrong_token_is_told_to_the_program(shop: Shop) -> None:
    """Without repeating it; nothing is kept."""
    with Declarations(shop.url, "wrong-token") as declarations, pytest.raises(NotDeclared, match="401") as refused:
        declarations.declare(DeclaredWrite("order", "7", values={"/note": "x"}))

    assert "wrong-token" not in str(refused.value)


def test_ingress_that_does_not_answer_is_told_to_the_program(tmp_path: Path) -> None:
    """After three tries."""
    with Declarations("http://127.0.0.1:1/v1/none", TOKEN, 0.5) as declarations, pytest.raises(NotDeclared) as failed:
        declarations.declare(DeclaredWrite("order", str(tmp_path), values={"/note": "x"}))

    assert "did not answer: ConnectError" in str(failed.value)

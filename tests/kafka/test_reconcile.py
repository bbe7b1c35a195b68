"""A real worker that reconciles a fake BigCommerce whose webhooks were partly lost, and the commands that ask it to."""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from broker import topic_reader
from broker.schema_registry import Registry
from broker.topic_reader import key_of, value_of
from simulator.providers.bigcommerce.documents import product
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.bigcommerce.notices import Notice
from simulator.providers.bigcommerce.routes import bigcommerce_app
from simulator.providers.serving import serving
from tests.support.oracle.ledger import Ledger
from tests.support.processes.reading_store import STORE, TOKEN, Store, assert_adds_up, bigcommerce, reading
from tests.support.processes.workers import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]
PRODUCTS = 60
LOST = 0.1
RECONCILING = f"""provider = "bigcommerce"
api_token = "text:{TOKEN}"
tenants = ["{STORE}"]
[reconcile]
enabled = false
[[routes]]
name = "cheap"
filter = "name:Lamp*"
topic = "lamps"
[[routes]]
name = "all"
"""


@pytest.fixture
def fake() -> FakeBigCommerce:
    """Give a BigCommerce with one store, whose clock is right."""
    return bigcommerce()


@pytest.fixture
def store(kafka: str, registry: str, fake: FakeBigCommerce, tmp_path: Path) -> Iterator[Store]:
    """Give a source whose worker has not started yet."""
    with (
        serving(bigcommerce_app(fake), fake.faults) as server,
        reading(tmp_path, kafka, registry, RECONCILING, server.url) as made,
    ):
        yield made


def test_after_one_run_the_state_is_the_provider_s(
    kafka: str, registry: str, fake: FakeBigCommerce, store: Store
) -> None:
    """A tenth of the webhooks is lost, with creations, updates and deletions; the worker is killed while it reconciles."""
    store.workers.start(0)
    store.post(_told(fake))
    wait_until(store.answered(), "all that was told", 150)
    fake.put(STORE, "product", product(901, fake.clock.now()))
    fake.change(STORE, "product", "5", {"name": "Lamp that no webhook told of"})
    fake.delete(STORE, "product", "6")
    assert _states(kafka, registry, store.source) != _products(fake)

    report = _reconciled_across_a_kill(store)
    wait_until(store.answered(), "all reads", 60)

    assert _states(kafka, registry, store.source) == _products(fake)
    ledger = store.ledger()
    assert_adds_up(ledger)
    assert (report["status"], report["looked_at"], report["asked"]) == ("complete", len(_products(fake)), 0)
    repaired = [one for one in ledger.outcomes if one["origin"] == "reconcile" and one["outcome"] == "changed"]
    assert len(repaired) == report["repaired"] + report["deleted"]
    assert _ops(ledger, repaired).items() >= {"901": "r", "5": "u", "6": "d"}.items()

    before = Counter(seen.path for seen in fake.seen)
    assert "nothing was missed" in _penstock(store, "reconcile", "--source", store.source)
    assert (Counter(seen.path for seen in fake.seen) - before).total() == 1, "a quiet day costs pages alone"
    assert store.source in _penstock(store, "reconcile", "--last", "--json")


def test_backfill_brings_what_is_stored_nowhere(kafka: str, registry: str, fake: FakeBigCommerce, store: Store) -> None:
    """First sights are `r`, filters of routes do not hold, and a second one changes nothing."""
    for number in range(1, 9):
        fake.put(STORE, "product", product(number, fake.clock.now() - timedelta(hours=1)) | {"name": f"Chair {number}"})
    store.workers.start(0)
    wait_until(lambda: store.workers.is_ready(0), "the worker", 120)
    wait_until(lambda: "reconcile-progress" in store.workers.log(0).read_text(), "its topics", 60)
    refused = _penstock(store, "reconcile", "--source", store.source, code=1)
    assert "nothing is stored that a list shows" in refused
    first = _penstock(store, "backfill", "--source", store.source, "--resource", "product")
    wait_until(store.answered(), "all reads", 60)

    assert "repaired 8" in first
    assert _states(kafka, registry, store.source) == _products(fake)
    ledger = store.ledger()
    products = [change for change in ledger.changes if change["resource_type"] == "product"]
    assert {change["op"] for change in products} == {"r"}
    assert {outcome["origin"] for outcome in ledger.outcomes} == {"backfill"}
    again = _penstock(store, "backfill", "--source", store.source, "--resource", "product")
    assert "repaired 0" in again
    assert len(store.ledger().changes) == len(ledger.changes)
    metrics = store.workers.get(0, "/metrics").text
    assert f'penstock_reconcile_runs_total{{source="{store.source}",status="complete"}} 2.0' in metrics


def _reconciled_across_a_kill(store: Store) -> dict[str, Any]:
    """Return the report of a run whose worker is killed once it has begun."""
    run = _started(store, "reconcile", "--source", store.source, "--json")
    wait_until(lambda: "run_planned" in store.workers.log(0).read_text(), "a plan", 60)
    store.workers.kill(0)
    store.workers.start(0)
    out, err = run.communicate(timeout=120)
    assert run.returncode == 0, err
    (report,) = (json.loads(line) for line in out.splitlines())
    return report  # type: ignore[no-any-return]  # parsed JSON


def _ops(ledger: Ledger, outcomes: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return the operations of the products' changes that deliveries led to, by id."""
    wanted = {event_id for one in outcomes for event_id in one["event_ids"]}
    found = [change for change in ledger.changes if change["event_id"] in wanted]
    return {change["resource_id"]: change["op"] for change in found if change["resource_type"] == "product"}


def _told(fake: FakeBigCommerce) -> list[Notice]:
    """Let products be made, changed and deleted at the provider; return the webhooks that were not lost."""
    chance = random.Random(7)  # noqa: S311  no secret
    hour_ago = fake.clock.now() - timedelta(hours=1)
    told = [fake.put(STORE, "product", product(number, hour_ago)) for number in range(1, PRODUCTS + 1)]
    changed = chance.sample(range(10, PRODUCTS + 1), 20)
    told += [fake.change(STORE, "product", str(number), {"name": f"Lamp {number}, new"}) for number in changed]
    told.append(fake.delete(STORE, "product", "9"))
    kept = [notices for notices in told if chance.random() >= LOST]
    assert len(kept) < len(told)
    return [notice for notices in kept for notice in notices]


def _products(fake: FakeBigCommerce) -> dict[str, str]:
    """Return the names of the provider's products by id."""
    return {own_id: shown["name"] for own_id, shown in fake.store.documents(STORE, "product").items()}


def _states(kafka: str, registry: str, source: str) -> dict[str, str]:
    """Return the names of the products that consumers have, by id."""
    found: dict[str, str] = {}
    with closing(Registry(registry)) as schemas, topic_reader.consumer({"bootstrap.servers": kafka}) as reader:
        for message in topic_reader.read(reader, topic_reader.ranges(reader, "state.bigcommerce.product")):
            key = key_of(message).decode()
            if f"|{source}|" not in key:
                continue
            own_id = key.rpartition("|")[2]
            if not value_of(message):
                found.pop(own_id, None)
            else:
                document: Any = schemas.decode(value_of(message))["document"]
                found[own_id] = (json.loads(document) if isinstance(document, str) else document)["name"]
    return found


def _started(store: Store, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(Path(sys.executable).parent / "penstock"), *arguments],
        env=os.environ | {"PENSTOCK_CONFIG": str(store.workers.configuration)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _penstock(store: Store, *arguments: str, code: int = 0) -> str:
    run = _started(store, *arguments)
    out, err = run.communicate(timeout=120)
    assert run.returncode == code, out + err
    assert TOKEN not in out + err
    return out + err

"""A worker with bugs decides deliveries; a replay with the correct code finds and corrects exactly its mistakes."""

import json
import os
import subprocess
import sys
import uuid
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from broker.schema_registry import Registry
from streams.steps.correction import is_correction
from streams.steps.routing import Routes
from tests.support.builders.noisy_products import ensure_raw, feed, product
from tests.support.oracle.ledger import Ledger, OutcomeCount, committed, recompute
from tests.support.processes.workers import Workers, configured, running, wait_until

pytestmark = pytest.mark.kafka
RESOURCES = 7  # ids end with 0 to 6; tests/support/processes/buggy_app.py has another bug for each of 1 to 5
FIRST_ID = 10**15
WRONG = {1: "u", 2: "c", 20: "d", 3: "c", 4: "c", 5: "u"}


class Shop:
    """One source with a worker that is stopped and started, and the command beside it."""

    def __init__(self, kafka: str, registry: str, workers: Workers, source: str, outcomes: OutcomeCount) -> None:
        self.kafka, self.registry, self.source = kafka, registry, source
        self._workers, self._outcomes, self._total = workers, outcomes, 0

    def post(self, second: int) -> None:
        """Publish one delivery of each product on the raw topic and wait until all are decided."""
        title = f"title {second}"
        ids = [f"{self.source}-{number}-{second}" for number in range(RESOURCES)]
        shown = [product(self.source, number, second, title, ids[number]) for number in range(RESOURCES)]
        self._total += feed(self.kafka, iter(shown))
        self.wait_for_all()

    def wait_for_all(self, more: int = 0) -> None:
        """Wait until every delivery has an outcome."""
        self._total += more
        wait_until(lambda: self._outcomes() >= self._total, f"{self._total} outcomes", 120)

    def start(self, app: str) -> None:
        """Start a worker and wait until it works."""
        self._workers.start(0, app=app)
        wait_until(lambda: self._workers.is_ready(0), "the worker has its partitions", 120)

    def stop(self) -> None:
        """Stop the worker."""
        assert self._workers.children[0].stop(30) == 0

    def replay(self, *arguments: str, code: int) -> list[dict[str, Any]]:
        """Return the output of `penstock replay --json`; it must end with this code."""
        return [json.loads(line) for line in self.run("--json", *arguments, code=code).splitlines()]

    def run(self, *arguments: str, code: int) -> str:
        """Return the output of `penstock replay`; it must end with this code."""
        command = [str(Path(sys.executable).parent / "penstock"), "replay", "--source", self.source]
        command += [] if "--since" in arguments else ["--since", "2026-01-01T00:00:00Z"]
        done = subprocess.run(
            [*command, *arguments],
            env={**os.environ, "PENSTOCK_CONFIG": str(self._workers.configuration)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def ledger(self) -> Ledger:
        """Return all visible records."""
        return Ledger.read(self.kafka, self.registry, self.source)

    def states(self) -> dict[str, Any]:
        """Return the `state.*` record of each existing product."""
        documents: dict[str, Any] = {}
        with closing(Registry(self.registry)) as schemas:
            for message in committed(self.kafka, "state.shopify.product"):
                key, value = message.key() or b"", message.value()
                if f"|{self.source}|".encode() in bytes(key):
                    documents.pop(bytes(key).decode(), None)
                    if value:
                        documents[bytes(key).decode()] = json.loads(schemas.decode(value)["document"])
        return documents


@pytest.mark.timeout(600)  # 100 s on two idle cores
def test_replay_corrects_exactly_what_a_bug_did(kafka: str, registry: str, tmp_path: Path) -> None:
    """Five bugs, five kinds of corrections, each once; afterwards consumers have the correct states and nothing differs."""
    source, app = f"shop-{uuid.uuid4().hex[:8]}", f"replay-{uuid.uuid4().hex[:8]}"
    ensure_raw(kafka, app)
    outcomes = OutcomeCount(kafka, registry, source)
    with closing(outcomes), running(tmp_path, configured(kafka, registry, source, app)) as workers:
        shop = Shop(kafka, registry, workers, source, outcomes)
        shop.start("tests.support.processes.buggy_app")
        shop.post(0)
        shop.post(1)
        shop.stop()

        history = assert_found(shop)
        shop.start("streams.app")
        assert_corrected_once(shop)
        assert wrong_deliveries(shop.replay("--dry-run", code=0)) == history, "what was emitted stays"

        shop.run("--yes", code=0)
        shop.post(2)
        assert_right(shop)
        assert corrections(shop.replay("--dry-run", code=0)) == {}
        assert shop.replay("--dry-run", "--since", "2026-01-01T00:00:02Z", code=0)[-1]["deliveries"] == 0


def assert_found(shop: Shop) -> set[str]:
    """Assert that exactly the bugs' effects are found, without a worker too; return the deliveries."""
    found = shop.replay("--dry-run", code=1)
    deliveries = {f"{shop.source}-{number}-{second}" for number in (1, 2, 3, 4) for second in (0, 1)}
    assert corrections(found) == WRONG
    assert wrong_deliveries(found) == deliveries | {f"{shop.source}-5-1"}
    undecided, dry = shop.run("--yes", code=2), shop.run("--dry-run", code=1)
    assert sorted(undecided.splitlines()) == sorted(dry.splitlines()), "nothing is published that nobody decides"
    return wrong_deliveries(found)


def assert_corrected_once(shop: Shop) -> None:
    """Assert that a replay makes each correction, and only those."""
    told = shop.replay("--yes", code=0)
    assert told[-1] == {"kind": "corrections", "outcomes": {"changed corrected": len(WRONG)}}
    shop.wait_for_all(len(WRONG))
    emitted = [change for change in shop.ledger().changes if change["source"]["event_type"] == "penstock/correction"]
    assert {last_digits(change["resource_key"]): change["op"] for change in emitted} == WRONG
    assert len(emitted) == len(WRONG)
    assert_right(shop)


def corrections(found: list[dict[str, Any]]) -> dict[int, str]:
    """Return the operations of the corrections by the last digits of the product's id."""
    return {last_digits(line["resource_key"]): line["op"] for line in found if line["kind"] == "state"}


def wrong_deliveries(found: list[dict[str, Any]]) -> set[str]:
    """Return the ids of the deliveries that would be decided differently."""
    return {line["delivery_id"] for line in found if line["kind"] == "delivery"}


def last_digits(resource_key: str) -> int:
    """Return the product's number: 2, or 20 for the product that a bug made of it."""
    resource_id = resource_key.rpartition("|")[2]
    return (
        int(resource_id) - FIRST_ID
        if len(resource_id) == len(str(FIRST_ID))
        else 10 * (int(resource_id) // 10 - FIRST_ID)
    )


def assert_right(shop: Shop) -> None:
    """Assert that readers of the changes in order, and readers of the states, end with the result of the correct code."""
    ledger = shop.ledger()
    right = recompute([delivery for delivery in ledger.raw if not is_correction(delivery)], Routes({}))
    expected = {
        routed.change.resource_key: json.loads(routed.change.after or b"null")
        for result in right.results.values()
        for routed in result.routed_changes
    }
    consumed: dict[str, Any] = {}
    for change in ledger.changes:
        before = json.loads(change["before"] or "null")
        assert consumed.get(change["resource_key"]) == before, "a change begins where the one before ended"
        consumed[change["resource_key"]] = json.loads(change["after"] or "null")
    assert {key: document for key, document in consumed.items() if document is not None} == expected
    assert shop.states() == expected
    assert Counter(change["event_id"] for change in ledger.changes).most_common(1)[0][1] == 1

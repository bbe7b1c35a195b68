"""One run of everything at once: a shop posts, workers, brokers and the network fail, and in the end the books balance."""

import sys
import time
import uuid
from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path

from streams.steps.routing import Routes
from tests.support.builders.noisy_products import ensure_raw
from tests.support.faults.chaos import WORKERS, Chaos, plan
from tests.support.kafka.cluster import Cluster
from tests.support.kafka.restored_table import restored
from tests.support.oracle.ledger import Ledger, OutcomeCount, Recomputation, assert_adds_up, newest, recompute
from tests.support.oracle.traffic import Traffic
from tests.support.processes.ingress import running_ingress
from tests.support.processes.workers import configured, running, wait_until

PARTITIONS = 6
DRAIN_S = 120.0


def weather(cluster: Cluster, registry: str, directory: Path, seed: int, *, seconds: float, per_s: int) -> Chaos:
    """Post and inject faults for that long, wait until every accepted delivery is decided, and assert that the books balance."""
    source, app = f"shop-{uuid.uuid4().hex[:8]}", f"storm-{uuid.uuid4().hex[:8]}"
    ensure_raw(cluster.bootstrap_servers, app, PARTITIONS)
    configuration = configured(cluster.worker_servers, registry, source, app)
    (directory / "ingress").mkdir()
    with (
        closing(OutcomeCount(cluster.bootstrap_servers, registry, source)) as outcomes,
        running_ingress(directory / "ingress", configuration) as ingress,
        running(directory, configuration) as workers,
    ):
        ingress.until_ready()
        for slot in range(WORKERS):
            workers.start(slot)
        wait_until(lambda: all(workers.is_ready(slot) for slot in range(WORKERS)), "all workers", 90)
        chaos, traffic = Chaos(cluster, workers), Traffic(ingress.port, source, per_s, seed)
        with traffic.flowing(), chaos.unleashed(plan(seed, seconds)):
            time.sleep(seconds)
        began_s, due = time.monotonic(), Ledger.read_raw(cluster.bootstrap_servers, source)

        def is_drained() -> bool:
            chaos.supervise()
            return outcomes() >= len(due)

        wait_until(is_drained, f"{len(due)} outcomes", DRAIN_S)
        drained_s = time.monotonic() - began_s
    ledger = Ledger.read(cluster.bootstrap_servers, registry, source)
    expected = recompute(ledger.raw, Routes({}))
    _tell(traffic, chaos, ledger, drained_s)
    _assert_kept_in_order(traffic, ledger)
    assert_adds_up(ledger, expected)
    _assert_restorable(cluster, app, directory, source, expected)
    return chaos


def _tell(traffic: Traffic, chaos: Chaos, ledger: Ledger, drained_s: float) -> None:
    sys.stdout.write(
        f"accepted {traffic.count}, refused {dict(Counter(traffic.ledger.refused))}, on the topic {len(ledger.raw)}, "
        f"outcomes {dict(ledger.by_outcome())}, changes {len(ledger.changes)}\n"
        f"faults {dict(chaos.done)}, ends of workers by exit code {dict(chaos.ends)}, drained in {drained_s:.1f} s\n"
    )


def _assert_kept_in_order(traffic: Traffic, ledger: Ledger) -> None:
    """Assert that every accepted delivery is on the topic, in the same number and order, resource by resource."""
    kept: dict[str, list[str]] = defaultdict(list)
    for delivery in ledger.raw:
        kept[delivery.key].append(delivery.delivery_id)
    lost = {}
    for key, accepted in traffic.accepted.items():
        rest = iter(kept[key])
        missing = [delivery_id for delivery_id in accepted if not any(delivery_id == found for found in rest)]
        if missing:
            lost[key] = missing[0]
    assert lost == {}, "accepted, and not on the topic or not in this order"


def _assert_restorable(cluster: Cluster, app: str, directory: Path, source: str, expected: Recomputation) -> None:
    rows = restored(cluster.bootstrap_servers, app, directory / "restored")
    assert newest(rows, source) == expected.latest

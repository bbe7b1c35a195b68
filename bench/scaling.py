"""How the rate grows with partitions and worker processes: 1, 2 and 4 of each, never more workers than partitions.

Every worker has joined, has its partitions and is idle before the first delivery becomes visible (`bench.fill.Gate`), so rates
exclude starts and rebalances. Kafka and the workers share the machine: beyond its cores rates cannot grow, so the number of
cores and their utilization stand beside each rate.
"""

import os
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import psutil

from bench.fill import Gate, create_raw
from bench.outcomes import Decided, decided
from bench.rounds import BROKER_TIME, TIMEOUT_S
from bench.stack import Process, Stack, running_worker
from providers.shopify.types import RESOURCE_TYPES
from schemas.records import RawDelivery
from schemas.topics import OUTCOMES, RAW, changes_topic, described, state_topic
from simulator.history import Mix
from simulator.shop_deliveries import SMALL, body_bytes, mixed

COUNTS = (1, 2, 4)
OUTPUT_PARTITIONS = max(COUNTS)
WARM = 2_000  # deliveries before the timed ones: a worker's first transaction requests schemas and topics


def scaling(stack: Stack, is_quick: bool) -> dict[str, Any]:
    """Return a rate for each number of partitions and workers."""
    mix = Mix(WARM + 12_000, 4_000) if is_quick else Mix(WARM + 60_000, 15_000)
    deliveries = list(mixed(mix, Counter()))  # made once: making them takes longer than deciding them
    stack.create(OUTCOMES, OUTPUT_PARTITIONS, {**described(OUTCOMES).settings, **BROKER_TIME})
    for topic in (topic_of("shopify", "product", RESOURCE_TYPES) for topic_of in (changes_topic, state_topic)):
        stack.create(topic, OUTPUT_PARTITIONS, described(topic).settings)
    rows = []
    for partitions in COUNTS:
        for workers in (count for count in COUNTS if count <= partitions):
            rows.append(_row(stack, deliveries, partitions, workers))
            print(f"  {partitions} partitions, {workers} workers: {rows[-1]['per_s']:,}/s", file=sys.stderr)
    for row in rows:
        row["of_one"] = round(row["per_s"] / rows[0]["per_s"], 2)
    return {
        "cores": os.cpu_count(),
        "deliveries": mix.deliveries - WARM,
        "products": mix.resources,
        "body_bytes": body_bytes(SMALL),
        "runs": rows,
    }


def _row(stack: Stack, deliveries: Sequence[RawDelivery], partitions: int, workers: int) -> dict[str, Any]:
    """Run this many workers, under their own application name, on a new `webhooks.raw`."""
    app = f"scaling-{partitions}-{workers}"
    create_raw(stack, partitions)
    with ExitStack() as running:
        started = [
            running.enter_context(running_worker(stack, app, worker_id=f"{app}-{slot}")) for slot in range(workers)
        ]
        _wait_shared(stack, f"penstock.{app}", started)
        _show(stack, app, started, deliveries[:WARM])
        begin, gate = stack.ends(OUTCOMES), Gate(stack, f"{app}-timed", deliveries[WARM:])
        cpu_s = [process.cpu_s() for process in started]
        psutil.cpu_percent()  # starts the measurement of the share
        gate.open()
        stack.wait_committed(f"penstock.{app}", RAW, TIMEOUT_S, started[0], gate.ends)
        machine_share = psutil.cpu_percent() / 100
        cpu_s = [process.cpu_s() - before for process, before in zip(started, cpu_s, strict=True)]
        memory_mb = [process.memory_mb() for process in started]
    found = decided(stack, OUTCOMES, begin)
    stack.delete(RAW)
    return {
        "partitions": partitions,
        "workers": workers,
        "per_s": round(found.per_s),
        "deliveries": found.deliveries,
        "busiest_worker_cpu_share": _busiest(cpu_s, found),
        "machine_cpu_share": round(machine_share, 2),
        "cpu_us_per_delivery": round(1e6 * sum(cpu_s) / max(1, found.deliveries)),
        "memory_mb": round(sum(memory_mb)),
    }


def _show(stack: Stack, app: str, started: list[Process], deliveries: Sequence[RawDelivery]) -> None:
    """Let the workers decide some deliveries first."""
    gate = Gate(stack, f"{app}-warm", deliveries)
    gate.open()
    stack.wait_committed(f"penstock.{app}", RAW, TIMEOUT_S, started[0], gate.ends)


def _wait_shared(stack: Stack, group: str, started: list[Process]) -> None:
    """Wait until every worker has its share of the partitions and the group is stable."""
    each = len(stack.ends(RAW)) // len(started)  # both are powers of two
    for process in started:
        process.wait_until(lambda: stack.shares(group) == [each] * len(started), "its partitions")


def _busiest(cpu_s: list[float], found: Decided) -> float:
    """Return how much of a core the busiest worker used, from the first outcome to the last."""
    return round(max(cpu_s) / max(0.001, found.seconds), 2)

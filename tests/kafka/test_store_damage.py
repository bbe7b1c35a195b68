"""Tables on disk are damaged in several ways; the worker rebuilds them from Kafka by itself, and the books balance."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from schemas.records import RawDelivery
from streams.steps.routing import Routes
from tests.support.builders.noisy_products import feed, noisy_products
from tests.support.faults.store_damage import overwrite_middle, write_meta
from tests.support.oracle.ledger import Ledger, assert_adds_up, recompute
from tests.support.processes.shop import opened
from tests.support.processes.workers import Workers, wait_until

pytestmark = pytest.mark.kafka
DELIVERIES, RESOURCES = 8_000, 1_000
LARGE_BYTES = 20_000  # smaller ones hold the store's metadata, or no rows in their middle


def truncate(stores: Path) -> None:
    """Cut the largest file of rows in half."""
    file = max((stores / "0").glob("*.sst"), key=lambda found: found.stat().st_size)
    os.truncate(file, file.stat().st_size // 2)


def flip(stores: Path) -> None:
    """Flip bits in the middle of every file of rows: detected when the row is read, long after the start."""
    files = [file for file in (stores / "1").glob("*.sst") if file.stat().st_size > LARGE_BYTES]
    assert files
    for file in files:
        overwrite_middle(file)


def exchange(stores: Path) -> None:
    """Replace one partition's store by another partition's."""
    shutil.rmtree(stores / "2")
    shutil.copytree(stores / "3", stores / "2")


def outdate(stores: Path) -> None:
    """Claim a format that this version does not know."""
    write_meta(stores / "3", b"format", b"999")


def test_damaged_stores_are_rebuilt_and_nothing_is_lost_or_doubled(kafka: str, registry: str, tmp_path: Path) -> None:
    """Four partitions, each damaged in another way between two halves of a stream of deliveries."""
    with opened(kafka, registry, tmp_path) as (source, app, outcomes, workers):
        deliveries = noisy_products(source, DELIVERIES, RESOURCES)
        feed(kafka, taken(deliveries, DELIVERIES // 2))
        work_until(workers, outcomes, DELIVERIES // 2)
        assert workers.children[0].stop(30) == 0
        for damage in (truncate, flip, exchange, outdate):
            damage(workers.data_dir(0) / "state" / app / "slot-0")
        feed(kafka, deliveries)
        work_until(workers, outcomes, DELIVERIES)
        reasons = rebuilt(workers.log(0))
    ledger = Ledger.read(kafka, registry, source)

    assert_adds_up(ledger, recompute(ledger.raw, Routes({})))
    assert sorted(reasons) == [0, 1, 2, 3], "each store is rebuilt, with one warning"
    assert "belongs to" in reasons[2]
    assert "format is 999" in reasons[3]


def taken(deliveries: Iterator[RawDelivery], count: int) -> Iterator[RawDelivery]:
    """Yield that many deliveries of a stream, and leave the rest in it."""
    for _number in range(count):
        yield next(deliveries)


def work_until(workers: Workers, outcomes: Callable[[], int], count: int) -> None:
    """Start the worker and wait until that many deliveries are decided; it must not end meanwhile."""
    worker = workers.start(0)

    def are_decided() -> bool:
        assert worker.exit_code() is None, workers.log(0).read_text()[-2000:]
        return outcomes() >= count

    wait_until(are_decided, f"{count} outcomes", 120)


def rebuilt(log: Path) -> dict[int, str]:
    """Return the reason of each partition's warning in a worker's log; fail when a partition has two."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    warnings = [line for line in lines if line["event"] == "store_rebuilt"]
    reasons = {line["partition"]: line["reason"] for line in warnings}
    assert len(reasons) == len(warnings)
    return reasons

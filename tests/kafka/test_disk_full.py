"""The disk under a worker's tables fills up: the worker says so and ends; with space again it continues, exactly once."""

from pathlib import Path

import pytest

from streams.steps.routing import Routes
from streams.worker.consumer import TERMINAL_EXIT
from tests.support.builders.noisy_products import feed, noisy_products
from tests.support.faults.narrow_disk import narrow_disk
from tests.support.kafka.restored_table import restored
from tests.support.oracle.ledger import Ledger, assert_adds_up, newest, recompute
from tests.support.processes.shop import opened
from tests.support.processes.workers import wait_until

pytestmark = pytest.mark.kafka
BEFORE, AFTER, RESOURCES = 2_000, 18_000, 3_000
RESTARTS = 3
ENDS_S = 60.0


def test_full_disk_ends_the_worker_and_loses_nothing(kafka: str, registry: str, tmp_path: Path) -> None:
    """A worker whose disk fills up ends with code 3 and advice, also after a restart; once space is freed, the books balance."""
    with (
        narrow_disk(tmp_path / "worker-0") as disk,
        opened(kafka, registry, tmp_path) as (source, app, outcomes, workers),
    ):
        deliveries = list(noisy_products(source, BEFORE + AFTER, RESOURCES))
        worker = workers.start(0)
        feed(kafka, iter(deliveries[:BEFORE]))
        wait_until(lambda: outcomes() >= BEFORE, "the outcomes before the disk is full")
        disk.fill(worker.pid)
        feed(kafka, iter(deliveries[BEFORE:]))

        assert worker.wait(ENDS_S) == TERMINAL_EXIT, workers.log(0).read_text()[-3000:]
        assert "nothing is lost" in workers.log(0).read_text()
        assert outcomes() < BEFORE + AFTER

        for _ in range(RESTARTS):
            worker = workers.start(0)
            disk.fill(worker.pid)
            assert worker.wait(ENDS_S) == TERMINAL_EXIT, workers.log(0).read_text()[-3000:]
        disk.make_room()
        workers.start(0)
        wait_until(lambda: outcomes() >= BEFORE + AFTER, "every outcome", 90)
    ledger = Ledger.read(kafka, registry, source)
    expected = recompute(ledger.raw, Routes({}))

    assert len(ledger.raw) == BEFORE + AFTER
    assert_adds_up(ledger, expected)
    assert newest(restored(kafka, app, tmp_path / "restored"), source) == expected.latest

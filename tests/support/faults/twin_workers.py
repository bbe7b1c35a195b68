"""Two workers with the same id."""

from pathlib import Path

from streams.steps.routing import Routes
from streams.worker.consumer import TERMINAL_EXIT
from tests.support.builders.noisy_products import feed, noisy_products
from tests.support.oracle.ledger import Ledger, assert_adds_up, recompute
from tests.support.processes.shop import opened
from tests.support.processes.workers import wait_until

DELIVERIES = 4_000


def assert_one_exits(kafka: str, worker_servers: str, registry: str, directory: Path) -> None:
    """Start two workers with one id that connect to `worker_servers`; assert that the first ends and says why."""
    with opened(kafka, registry, directory, worker_servers) as (source, _, outcomes, workers):
        first = workers.start(0, "one")
        wait_until(lambda: workers.is_ready(0), "the first worker")
        second = workers.start(1, "one")
        wait_until(lambda: workers.is_ready(1), "the second worker")
        feed(kafka, noisy_products(source, DELIVERIES, 200))
        wait_until(lambda: outcomes() >= DELIVERIES, "every outcome")
        wait_until(lambda: first.exit_code() is not None, "the end of the first worker")
        assert first.exit_code() == TERMINAL_EXIT
        assert second.exit_code() is None
        assert "two workers run with one --worker-id" in workers.log(0).read_text()
    ledger = Ledger.read(kafka, registry, source)
    assert_adds_up(ledger, recompute(ledger.raw, Routes({})))

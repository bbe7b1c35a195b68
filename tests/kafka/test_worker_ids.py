"""Two workers started with one --worker-id: one of them exits and says why."""

from pathlib import Path

import pytest

from streams.worker.consumer import TERMINAL_EXIT
from tests.support.builders.noisy_products import feed, noisy_products
from tests.support.faults.twin_workers import assert_one_exits
from tests.support.processes.shop import opened
from tests.support.processes.workers import wait_until

pytestmark = pytest.mark.kafka
DELIVERIES = 100
ENDS_S = 30.0


def test_fenced_worker_exits_and_says_why(kafka: str, registry: str, tmp_path: Path) -> None:
    """A second worker takes the id over: the first ends with code 3 and names the cause; the books balance."""
    assert_one_exits(kafka, kafka, registry, tmp_path)


def test_idle_worker_notices_that_its_id_was_taken_over(kafka: str, registry: str, tmp_path: Path) -> None:
    """Separate directories and no delivery at all: the first ends with code 3 within seconds, the second works."""
    with opened(kafka, registry, tmp_path) as (source, _, outcomes, workers):
        first = workers.start(0, "one")
        wait_until(lambda: workers.is_ready(0), "the first worker")

        second = workers.start(1, "one")

        assert first.wait(ENDS_S) == TERMINAL_EXIT, workers.log(0).read_text()
        assert "two workers run with one --worker-id" in workers.log(0).read_text()
        feed(kafka, noisy_products(source, DELIVERIES, 20))
        wait_until(lambda: outcomes() >= DELIVERIES, "the outcomes of the second worker")
        assert second.exit_code() is None


def test_second_worker_in_the_same_directory_never_starts(kafka: str, registry: str, tmp_path: Path) -> None:
    """It ends with code 3 and one sentence, before it takes anything from the first, which continues."""
    with opened(kafka, registry, tmp_path) as (source, _, outcomes, workers):
        first = workers.start(0, "one")
        wait_until(lambda: workers.is_ready(0), "the first worker")

        second = workers.start(1, "one", data_dir=workers.data_dir(0))

        assert second.wait(ENDS_S) == TERMINAL_EXIT, workers.log(1).read_text()
        (said,) = [line for line in workers.log(1).read_text().splitlines() if "worker_ends" in line]
        assert f"another worker (process {first.pid}) has this --worker-id and --data-dir" in said
        assert workers.is_ready(0)
        feed(kafka, noisy_products(source, DELIVERIES, 20))
        wait_until(lambda: outcomes() >= DELIVERIES, "the outcomes of the first worker")
        assert first.exit_code() is None

"""Workers are killed with SIGKILL under load; afterwards the books balance."""

import random
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from streams.steps.routing import Routes
from tests.support.builders.noisy_products import feed, noisy_products
from tests.support.kafka.restored_table import restored
from tests.support.oracle.ledger import Ledger, OutcomeCount, assert_adds_up, newest, recompute
from tests.support.processes.shop import opened
from tests.support.processes.workers import Workers, wait_until

pytestmark = pytest.mark.kafka
DELIVERIES, RESOURCES, KILLS, WORKERS = 24_000, 1_500, 6, 2
FEED_PER_S = 3_000


def test_killed_workers_lose_nothing_double_nothing_keep_order(kafka: str, registry: str, tmp_path: Path) -> None:
    """24,000 deliveries, two workers, six SIGKILLs: 0 lost, 0 duplicated, 0 out of order, outcomes add up, tables equal.

    Variants, which products list and which have topics of their own, are among the changes like the products.
    """
    with opened(kafka, registry, tmp_path) as (source, app, outcomes, workers):
        for slot in range(WORKERS):
            workers.start(slot)
        wait_until(lambda: all(workers.is_ready(slot) for slot in range(WORKERS)), "both workers")
        with ThreadPoolExecutor(1) as feeder:
            fed = feeder.submit(feed, kafka, noisy_products(source, DELIVERIES, RESOURCES, family_every=3), FEED_PER_S)
            killed = kill_along_the_way(workers, outcomes)
            assert fed.result() == DELIVERIES
        wait_for_all(workers, outcomes)
    ledger = Ledger.read(kafka, registry, source)
    expected = recompute(ledger.raw, Routes({}))

    assert killed == KILLS
    assert len(ledger.raw) == DELIVERIES
    assert_adds_up(ledger, expected)
    assert set(ledger.by_outcome()) == {"changed", "duplicate", "stale", "unchanged"}, (
        "the noise must contain every kind"
    )
    assert {change["op"] for change in ledger.changes if change["resource_type"] == "variant"} == {"c", "u", "d"}
    assert newest(restored(kafka, app, tmp_path / "restored"), source) == expected.latest


def kill_along_the_way(workers: Workers, outcomes: OutcomeCount) -> int:
    """Kill a worker each time a further share of the deliveries is decided, in the middle of the next share. Return the kills."""
    rng = random.Random(7)  # noqa: S311  # reproducible
    for kill in range(1, KILLS + 1):
        threshold = kill * DELIVERIES // (KILLS + 2)
        wait_until(partial(reached, outcomes, threshold), f"{threshold} outcomes before kill {kill}")
        workers.kill(rng.randrange(WORKERS))
        workers.restart_the_dead()
    return KILLS


def reached(outcomes: OutcomeCount, floor: int) -> bool:
    """Say whether at least that many deliveries are decided."""
    return outcomes() >= floor


def wait_for_all(workers: Workers, outcomes: OutcomeCount) -> None:
    """Wait until every delivery has an outcome; restart workers that end by themselves, as a supervisor does."""

    def are_decided() -> bool:
        workers.restart_the_dead()
        return outcomes() >= DELIVERIES

    wait_until(are_decided, f"{DELIVERIES} outcomes", 120)

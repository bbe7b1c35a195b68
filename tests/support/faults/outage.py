"""Kafka is away for a while, and a worker waits for it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from streams.steps.routing import Routes
from tests.support.builders.noisy_products import feed, noisy_products
from tests.support.kafka.cluster import Cluster
from tests.support.oracle.ledger import Ledger, assert_adds_up, recompute
from tests.support.processes.shop import opened
from tests.support.processes.workers import wait_until

BEFORE, PER_S, RESOURCES = 1_000, 300, 300


def assert_outlasted(cluster: Cluster, registry: str, directory: Path, away_s: float, fed_s: float) -> None:
    """Stall every link for `away_s`; assert that the worker continues afterwards and the books balance.

    Deliveries come in for `fed_s`. If that is longer than `away_s`, the worker is in the middle of a transaction, and
    librdkafka may fail its producer (an answer of Kafka's is lost, and it takes the next transaction for one in flight), or
    never recover: then the worker replaces it.
    """
    kafka, count = cluster.bootstrap_servers, BEFORE + int(PER_S * fed_s)
    with (
        opened(kafka, registry, directory, cluster.worker_servers) as (source, _, outcomes, workers),
        ThreadPoolExecutor(1) as feeder,
    ):
        worker = workers.start(0)
        wait_until(lambda: workers.is_ready(0), "the worker")
        fed = feeder.submit(feed, kafka, noisy_products(source, count, RESOURCES), PER_S)
        wait_until(lambda: outcomes() >= BEFORE, "the outcomes before the outage")
        if fed_s < away_s:
            wait_until(lambda: fed.done() and outcomes() >= count, "an idle worker")
        for link in cluster.links:
            link.stall()
        threading.Event().wait(away_s)
        for link in cluster.links:
            link.heal()
        if fed_s < away_s:
            count += feed(kafka, noisy_products(source, BEFORE, RESOURCES, seed=2))
        assert fed.result() <= count
        wait_until(lambda: outcomes() >= count, f"{count} outcomes", 120)
        assert worker.exit_code() is None, workers.log(0).read_text()[-3000:]
    ledger = Ledger.read(kafka, registry, source)
    assert_adds_up(ledger, recompute(ledger.raw, Routes({})))

"""Kafka goes away and comes back, with deliveries waiting: the same worker process continues, and the books balance.

Each test has its own Kafka, because it is killed. `python -m bench outage` measures how soon the worker continues.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local import kafka, ports
from streams.steps.routing import Routes
from tests.support.builders.noisy_products import feed, noisy_products
from tests.support.kafka.restored_table import restored
from tests.support.oracle.ledger import Ledger, assert_adds_up, newest, recompute
from tests.support.processes.shop import opened
from tests.support.processes.workers import wait_until
from tests.support.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]
DELIVERIES, RESOURCES = 15_000, 1_000  # several seconds of work: most of it is waiting when Kafka goes away
DECIDED = 1_500
STOPPED_S = 30.0


class Broker:
    """A Kafka that can be away, on one port and one data directory."""

    def __init__(self, directory: Path) -> None:
        self._running = kafka.start_kafka(directory)
        self.bootstrap_servers = self._running.bootstrap_servers
        self._port = int(self.bootstrap_servers.rpartition(":")[2])

    def stop(self) -> None:
        """End it cleanly."""
        self._running.stop()

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._running.child.kill()

    def start(self) -> None:
        """Start it again."""
        until(lambda: ports.is_free(self._port), 30, "the broker's port")
        self._running = kafka.start_kafka(self._running.data_dir, self._port)

    def freeze(self) -> None:
        """Freeze it: connections stay open and nothing answers."""
        os.kill(self._running.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume it."""
        os.kill(self._running.pid, signal.SIGCONT)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Give a Kafka that ends with the test."""
    made = Broker(tmp_path / "kafka")
    yield made
    made.kill()


@pytest.mark.parametrize(
    ("gone", "back", "away_s"),
    [
        (Broker.stop, Broker.start, 2.0),
        pytest.param(Broker.kill, Broker.start, 2.0, marks=pytest.mark.soak),
        (Broker.kill, Broker.start, 13.0),
    ],
    ids=["stopped briefly", "killed briefly", "killed"],
)
def test_worker_goes_on_after_an_outage(
    broker: Broker,
    registry: str,
    tmp_path: Path,
    gone: Callable[[Broker], None],
    back: Callable[[Broker], None],
    away_s: float,
) -> None:
    """The process from before decides each delivery once and in order; two outages, because the first leaves traces."""
    assert_goes_on(broker, registry, tmp_path, lambda: gone(broker), lambda: back(broker), away_s)


def assert_goes_on(
    broker: Broker,
    registry: str,
    tmp_path: Path,
    gone: Callable[[], None],
    back: Callable[[], None],
    away_s: float,
) -> None:
    """Take Kafka away twice; fail where the process ends or the books do not balance."""
    address = broker.bootstrap_servers
    with opened(address, registry, tmp_path) as (source, app, outcomes, workers):

        def wait_for(count: int, timeout_s: float) -> None:
            wait_until(lambda: outcomes() >= count, f"{count} outcomes", timeout_s)

        feed(address, noisy_products(source, DELIVERIES, RESOURCES, seed=0, family_every=3))
        worker = workers.start(0)
        for turn in (1, 2):
            wait_for((turn - 1) * DELIVERIES + DECIDED, 60)
            gone()
            threading.Event().wait(away_s)
            back()
            wait_for(turn * DELIVERIES, 180)
            if turn == 1:
                feed(address, noisy_products(source, DELIVERIES, RESOURCES, seed=1, family_every=3))
        assert worker.exit_code() is None, workers.log(0).read_text()[-3000:]
        workers.stop()
        ledger = Ledger.read(address, registry, source)
        expected = recompute(ledger.raw, Routes({}))
        assert len(ledger.raw) == 2 * DELIVERIES
        assert_adds_up(ledger, expected)
        assert newest(restored(address, app, tmp_path / "restored"), source) == expected.latest


def test_worker_stops_while_kafka_is_away(broker: Broker, registry: str, tmp_path: Path) -> None:
    """SIGTERM in the middle of an outage: exit code 0, and the next start continues from Kafka's committed offsets."""
    address = broker.bootstrap_servers
    with opened(address, registry, tmp_path) as (source, _, outcomes, workers):
        worker = workers.start(0)
        wait_until(lambda: workers.is_ready(0), "the worker")
        feed(address, noisy_products(source, DELIVERIES, RESOURCES))
        wait_until(lambda: outcomes() >= DECIDED, "some outcomes")
        broker.kill()
        wait_until(lambda: "producer_lost" in workers.log(0).read_text(), "a worker that waits for Kafka")

        worker.terminate()

        assert worker.wait(STOPPED_S) == 0, workers.log(0).read_text()[-3000:]
        broker.start()
        workers.start(0)
        wait_until(lambda: outcomes() >= DELIVERIES, f"{DELIVERIES} outcomes", 180)
    ledger = Ledger.read(address, registry, source)
    assert_adds_up(ledger, recompute(ledger.raw, Routes({})))

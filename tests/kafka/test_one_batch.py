"""One batch, ended at each of its crash points: it leaves behind exactly what docs/architecture.md says.

test_crash.py kills at random under load; here the crash point is chosen, so that every run meets each of them.
"""

import signal
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas.topics import RAW
from streams.steps.routing import Routes
from tests.support.builders.noisy_products import ensure_raw, feed, noisy_products
from tests.support.kafka.end_offsets import end_of
from tests.support.kafka.restored_table import restored
from tests.support.oracle.ledger import Ledger, assert_adds_up, newest, recompute
from tests.support.processes.workers import Workers, configured, running, wait_until

pytestmark = pytest.mark.kafka
DELIVERIES, RESOURCES, DOOMED = 6_000, 400, 3_000  # the batch with the fault is neither the first nor the last


class Shop:
    """One source's deliveries on `webhooks.raw`, and the workers that decide them."""

    def __init__(self, kafka: str, registry: str, directory: Path) -> None:
        name = uuid.uuid4().hex[:8]
        self.source, self.app = f"shop-{name}", f"batch-{name}"
        self.configuration = configured(kafka, registry, self.source, self.app)
        self.deliveries = noisy_products(self.source, DELIVERIES, RESOURCES, family_every=3)
        self._kafka, self._registry, self._directory = kafka, registry, directory
        options = {"bootstrap.servers": kafka, "group.id": f"penstock.{self.app}", "enable.auto.commit": False}
        self._group = Consumer(options)  # for lookups: it never subscribes

    def feed(self, count: int = DELIVERIES) -> None:
        """Publish the next deliveries."""
        assert feed(self._kafka, (next(self.deliveries) for _ in range(count))) == count

    def is_decided(self) -> bool:
        """Say whether the group has committed everything on the topic."""
        known = self._group.list_topics(RAW, timeout=10).topics[RAW].partitions
        try:
            positions = self._group.committed([TopicPartition(RAW, number) for number in known], timeout=2)
        except KafkaException:  # a transaction of this group is pending
            return False
        return all(position.offset == end_of(self._group, RAW, position.partition) for position in positions)

    def close(self) -> None:
        """Close the clients."""
        self._group.close()

    def assert_books_balance(self) -> None:
        """Assert that Kafka holds exactly the result of the deliveries, the changelogs included."""
        ledger = Ledger.read(self._kafka, self._registry, self.source)
        expected = recompute(ledger.raw, Routes({}))
        assert len(ledger.raw) == DELIVERIES
        assert_adds_up(ledger, expected)
        assert newest(restored(self._kafka, self.app, self._directory / "restored"), self.source) == expected.latest


@pytest.fixture
def shop(kafka: str, registry: str, tmp_path: Path) -> Iterator[Shop]:
    """Give a shop that has sent nothing yet."""
    with closing(Shop(kafka, registry, tmp_path)) as made:
        ensure_raw(kafka, made.app)
        yield made


@pytest.fixture
def workers(shop: Shop, tmp_path: Path) -> Iterator[Workers]:
    """Give the shop's workers, none of them started."""
    with running(tmp_path, shop.configuration) as made:
        yield made


@pytest.mark.parametrize("point", ["deciding", "flushed", "overtaken", "committed", "half stored"])
def test_killed_at_a_point_of_a_batch(shop: Shop, workers: Workers, point: str) -> None:
    """SIGKILL at each crash point: the restarted worker decides the uncommitted deliveries, and nothing twice."""
    shop.feed()
    crash_point = workers.start(0, crash_point=(point, "kill", shop.source, str(DOOMED)))
    wait_until(lambda: crash_point.exit_code() is not None, f"the kill: {point}")
    assert crash_point.exit_code() == -signal.SIGKILL, workers.log(0).read_text()[-3000:]

    workers.start(0)

    wait_until(shop.is_decided, "everything decided")
    shop.assert_books_balance()


@pytest.mark.parametrize("point", ["deciding", "flushed", "overtaken"])
def test_transaction_that_fails_is_taken_back(shop: Shop, workers: Workers, point: str) -> None:
    """Aborted at each point before the commit: the same worker discards the batch and decides it again."""
    shop.feed()

    worker = workers.start(0, crash_point=(point, "abort", shop.source, str(DOOMED)))

    wait_until(shop.is_decided, "everything decided")
    assert worker.exit_code() is None
    assert '"batch_aborted"' in workers.log(0).read_text()
    shop.assert_books_balance()


@pytest.mark.parametrize("point", ["flushed", "overtaken", "answered"])
def test_client_that_does_not_come_back_is_replaced(shop: Shop, workers: Workers, point: str) -> None:
    """A commit hangs before or after Kafka took it: the same worker finds out, and repeats only an uncommitted batch."""
    shop.feed()

    worker = workers.start(0, crash_point=(point, "hang", shop.source, str(DOOMED)))

    wait_until(shop.is_decided, "everything decided")
    assert worker.exit_code() is None
    log = workers.log(0).read_text()
    assert log.count('"producer_renewed"') == 1
    assert ('"batch_aborted"' in log) == (point != "answered")
    shop.assert_books_balance()


def test_store_that_does_not_take_a_committed_batch_is_rebuilt(shop: Shop, workers: Workers) -> None:
    """The next batch was decided on its rows: that one is rolled back, the committed one is not."""
    shop.feed()

    worker = workers.start(0, crash_point=("committed", "break", shop.source, str(DOOMED)))

    wait_until(shop.is_decided, "everything decided")
    assert worker.exit_code() is None
    assert workers.log(0).read_text().count('"store_rebuilt"') == 1
    shop.assert_books_balance()


def test_another_worker_takes_over_with_the_tables(shop: Shop, workers: Workers) -> None:
    """A worker with an empty disk takes over the partitions of a stopped one: its state is the same."""
    shop.feed(DELIVERIES // 2)
    first = workers.start(0)
    wait_until(shop.is_decided, "the first half decided")
    assert first.stop(30) == 0
    shop.feed(DELIVERIES // 2)

    workers.start(1)

    wait_until(shop.is_decided, "the second half decided")
    shop.assert_books_balance()

"""Kafka or spool: where each delivery goes, and in which order Kafka gets all of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ingress.delivery import failover_publisher as keepers
from ingress.delivery.failover_publisher import FailoverPublisher
from ingress.delivery.publisher import PUBLISHED, SPOOLED, Headers, Published, Report, Unpublished
from ingress.delivery.spool import Spool

LIMIT_BYTES = 1 << 20
TIMEOUT_S = 10.0


class FakeKafka:
    """A producer's queue and the topic behind it: records reach the topic in the order of the queue, while it is up."""

    def __init__(self) -> None:
        self.topic: list[bytes] = []
        self.refusals: list[Unpublished] = []
        self._is_up = True
        self._queue: list[tuple[bytes, asyncio.Future[Report]]] = []
        self._direct: list[tuple[asyncio.Future[Report], asyncio.Future[Report]]] = []

    @property
    def unreported(self) -> int:
        """Return the number of waiting records."""
        return len(self._queue)

    async def publish(self, key: bytes, value: bytes, headers: Headers) -> Report:
        """Publish with a timeout, which `give_up` triggers."""
        late = self.enqueue(key, value, headers)
        answer: asyncio.Future[Report] = asyncio.get_running_loop().create_future()

        def report(_done: "asyncio.Future[Report]") -> None:
            if not answer.done():
                answer.set_result(late.result())

        late.add_done_callback(report)
        self._direct.append((late, answer))
        return await answer

    def enqueue(self, _key: bytes, value: bytes, _headers: Headers) -> "asyncio.Future[Report]":
        """Queue a record."""
        future: asyncio.Future[Report] = asyncio.get_running_loop().create_future()
        if self.refusals:
            future.set_result(self.refusals.pop(0))
            return future
        self._queue.append((value, future))
        self._write()
        return future

    def go(self) -> None:
        """Stop acknowledging."""
        self._is_up = False

    def come_back(self) -> None:
        """Write all queued records, and acknowledge at once from now on."""
        self._is_up = True
        self._write()

    def give_up(self) -> None:
        """Let all direct publications time out."""
        for late, answer in self._direct:
            if not answer.done():
                answer.set_result(Unpublished("ack_timeout", "as told", late))
        self._direct.clear()

    def _write(self) -> None:
        while self._is_up and self._queue:
            value, future = self._queue.pop(0)
            self.topic.append(value)
            future.set_result(PUBLISHED)


@asynccontextmanager
async def keeping(
    directory: Path, kafka: FakeKafka, limit_bytes: int = LIMIT_BYTES
) -> AsyncIterator[FailoverPublisher]:
    """Give a failover publisher that drains."""
    spool = Spool(directory / "1.sqlite", limit_bytes)
    spool.start()
    failover = FailoverPublisher(kafka, spool)
    draining = asyncio.create_task(failover.drain())
    yield failover
    draining.cancel()
    await asyncio.gather(draining, return_exceptions=True)
    await spool.stop()


async def publish(failover: FailoverPublisher, *values: bytes) -> list[Report]:
    """Publish values at once and return the reports."""
    return list(await asyncio.gather(*[failover.publish(b"key", value, []) for value in values]))


def refused(failover: FailoverPublisher) -> str | None:
    """Return the current reason for refusals."""
    refusal = failover.refusal()
    return None if refusal is None else refusal.reason


async def until_direct(failover: FailoverPublisher) -> None:
    """Return once the spool has been drained."""
    async with asyncio.timeout(TIMEOUT_S):
        while not failover.is_direct or failover._spool.deliveries:  # noqa: ASYNC110  # a fact of the drain, with a deadline
            await asyncio.sleep(0.001)


async def until_queued(kafka: FakeKafka, count: int) -> None:
    """Return once the producer holds that many records that Kafka has not acknowledged."""
    async with asyncio.timeout(TIMEOUT_S):
        while len(kafka._queue) < count:  # noqa: ASYNC110  # a fact of the drain, with a deadline
            await asyncio.sleep(0.001)


async def enter_spool(failover: FailoverPublisher, kafka: FakeKafka, *values: bytes) -> list[Report]:
    """Publish while Kafka is going away, until the deliveries are in the spool."""
    kafka.go()
    waiting = [asyncio.create_task(failover.publish(b"key", value, [])) for value in values]
    await asyncio.sleep(0)
    kafka.give_up()
    return list(await asyncio.gather(*waiting))


async def test_kafka_alone_while_it_acknowledges(tmp_path: Path) -> None:
    """The spool is not touched."""
    kafka = FakeKafka()
    async with keeping(tmp_path, kafka) as failover:
        assert await publish(failover, b"a", b"b") == [PUBLISHED, PUBLISHED]
        assert failover._spool.spooled == 0

    assert kafka.topic == [b"a", b"b"]


async def test_outage_keeps_order_and_repeats_nothing(tmp_path: Path) -> None:
    """Given up, spooled, drained: each is on the topic once, in the order of arrival, the queued copies included."""
    kafka = FakeKafka()
    async with keeping(tmp_path, kafka) as failover:
        assert await enter_spool(failover, kafka, b"0", b"1") == [SPOOLED, SPOOLED]
        later = [b"%d" % number for number in range(2, 3000)]
        assert set(await publish(failover, *later)) == {SPOOLED}
        kafka.come_back()
        await until_direct(failover)
        assert await publish(failover, b"3000") == [PUBLISHED]

    assert kafka.topic == [b"%d" % number for number in range(3001)]


async def test_while_anything_is_unsent_nothing_overtakes_it(tmp_path: Path) -> None:
    """Kafka acknowledges again, and new deliveries arrive throughout the drain: none overtakes an earlier one."""
    kafka = FakeKafka()
    async with keeping(tmp_path, kafka) as failover:
        await enter_spool(failover, kafka, b"0")
        await publish(failover, *[b"%d" % number for number in range(1, 2500)])
        kafka.come_back()
        number = 2500
        async with asyncio.timeout(TIMEOUT_S):
            while number < 3000 or not failover.is_direct:
                (report,) = await publish(failover, b"%d" % number)
                assert report in {PUBLISHED, SPOOLED}
                number += 1
        await until_direct(failover)

    assert kafka.topic == [b"%d" % sent for sent in range(number)]


async def test_steady_load_does_not_keep_the_spool_in_use(tmp_path: Path) -> None:
    """Ten senders that never pause: direct publishing resumes although the spool is never seen empty."""
    kafka = FakeKafka()
    async with keeping(tmp_path, kafka) as failover:
        await enter_spool(failover, kafka, b"first")
        kafka.come_back()
        reports: set[type] = set()

        async def sender(name: int) -> None:
            number = 0
            while Published not in reports:
                reports.add(type(await failover.publish(b"key", b"%d-%d" % (name, number), [])))
                number += 1

        await asyncio.wait_for(asyncio.gather(*(sender(name) for name in range(10))), TIMEOUT_S)


async def test_restart_drains_first(tmp_path: Path) -> None:
    """A killed process's deliveries are on the topic before new ones."""
    gone = FakeKafka()
    async with keeping(tmp_path, gone) as failover:
        await enter_spool(failover, gone, b"a", b"b")
    kafka = FakeKafka()

    async with keeping(tmp_path, kafka) as failover:
        assert not failover.is_direct
        await publish(failover, b"c")
        await until_direct(failover)

    assert kafka.topic == [b"a", b"b", b"c"]


async def test_row_stays_in_the_spool_until_kafka_has_it(tmp_path: Path) -> None:
    """A record in the producer is not yet on Kafka: after a kill, the next process must find it."""
    spool = Spool(tmp_path / "1.sqlite", LIMIT_BYTES)
    spool.start()
    assert [await spool.append(b"key", value, [])[1] for value in (b"a", b"b")] == [None, None]
    await spool.stop()
    kafka = FakeKafka()
    kafka.go()

    async with keeping(tmp_path, kafka) as failover:
        await until_queued(kafka, 2)
        await failover._spool.rows(0, 10, 1 << 30)  # the spool's thread has finished all earlier work
        waiting = await failover._spool.rows(0, 10, 1 << 30)
        kafka.come_back()
        await until_direct(failover)
        left_behind = await failover._spool.rows(0, 10, 1 << 30)

    assert [row.value for row in waiting] == [b"a", b"b"]
    assert (kafka.topic, left_behind) == ([b"a", b"b"], [])


async def test_second_outage_during_the_drain(tmp_path: Path) -> None:
    """Kafka comes and goes: order and completeness hold after any number of outages."""
    kafka = FakeKafka()
    sent: list[bytes] = []
    async with keeping(tmp_path, kafka) as failover:
        for outage in range(5):
            values = [b"%d-%d" % (outage, number) for number in range(1200)]
            await enter_spool(failover, kafka, values[0])
            publishing = asyncio.create_task(publish(failover, *values[1:]))
            while not publishing.done():  # the drain may end just now and publish directly, until the outage shows
                kafka.give_up()
                await asyncio.sleep(0.001)
            kafka.come_back()
            await asyncio.sleep(0.005 * outage)
            sent += values
        kafka.come_back()
        await until_direct(failover)

    assert kafka.topic == sent


async def test_refused_records_are_handed_over_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full queue or a refusal during the drain costs a pause, no delivery and no order."""
    monkeypatch.setattr(keepers, "PAUSE_S", 0.01)
    left = FakeKafka()
    async with keeping(tmp_path, left) as failover:
        await enter_spool(failover, left, b"a", b"b", b"c")
    kafka = FakeKafka()
    kafka.refusals = [Unpublished("queue_full", ""), Unpublished("queue_full", "")]

    async with keeping(tmp_path, kafka) as failover:
        await until_direct(failover)

    assert kafka.topic == [b"a", b"b", b"c"]


async def test_record_that_kafka_never_takes_blocks_nobody(tmp_path: Path) -> None:
    """It becomes a refused row, and the others continue."""
    left = FakeKafka()
    async with keeping(tmp_path, left) as failover:
        await enter_spool(failover, left, b"large", b"b")
    kafka = FakeKafka()
    kafka.refusals = [Unpublished("record_too_large", "")]

    async with keeping(tmp_path, kafka) as failover:
        await until_direct(failover)
        assert failover._spool.refused == 1

    assert kafka.topic == [b"b"]


async def test_full_spool_is_said(tmp_path: Path) -> None:
    """Neither Kafka nor the spool takes it: the sender gets the reason."""
    kafka = FakeKafka()
    async with keeping(tmp_path, kafka, limit_bytes=100) as failover:
        (first,) = await enter_spool(failover, kafka, b"x" * 80)
        (second,) = await publish(failover, b"x" * 80)

        assert first == SPOOLED
        assert isinstance(second, Unpublished)
        assert second.reason == "spool_full"


async def test_refusal_is_told_until_the_spool_has_room(tmp_path: Path) -> None:
    """Readiness reports it from the first delivery that did not fit until one like it would, without a further delivery."""
    kafka = FakeKafka()
    async with keeping(tmp_path, kafka, limit_bytes=100) as failover:
        await enter_spool(failover, kafka, b"x" * 80)
        assert failover.refusal() is None
        await publish(failover, b"x" * 80)
        assert refused(failover) == "spool_full"

        kafka.come_back()
        await until_direct(failover)

        assert refused(failover) is None


async def test_refusal_ends_when_kafka_has_taken_what_it_was_given(tmp_path: Path) -> None:
    """Kafka away and the spool full from the start: the acknowledgement of the refused delivery ends it."""
    kafka = FakeKafka()
    async with keeping(tmp_path, kafka, limit_bytes=10) as failover:
        (report,) = await enter_spool(failover, kafka, b"x" * 80)
        assert isinstance(report, Unpublished)
        assert refused(failover) == "spool_full"

        kafka.come_back()

        assert refused(failover) is None
        assert await publish(failover, b"y") == [PUBLISHED]


async def test_record_too_large_is_not_spooled(tmp_path: Path) -> None:
    """A record that Kafka refuses for its size is refused to the sender."""
    kafka = FakeKafka()
    kafka.refusals = [Unpublished("record_too_large", "")]
    async with keeping(tmp_path, kafka) as failover:
        kafka_report = await failover.publish(b"key", b"x", [])

    assert isinstance(kafka_report, Unpublished)
    assert kafka_report.reason == "record_too_large"

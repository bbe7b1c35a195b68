"""Batches in, one transaction out: polls Kafka, lets the agent decide, commits, and only then writes the tables to disk.

The order per batch, with what a kill in between leads to:
poll                                   nothing happened
agent decides and produces             the transaction is aborted by the restart; the batch comes again
changelog, offsets, commit             either all of it is visible or none
tables to disk                         the restore replays the changelog from the stored offset
Every librdkafka call that may block runs on one thread, in order; the event loop stays free for Faust.
"""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, NoReturn, cast

import structlog
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from mode import Service
from msgspec import Struct

from schemas import codec
from schemas.records import RawDelivery
from schemas.registry import Registry, RegistryFault
from streams.faults import Terminal, Transient
from streams.publish import Encoder, Topics
from streams.restore import Restore
from streams.settings import WorkerSettings, compiled_routes
from streams.steps.fanout import Routes
from streams.table import TABLE_NAMES, PartitionTables, open_tables
from streams.topics import DEAD, OUTCOMES, RAW, changelog_topic
from streams.transaction import Transaction

MAX_BATCH = 2_000  # commits cost 5 to 10 ms each; at 50 us a delivery a full batch spreads that over 100 ms
POLL_S = 0.1
BACKOFF_S = (0.1, 0.5, 1.0, 2.0, 5.0)
TERMINAL_EXIT = 3
CONFIGURATION_EXIT = 2

log = structlog.get_logger()


class Batch(Struct):
    """Deliveries to decide together, and where the decisions go. The agent resolves `decided` when all are produced."""

    deliveries: Sequence[RawDelivery]
    tables: dict[int, PartitionTables]
    transaction: Transaction
    encoder: Encoder
    routes: Routes
    decided: asyncio.Future[None]


class Source(Service):  # type: ignore[misc]  # mode has no types
    """The pump of one worker slot."""

    def __init__(self, settings: WorkerSettings, channel: Any, **options: Any) -> None:
        super().__init__(**options)
        self._settings = settings
        self._channel = channel
        self._routes = compiled_routes(settings.configuration)
        self._librdkafka = ThreadPoolExecutor(1, "librdkafka")
        self._restorers = ThreadPoolExecutor(4, "restore")
        self._tables: dict[int, PartitionTables] = {}
        self._restores: dict[int, tuple[Restore, Future[PartitionTables]]] = {}
        self._failures = 0

    # --- start and stop

    async def on_start(self) -> None:
        """Create what the pipeline needs, fence the former self, join the group."""
        self._settings.ready_file.unlink(missing_ok=True)  # left by a former self that was killed
        await self._patiently(self._connect)
        self._consumer.subscribe([RAW], on_assign=self._assign, on_revoke=self._revoke, on_lost=self._revoke)

    def _connect(self) -> None:
        settings = self._settings
        self._topics = Topics(settings.kafka, settings.configuration.kafka.partitions)
        self._registry = Registry(settings.configuration.registry.url)
        self._encoder = Encoder(self._registry, self._topics)
        partitions = self._topics.partitions(RAW)
        for name in TABLE_NAMES:
            self._topics.widen(changelog_topic(settings.app, name), partitions)
        for topic in (OUTCOMES, DEAD):
            self._topics.ensure(topic)
        self._registry.prefix(OUTCOMES, "outcome")
        self._registry.prefix(DEAD, "dead")
        self._transaction = Transaction(settings.kafka, f"{settings.group}.{settings.worker_id}")
        self._transaction.initialise()
        self._consumer = Consumer(
            {
                **settings.kafka,
                "group.id": settings.group,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "session.timeout.ms": 6_000,
                "heartbeat.interval.ms": 2_000,
                "partition.assignment.strategy": "cooperative-sticky",
                "fetch.wait.max.ms": 10,  # an idle broker answers at once when a delivery comes; 24 ms p50 end to end
                "queued.max.messages.kbytes": 65_536,
                "fetch.message.max.bytes": 8 * 1024 * 1024,
            }
        )

    async def on_stop(self) -> None:
        """Leave the group and let go of the disk."""
        self._settings.ready_file.unlink(missing_ok=True)
        if hasattr(self, "_consumer"):
            await self._blocking(self._consumer.close)
            self._registry.close()
        for partition in list(self._tables):
            self._tables.pop(partition).close()
        self._librdkafka.shutdown(wait=False)
        self._restorers.shutdown(wait=False, cancel_futures=True)

    # --- the pump

    @Service.task  # type: ignore[untyped-decorator]  # mode has no types
    async def pump(self) -> None:
        """Go round until stopped."""
        while not self.should_stop:
            try:
                deliveries = await self._blocking(self._poll)
                await self._blocking(self._resume_restored)
                if deliveries:
                    await self._carry(deliveries)
            except Terminal as fault:
                die(fault)

    def _poll(self) -> list[RawDelivery]:
        """Return what has arrived: at once when there is anything, after POLL_S when there is nothing.

        Waiting for a full batch instead costs 100 ms of latency; batches grow by themselves when deliveries pile up.
        """
        first = self._consumer.poll(POLL_S)
        if first is None:
            return []
        messages = [first, *self._consumer.consume(MAX_BATCH - 1, 0)]
        for message in messages:
            if message.error() is not None:
                log.warning("poll_failed", error=str(message.error()))
        # A rebalance inside `consume` may have taken partitions whose records are already in this list.
        return [
            _delivery(message)
            for message in messages
            if message.error() is None and message.partition() in self._tables
        ]

    async def _carry(self, deliveries: list[RawDelivery]) -> None:
        """Carry one batch from decision to disk; on a passing fault take everything back and return to its first record."""
        try:
            await self._blocking(self._transaction.begin)
            decided = asyncio.get_running_loop().create_future()
            batch = Batch(deliveries, self._tables, self._transaction, self._encoder, self._routes, decided)
            await self._channel.put(batch)
            await decided
            await self._blocking(self._commit, deliveries)
            self._failures = 0
        except (Transient, RegistryFault) as fault:
            backoff_s = self._backoff_s()
            log.warning("batch_aborted", error=str(fault), deliveries=len(deliveries), retry_in_s=backoff_s)
            await self._blocking(self._take_back, deliveries)
            await asyncio.sleep(backoff_s)

    def _commit(self, deliveries: list[RawDelivery]) -> None:
        written: dict[int, dict[Any, int]] = {}
        for partition in {delivery.partition for delivery in deliveries}:
            written[partition] = self._produce_changelog(partition)
        after = {delivery.partition: delivery.offset + 1 for delivery in deliveries}
        self._transaction.commit([TopicPartition(RAW, *place) for place in after.items()], self._consumer)
        for partition, offsets in written.items():
            self._tables[partition].store(offsets)

    def _produce_changelog(self, partition: int) -> dict[Any, int]:
        """Produce the overlay, one record per row however often it changed; return where each table's offset will stand."""
        offsets: dict[Any, int] = {}
        for name, rows in self._tables[partition].overlays().items():
            topic = changelog_topic(self._settings.app, name)
            if not rows:
                continue
            *most, last = rows.items()
            for row in most:
                self._transaction.produce(topic, *row, partition)
            self._transaction.produce_reported(topic, last, partition, partial(_note, offsets, name))
        return offsets

    def _take_back(self, deliveries: list[RawDelivery]) -> None:
        first: dict[int, int] = {}
        for delivery in deliveries:
            first.setdefault(delivery.partition, delivery.offset)
        self._transaction.abort()
        for partition, offset in first.items():
            if partition in self._tables:
                self._tables[partition].drop()
                self._consumer.seek(TopicPartition(RAW, partition, offset))

    # --- partitions come and go, always between transactions

    def _assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Take partitions, paused: they are restored while polling goes on, so that no restore outlasts the poll interval."""
        consumer.incremental_assign(partitions)
        if partitions:
            consumer.pause(partitions)
        for place in partitions:
            restore = Restore(self._settings.kafka, self._settings.group, self._changelog_of, place.partition)
            self._restores[place.partition] = restore, self._restorers.submit(self._restore, restore, place.partition)
        self._report_ready()

    def _changelog_of(self, table: str) -> str:
        return changelog_topic(self._settings.app, table)

    def _restore(self, restore: Restore, partition: int) -> PartitionTables:
        # committed() first: it waits while a transaction with offsets of this partition is pending, so that everything
        # the previous owner committed lies below the end that the restore then asks for.
        self._consumer.committed([TopicPartition(RAW, partition)], timeout=30)
        return restore.run(open_tables(self._settings.state_dir / str(partition)))

    def _resume_restored(self) -> None:
        for partition, (_, future) in list(self._restores.items()):
            if future.done():
                del self._restores[partition]
                self._tables[partition] = _result(future)
                self._consumer.resume([TopicPartition(RAW, partition)])
                self._report_ready()

    def _revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for place in partitions:
            if place.partition in self._restores:
                restore, future = self._restores.pop(place.partition)
                restore.cancelled.set()
                _result(future).close()
            if place.partition in self._tables:
                self._tables.pop(place.partition).close()
        consumer.incremental_unassign(partitions)

    def _report_ready(self) -> None:
        if not self._restores:
            self._settings.ready_file.parent.mkdir(parents=True, exist_ok=True)
            self._settings.ready_file.write_text(str(os.getpid()))
            log.info("worker_ready", partitions=sorted(self._tables))

    # --- helpers

    async def _patiently(self, function: Any) -> None:
        while True:
            try:
                await self._blocking(function)
            except (Transient, RegistryFault, KafkaException) as fault:
                backoff_s = self._backoff_s()
                log.warning("not_connected", error=str(fault), retry_in_s=backoff_s)
                await asyncio.sleep(backoff_s)
            except Terminal as fault:
                die(fault)
            else:
                self._failures = 0
                return

    def _backoff_s(self) -> float:
        self._failures += 1
        return BACKOFF_S[min(self._failures, len(BACKOFF_S)) - 1]

    async def _blocking(self, function: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._librdkafka, function, *arguments)


def _delivery(message: Message) -> RawDelivery:
    headers = cast("list[tuple[str, bytes | None]] | None", message.headers())
    place = (message.topic() or RAW, cast(int, message.partition()), cast(int, message.offset()))
    return codec.raw_delivery(message.key(), message.value(), headers, place)


def _note(offsets: dict[Any, int], name: str, offset: int) -> None:
    """Note where a changelog goes on after its last record of a transaction."""
    offsets[name] = offset + 1


def _result(future: "Future[PartitionTables]") -> PartitionTables:
    """Return a restore's tables; a restore that failed ends the process, and the next one starts it afresh."""
    try:
        return future.result()
    except (Transient, KafkaException) as fault:
        raise Terminal(f"restoring failed: {fault}") from fault


def die(fault: Exception, exit_code: int = TERMINAL_EXIT) -> NoReturn:
    """End the process at once: a fenced worker that lingers would hold partitions without working on them."""
    log.critical("worker_ends", error=str(fault), exit_code=exit_code)
    os._exit(exit_code)

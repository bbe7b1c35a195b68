"""Polls Kafka, has each batch decided (`batch.py`, through the agent) and committed (`commit.py`).

The order per batch, with what a kill in between leads to:
poll                                   nothing happened
decide and produce                     the transaction is aborted by the restart; the batch comes again
changelog, offsets, commit             either all of it is visible or none
tables to disk                         the restore replays the changelog from the stored offset
When the worker is behind, the next batch is decided while one is committed. Every librdkafka call that may block runs on one
thread, in order, and the commit on its own; the event loop stays free for Faust.
"""

import asyncio
import contextlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import inf
from typing import Any, NoReturn, cast

import structlog
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from mode import Service

from broker import clients
from broker.errors import Transient
from broker.retry_policy import RetryPolicy
from broker.schema_registry import Registry
from broker.topic_admin import Topics
from config.private_files import tighten
from schemas.topics import DEAD, OUTCOMES, RAW, TABLE_NAMES, changelog_topic
from streams.errors import Fatal, Stopped, StoreCorrupted
from streams.state.directory_lock import claim
from streams.state.restore import FETCH_BYTES
from streams.state.rocksdb_store import classify
from streams.worker.assignment import Partitions
from streams.worker.batch import Batch
from streams.worker.commit import Commits
from streams.worker.encoder import Encoder
from streams.worker.metrics import Metrics
from streams.worker.positions import Positions
from streams.worker.settings import WorkerSettings, compiled_routes
from streams.worker.transaction import Transaction

MANY = 1_000  # in a batch: the worker is behind
MAX_BATCH = 2_000  # commits cost 5 to 10 ms each; at 50 us a delivery a full batch spreads that over 100 ms
QUEUE_KB = 16 * 1024  # several batches; a second of work
FULL_QUEUE_WAIT_MS = 100  # a tenth of it; asking every 2 ms cost librdkafka a third more time
POLL_S = 0.1
STOP_S = 10.0  # for the batch under way when the worker gets a signal; supervisors wait 10 to 30 s before they kill
CHECK_AGAIN_S = 1.0
RETRY = RetryPolicy((Transient, KafkaException), first_s=0.1, longest_s=5.0)
TERMINAL_EXIT = 3
CONFIGURATION_EXIT = 2

log = structlog.get_logger()


class DeliveryConsumer(Service):  # type: ignore[misc]  # mode has no types
    """The pump of one worker slot."""

    def __init__(self, settings: WorkerSettings, channel: Any, **options: Any) -> None:
        super().__init__(**options)
        self._settings = settings
        self.metrics = Metrics()
        self._channel = channel
        self._routes = compiled_routes(settings.configuration)
        self._librdkafka = ThreadPoolExecutor(1, "librdkafka")
        self.partitions = Partitions(settings)
        self._tables = self.partitions.tables
        self._positions = Positions()
        self._times_ms: dict[int, int] = {}  # when the batch's last delivery of each partition was put on the topic
        self._failures = 0
        self._check_id_at_s = inf  # monotonic
        self._between_batches = asyncio.Event()
        self._between_batches.set()

    # --- start and stop

    async def on_start(self) -> None:
        """Hold the directory, create what the pipeline needs, fence the former self, join the group."""
        try:
            self._claim = claim(self._settings.state_dir)  # first: until then this worker may be one too many
        except Fatal as fault:
            die(fault)
        self._keep_private()
        self._settings.ready_file.unlink(missing_ok=True)  # left by a former self that was killed
        await self._until_connected(self._connect)
        self._consumer.subscribe([RAW], on_assign=self._assign, on_revoke=self._revoke, on_lost=self._lose)

    @property
    def has_joined(self) -> bool:
        """Say whether the group has been asked for partitions."""
        return hasattr(self, "_commits")

    def _keep_private(self) -> None:
        """Close to others what an earlier version has left open to them."""
        roots = (self._settings.tables_dir, *self._settings.data_dir.glob("worker.*"))
        refused = [str(path) for root in roots for path in tighten(root)]
        if refused:
            log.warning("open_to_others", files=len(refused), first=refused[0], advice="chmod go= as their owner")

    def _connect(self) -> None:
        settings = self._settings
        configuration = settings.configuration
        copies = [route.topic for route in self._routes.raw]
        kafka, seen_days = configuration.kafka, configuration.worker.seen_days
        self._topics = Topics(settings.kafka, kafka.partitions, seen_days, copies, kafka.replication)
        self._registry = Registry(settings.registry)
        self._encoder = Encoder(self._registry, self._topics, self._routes, settings.app)
        partitions = self._topics.partitions(RAW)
        for name in TABLE_NAMES:
            self._topics.widen(changelog_topic(settings.app, name), partitions)
            self._topics.align(changelog_topic(settings.app, name))
        for topic in (OUTCOMES, DEAD):
            self._topics.ensure(topic)
        self._registry.prefix(OUTCOMES, "outcome")
        self._registry.prefix(DEAD, "dead")
        self._transaction = Transaction(settings.kafka, settings.group, settings.worker_id)
        self._transaction.initialise()
        self._consumer = clients.consumer(
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
                "queued.max.messages.kbytes": QUEUE_KB,
                "fetch.message.max.bytes": FETCH_BYTES,
                "fetch.queue.backoff.ms": FULL_QUEUE_WAIT_MS,
            }
        )
        self._commits = Commits(self._consumer, self._transaction, self.partitions, settings.app)

    async def on_stop(self) -> None:
        """Finish the batch under way, leave the group and let go of the disk.

        A transaction left open would hold readers, and restores of the same partitions elsewhere, back for 30 s.
        """
        self._settings.ready_file.unlink(missing_ok=True)
        if hasattr(self, "_consumer"):
            self._transaction.stop()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._between_batches.wait(), STOP_S)
            await self._blocking(self._consumer.close)
            self._registry.close()
        self.partitions.close()
        self._claim.close()
        self._librdkafka.shutdown(wait=False)

    # --- the pump

    @Service.task  # type: ignore[untyped-decorator]  # mode has no types
    async def pump(self) -> None:
        """Go round until stopped, and until what is being committed then has ended."""
        while not self.should_stop or self._commits.deliveries:
            try:
                await self._turn()
            except Stopped as fault:
                log.warning("stopped_without_kafka", error=str(fault))
                break
            except (Fatal, KafkaException) as fault:
                die(fault)
            except OSError as error:  # the files that tell how far the worker is
                die(classify(error, self._settings.data_dir) or error)
        self._between_batches.set()

    async def _turn(self) -> None:
        """Carry what has arrived, if anything; a function of its own, for its locals hold a batch's records."""
        messages = [] if self.should_stop else await self._blocking(self._arrived)
        if self.should_stop:
            messages = []
        if messages or self._commits.deliveries:
            await self._carry(messages)
        elif time.monotonic() >= self._check_id_at_s and not self.should_stop:
            await self._check_id()

    def _arrived(self) -> list[Message]:
        messages = self._poll()
        self.partitions.resume_restored(self._consumer)
        if not messages and not self._commits.deliveries:
            self._transaction.poll()
        return messages

    def _poll(self) -> list[Message]:
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
        arrived = self._positions.unread(
            message for message in messages if message.error() is None and message.partition() in self._tables
        )
        newest = {message.partition(): message for message in arrived}
        self._times_ms = {cast(int, partition): message.timestamp()[1] for partition, message in newest.items()}
        return arrived

    async def _carry(self, messages: list[Message]) -> None:
        """Decide a batch while the one before is committed, and begin to commit it; on a passing fault go back."""
        self._between_batches.clear()
        is_behind = len(messages) >= MANY
        try:
            if messages:
                await self._decide(messages)
            await self._blocking(self._commits.complete)
            if messages:
                await self._blocking(self._commits.begin, messages, self._times_ms)
                messages = []
            if not is_behind:  # else as many are waiting, most likely: decided while this is committed
                await self._blocking(self._commits.complete)
            self._failures = 0
        except Transient as fault:
            self._failures += 1
            backoff_s = round(RETRY.backoff_s(self._failures), 3)
            deliveries = len(messages) + self._commits.deliveries
            log.warning("batch_aborted", error=str(fault), deliveries=deliveries, retry_in_s=backoff_s)
            await self._blocking(self._roll_back, messages)
            await asyncio.sleep(backoff_s)
        except StoreCorrupted as fault:
            await self._blocking(self._roll_back, messages, fault)
        finally:
            if not self._commits.deliveries:
                self._between_batches.set()

    def _roll_back(self, messages: list[Message], broken: StoreCorrupted | None = None) -> None:
        self._positions.forget()  # they come again
        self._commits.roll_back(messages, broken)

    async def _decide(self, messages: list[Message]) -> None:
        decided = asyncio.get_running_loop().create_future()
        batch = Batch(
            iter(messages), self._tables, self._transaction, self._encoder, self._routes, self.metrics, decided
        )
        await self._channel.put(batch)
        await decided

    async def _check_id(self) -> None:
        """End when another worker has this one's id: an idle worker commits nothing, so a commit does not tell it.

        A worker takes its id before it joins the group, and each member that joins gives all others a new assignment.
        """
        self._check_id_at_s = inf
        try:
            await self._blocking(self._transaction.check, changelog_topic(self._settings.app, TABLE_NAMES[0]))
        except Transient as fault:
            self._check_id_at_s = time.monotonic() + CHECK_AGAIN_S
            log.info("id_not_checked", error=str(fault), retry_in_s=CHECK_AGAIN_S)
            await self._blocking(self._transaction.abort)

    def _assign(self, consumer: Consumer, topic_partitions: list[TopicPartition]) -> None:
        self._check_id_at_s = 0.0
        self._positions.forget([topic_partition.partition for topic_partition in topic_partitions])
        self.partitions.assign(consumer, topic_partitions)

    def _revoke(self, consumer: Consumer, topic_partitions: list[TopicPartition]) -> None:
        with contextlib.suppress(Transient, Stopped):  # the pump will find the same, and take the batch back or end
            self._transaction.finish()
        self.partitions.revoke(consumer, topic_partitions)

    def _lose(self, consumer: Consumer, topic_partitions: list[TopicPartition]) -> None:
        self.partitions.is_assigned = False
        self._revoke(consumer, topic_partitions)

    # --- helpers

    async def _until_connected(self, function: Any) -> None:
        try:
            await RETRY.call_async(partial(self._blocking, function), partial(log.warning, "not_connected"))
        except Fatal as fault:
            die(fault)

    async def _blocking(self, function: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._librdkafka, function, *arguments)


def die(fault: Exception, exit_code: int = TERMINAL_EXIT) -> NoReturn:
    """End the process at once: a fenced worker that lingers would hold partitions without working on them."""
    log.critical("worker_ends", error=str(fault), exit_code=exit_code)
    os._exit(exit_code)

"""The partitions assigned to a worker: active ones with open tables, and paused ones whose tables are being restored.

A restore runs outside the rebalance callback, so a long one neither exceeds the poll interval nor stops the other partitions
(decision 0004). Everything here except the restore itself runs on the thread that owns the consumer.
"""

import contextlib
import os
from concurrent.futures import Future, ThreadPoolExecutor

import structlog
from confluent_kafka import Consumer, TopicPartition

from schemas.topics import RAW, changelog_topic
from streams.errors import StoreCorrupted, WorkerError
from streams.state.restore import Restore, retried
from streams.state.restore_progress import Progress
from streams.state.rocksdb_store import Home
from streams.state.tables import PartitionTables, empty_tables, open_tables
from streams.worker.committed_offsets import committed
from streams.worker.settings import WorkerSettings

AT_ONCE = 2  # concurrent restores: one reads while the other writes; each has its own queue in memory

log = structlog.get_logger()


class Partitions:
    """The tables of the active partitions, and the running restores of the others."""

    def __init__(self, settings: WorkerSettings) -> None:
        self.tables: dict[int, PartitionTables] = {}
        self.is_assigned = False
        """Whether the group has made an assignment to this worker; it may be empty."""
        self._settings = settings
        self._progress = Progress(settings.restoring_file)
        self._threads = ThreadPoolExecutor(AT_ONCE, "restore")
        self._restores: dict[int, tuple[Restore, Future[PartitionTables]]] = {}

    @property
    def working(self) -> list[int]:
        """Return the partitions whose deliveries are decided. Like `restoring`, it is read from other threads."""
        return sorted(self.tables.copy())  # the copy is atomic; a dict that changes cannot be iterated

    @property
    def restoring(self) -> list[int]:
        """Return the partitions whose tables are being restored."""
        return sorted(self._restores.copy())

    def assign(self, consumer: Consumer, topic_partitions: list[TopicPartition]) -> None:
        """Add newly assigned partitions, paused until their tables are restored."""
        consumer.incremental_assign(topic_partitions)
        if topic_partitions:
            consumer.pause(topic_partitions)
        for topic_partition in topic_partitions:
            self._start(topic_partition.partition, None)
        self.is_assigned = True
        self._report_ready()

    def rebuild(self, consumer: Consumer, fault: StoreCorrupted) -> None:
        """Restore the tables of an active partition whose store is corrupted. It resumes at the consumer's position."""
        found = [number for number, tables in self.tables.items() if tables.home.directory == fault.directory]
        if not found:
            return  # reported twice, and already being restored
        (partition,) = found
        with contextlib.suppress(WorkerError):  # closing flushes memory, which may fail on a corrupted store
            self.tables.pop(partition).close()
        consumer.pause([TopicPartition(RAW, partition)])
        self._start(partition, fault.reason)

    def resume_restored(self, consumer: Consumer) -> None:
        """Resume the partitions whose tables are restored."""
        for partition, (_, future) in list(self._restores.items()):
            if not future.done():
                continue
            del self._restores[partition]
            self.tables[partition] = future.result()
            consumer.resume([TopicPartition(RAW, partition)])
            self._report_ready()

    def revoke(self, consumer: Consumer, topic_partitions: list[TopicPartition]) -> None:
        """Release revoked partitions: cancel their restores and close their tables."""
        for topic_partition in topic_partitions:
            if topic_partition.partition in self._restores:
                restore, future = self._restores.pop(topic_partition.partition)
                restore.cancelled.set()
                future.result().close()
            if topic_partition.partition in self.tables:
                self.tables.pop(topic_partition.partition).close()
        consumer.incremental_unassign(topic_partitions)

    def close(self) -> None:
        """Close all tables and stop the restore threads."""
        for partition in list(self.tables):
            self.tables.pop(partition).close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._settings.restoring_file.unlink(missing_ok=True)

    def _start(self, partition: int, broken: str | None) -> None:
        settings = self._settings
        restore = Restore(
            settings.kafka,
            settings.group,
            lambda table: changelog_topic(settings.app, table),
            partition,
            self._progress,
        )
        self._progress.expect(partition)
        self._restores[partition] = restore, self._threads.submit(self._restored, restore, partition, broken)

    def _restored(self, restore: Restore, partition: int, broken: str | None) -> PartitionTables:
        settings = self._settings
        # Read first: everything the previous owner committed must lie below the end that the restore queries next.
        retried(lambda: committed(settings.kafka, settings.group, [partition]), restore.cancelled, partition)
        home = Home(settings.state_dir / str(partition), settings.app, partition, settings.seen_ms)
        return restore.run(open_tables(home) if broken is None else empty_tables(home, broken))

    def _report_ready(self) -> None:
        if not self._restores:
            self._settings.ready_file.parent.mkdir(parents=True, exist_ok=True)
            self._settings.ready_file.write_text(str(os.getpid()))
            log.info("worker_ready", partitions=sorted(self.tables))

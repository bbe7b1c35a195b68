"""Restores a partition's tables from their changelogs, including every committed row.

The target is the current high watermark, aborted and open transactions included. A read of committed records ends at the last
stable offset, and a dead worker's open transaction can hold that below rows that others committed after it. Stopping there
would lose those rows, so the restore waits until the broker has ended such transactions.

Rows are written without RocksDB's WAL, which is twice as fast; a kill loses only what came after the last checkpoint.
"""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import structlog
from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # public by its documentation
from msgspec import Struct

from broker import clients
from broker.errors import Transient
from broker.retry_policy import Interrupted, RetryPolicy
from schemas.records import NO_RESOURCE, KeyParts
from schemas.topics import TABLE_NAMES, TableName
from streams.errors import Fatal, StoreCorrupted
from streams.state.restore_progress import Progress
from streams.state.tables import PartitionTables, Record, rebuilt

BATCH = 1_000
CHECKPOINT_S = 10.0  # the most work that a kill can lose
ADMIN_TIMEOUT_S = 30.0
RETRY = RetryPolicy((Transient,), first_s=0.25, longest_s=1.0)
# A fetch of compressed records is several times as large in memory, and two partitions are restored at once: with librdkafka's
# default of 64 MB per reader and batches of 10,000 a worker took 860 MB. Smaller ones cost nothing if the reader does not sleep.
QUEUE_KB = 4 * 1024
FETCH_BYTES = 2 * 1024 * 1024
FULL_QUEUE_WAIT_MS = 2  # by default a reader whose queue is full waits for a second: 24,000 records/s instead of 90,000

Result = TypeVar("Result")

log = structlog.get_logger()


class _Changelog(Struct, frozen=True):
    """A table's changelog: its topic, its topic id, which changes if the topic is recreated, and its end."""

    topic: str
    origin: str
    end: int


class Restore:
    """The restore of one partition: reads until the tables hold all committed rows, or until it is cancelled."""

    def __init__(
        self, options: dict[str, str], group: str, changelog: Callable[[str], str], partition: int, progress: Progress
    ) -> None:
        self._options = options
        self._group = group
        self._topic = changelog
        self._partition = partition
        self._progress = progress
        self.cancelled = threading.Event()

    def run(self, tables: PartitionTables) -> PartitionTables:
        """Return the restored tables; a store that is from another changelog, or corrupted, is rebuilt once."""
        try:
            return self._run_twice(tables)
        finally:
            self._progress.end(self._partition)

    def _run_twice(self, tables: PartitionTables) -> PartitionTables:
        try:
            return self._run_with_retry(tables)
        except StoreCorrupted as fault:
            tables = rebuilt(tables, fault.reason)
        try:
            return self._run_with_retry(tables)
        except StoreCorrupted as fault:
            raise Fatal(f"{fault}, while it was rebuilt: is the disk sound? Choose another --data-dir") from fault

    def _run_with_retry(self, tables: PartitionTables) -> PartitionTables:
        """Resume from the last checkpoint after an outage of Kafka; a restarted process would start at the same point."""
        return retried(lambda: self._run(tables), self.cancelled, self._partition) or tables

    def _run(self, tables: PartitionTables) -> PartitionTables:
        started = time.monotonic()
        admin = clients.admin(self._options)
        changelogs = {name: self._described(admin, name) for name in TABLE_NAMES}
        for name, changelog in changelogs.items():
            _check(tables, name, changelog)
        self._progress.begin(
            self._partition, sum(max(0, changelogs[name].end - tables.next_offset(name)) for name in TABLE_NAMES)
        )
        records = sum(self._read(tables, name, changelog) for name, changelog in changelogs.items())
        elapsed_s = time.monotonic() - started
        log.info("restored", partition=self._partition, records=records, seconds=round(elapsed_s, 3))
        return tables

    def _described(self, admin: AdminClient, name: TableName) -> _Changelog:
        topic = self._topic(name)
        position = TopicPartition(topic, self._partition)
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # confluent-kafka leaves it bare
        level = IsolationLevel.READ_UNCOMMITTED
        try:
            named = admin.describe_topics(TopicCollection([topic]), request_timeout=ADMIN_TIMEOUT_S)
            ends = admin.list_offsets({position: latest}, isolation_level=level, request_timeout=ADMIN_TIMEOUT_S)
            return _Changelog(topic, str(named[topic].result().topic_id), int(ends[position].result().offset))
        except KafkaException as error:
            raise Transient(f"the end of {topic}: {error.args[0].str()}") from error

    def _read(self, tables: PartitionTables, name: TableName, changelog: _Changelog) -> int:
        next_offset, count, saved = tables.next_offset(name), 0, time.monotonic()
        if next_offset >= changelog.end:
            tables.checkpoint(name, changelog.origin, next_offset)
            return 0
        reader = self._reader(TopicPartition(changelog.topic, self._partition, next_offset))
        try:
            while next_offset < changelog.end and not self.cancelled.is_set():
                records, after = _arrived(reader)
                if records and count == 0:
                    _check_keys(changelog, records)
                if records:
                    tables.replay(name, records)
                    count += len(records)
                self._progress.advance(self._partition, max(0, after - next_offset))
                next_offset = max(next_offset, after)
                if time.monotonic() - saved > CHECKPOINT_S:
                    tables.checkpoint(name, changelog.origin, next_offset)
                    saved = time.monotonic()
        finally:
            reader.close()
        tables.checkpoint(name, changelog.origin, next_offset)
        return count

    def _reader(self, start: TopicPartition) -> Consumer:
        reader = clients.consumer(
            {
                **self._options,
                "group.id": f"{self._group}-restore",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 10,  # an empty fetch reports the end of the log; by default that takes 500 ms
                "fetch.message.max.bytes": FETCH_BYTES,
                "queued.max.messages.kbytes": QUEUE_KB,
                "fetch.queue.backoff.ms": FULL_QUEUE_WAIT_MS,
                "auto.offset.reset": "earliest",  # after compaction or retention, start with the oldest remaining record
            }
        )
        reader.assign([start])
        return reader


def retried(function: Callable[[], Result], cancelled: threading.Event, partition: int) -> Result | None:
    """Return the result of a function that needs Kafka, retried while Kafka is unavailable; None if cancelled meanwhile."""
    try:
        return RETRY.call(function, partial(log.warning, "restore_waits", partition=partition), cancelled)
    except Interrupted:
        return None


def _check(tables: PartitionTables, name: TableName, changelog: _Changelog) -> None:
    """Raise `StoreCorrupted` for a table that was not filled from this changelog."""
    origin = tables.origin(name)
    if origin not in {None, changelog.origin}:
        raise StoreCorrupted(tables.home.directory, f"{changelog.topic} is not the one it was filled from")
    if tables.next_offset(name) > changelog.end:
        reason = f"it is at offset {tables.next_offset(name)} of {changelog.topic}, which ends at {changelog.end}"
        raise StoreCorrupted(tables.home.directory, reason)


def _check_keys(changelog: _Changelog, records: Sequence[Record]) -> None:
    """Refuse the changelog of version 0.1, whose keys have no tenant: this version would not find its resources in it."""
    keys = (key.partition(b"\0")[0] for key, _, _ in records if not key.startswith(NO_RESOURCE))
    if any(key.count(b"|") < len(KeyParts._fields) - 1 for key in keys):
        raise Fatal(
            f"{changelog.topic} was written by Penstock 0.1, whose keys have no tenant: choose another [worker] app, "
            "which starts with empty tables (docs/operations.md, Upgrading)"
        )


def _arrived(reader: Consumer) -> tuple[list[Record], int]:
    """Return the records that have arrived within half a second, and the offset after them, 0 if there are none.

    `consume` alone would wait for a full batch.
    """
    first = reader.poll(0.5)
    if first is None:
        return [], 0
    records: list[Record] = []
    after = 0
    for message in [first, *reader.consume(BATCH - 1, 0)]:
        error = message.error()
        if error is None:
            records.append((message.key() or b"", message.value(), message.timestamp()[1]))
            after = (message.offset() or 0) + 1
        elif error.code() == KafkaError._PARTITION_EOF:
            after = message.offset() or 0
        else:
            raise Transient(f"reading {message.topic()}: {error}")
    return records, after

"""Fills a partition's tables from their changelogs, up to everything that was ever committed.

The end to reach is the high watermark, aborted and open transactions included, at the moment of asking. Reading committed records
alone ends at the last stable offset, and a dead worker's open transaction can hold that below rows that others committed after
it: stopping there would lose them. So the restore waits until the broker has ended such transactions.
"""

import threading
import time
from collections.abc import Callable

import structlog
from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # public by its documentation

from streams.faults import Transient
from streams.table import TABLE_NAMES, PartitionTables, TableName, rebuild

BATCH = 10_000
LOG_EVERY_S = 2.0

log = structlog.get_logger()


class Restore:
    """One partition's restore: reads until the tables hold all committed rows, or until it is cancelled."""

    def __init__(self, options: dict[str, str], group: str, changelog: Callable[[str], str], partition: int) -> None:
        self._options = options
        self._group = group
        self._changelog = changelog
        self._partition = partition
        self.cancelled = threading.Event()

    def run(self, tables: PartitionTables) -> PartitionTables:
        """Return the tables brought up to date; a store that is ahead of its changelog is foreign and is rebuilt."""
        started, count = time.monotonic(), 0
        for name in TABLE_NAMES:
            end = self._end(name)
            if tables.next_offset(name) > end:
                log.warning(
                    "store_foreign", partition=self._partition, table=name, stored=tables.next_offset(name), end=end
                )
                directory = tables.directory
                tables.close()
                return self.run(rebuild(directory))
            count += self._read(tables, name, end)
        elapsed_s = time.monotonic() - started
        log.info("restored", partition=self._partition, records=count, seconds=round(elapsed_s, 3))
        return tables

    def _end(self, name: TableName) -> int:
        place = TopicPartition(self._changelog(name), self._partition)
        admin = AdminClient(dict(self._options))
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # confluent-kafka leaves it bare
        asked = admin.list_offsets({place: latest}, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=30)
        try:
            return int(asked[place].result().offset)
        except KafkaException as error:
            raise Transient(f"the end of {place.topic}: {error}") from error

    def _read(self, tables: PartitionTables, name: TableName, end: int) -> int:
        next_offset, count, logged = tables.next_offset(name), 0, time.monotonic()
        if next_offset >= end:
            return 0
        reader = self._reader(TopicPartition(self._changelog(name), self._partition, next_offset))
        try:
            while next_offset < end and not self.cancelled.is_set():
                rows: list[tuple[bytes, bytes | None]] = []
                for message in _arrived(reader):
                    error = message.error()
                    if error is None:
                        rows.append((message.key() or b"", message.value()))
                    elif error.code() != KafkaError._PARTITION_EOF:
                        raise Transient(f"reading {self._changelog(name)}: {error}")
                    next_offset = max(next_offset, (message.offset() or 0) + (error is None))
                tables.restore(name, rows, next_offset)
                count += len(rows)
                if time.monotonic() - logged > LOG_EVERY_S:
                    logged = time.monotonic()
                    log.info("restoring", partition=self._partition, table=name, records=count, left=end - next_offset)
        finally:
            reader.close()
        return count

    def _reader(self, start: TopicPartition) -> Consumer:
        reader = Consumer(
            {
                **self._options,
                "group.id": f"{self._group}-restore",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 10,  # the end of the log is reported with an empty answer; by default that takes 500 ms
                "auto.offset.reset": "earliest",  # compacted away: start with what is left, it is all there is
            }
        )
        reader.assign([start])
        return reader


def _arrived(reader: Consumer) -> list[Message]:
    """Return what has arrived, after half a second at most; `consume` alone would wait for a full batch."""
    first = reader.poll(0.5)
    return [] if first is None else [first, *reader.consume(BATCH - 1, 0)]

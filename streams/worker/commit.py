"""The end of a batch: changelogs and offsets into its transaction, the commit, and only then its rows on disk.

A commit waits for Kafka most of its time, so the next batch may be decided meanwhile: with the rows of the one before, which are
in memory, and with what it produces held back until that is committed (decision 0014). If Kafka does not take a batch, the
one decided behind it goes as well. Everything here runs on the thread that owns the consumer.
"""

import contextlib
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from confluent_kafka import Consumer, Message, TopicPartition
from msgspec import Struct

from broker.errors import Transient
from schemas.topics import RAW, TableName, changelog_topic
from streams.errors import StoreCorrupted
from streams.state.tables import PartitionTables
from streams.worker.assignment import Partitions
from streams.worker.batch import offset_of
from streams.worker.transaction import Transaction


class _Pending(Struct, frozen=True):
    """A batch that is being committed: how many deliveries, where they begin, and where its changelogs go on, by partition."""

    deliveries: int
    first: Mapping[int, int]
    written: Sequence[tuple[PartitionTables, Mapping[TableName, int]]]


class Commits:
    """The batch that is being committed, if there is one."""

    def __init__(self, consumer: Consumer, transaction: Transaction, partitions: Partitions, app: str) -> None:
        self._consumer = consumer
        self._transaction = transaction
        self._partitions = partitions
        self._app = app
        self._pending: _Pending | None = None
        self._broken: list[StoreCorrupted] = []  # stores that did not take what was committed

    @property
    def deliveries(self) -> int:
        """Return how many deliveries are being committed."""
        return 0 if self._pending is None else self._pending.deliveries

    def begin(self, messages: Sequence[Message], times_ms: Mapping[int, int]) -> None:
        """Begin to commit a batch that is decided; the one before is settled.

        `times_ms` has the time of each partition's last delivery.
        """
        self._transaction.begin()
        after = {partition: offset + 1 for partition, offset in map(offset_of, messages)}
        written = [self._produce_changelogs(partition, times_ms.get(partition, 0)) for partition in after]
        self._transaction.commit([TopicPartition(RAW, *position) for position in after.items()], self._consumer)
        self._pending = _Pending(len(messages), _first(map(offset_of, messages)), written)

    def complete(self) -> None:
        """Wait until the commit under way has ended, and put its rows on disk.

        Raises `Transient` when Kafka did not take it, and `StoreCorrupted` when a store did not: `roll_back` is next then.
        """
        self._transaction.finish()
        batch, self._pending = self._pending, None
        for tables, offsets in () if batch is None else batch.written:
            if self._partitions.tables.get(tables.home.partition) is not tables:
                continue  # given up meanwhile: the next owner's restore brings these rows
            try:
                tables.store(offsets)
            except StoreCorrupted as fault:  # committed all the same: the restore brings these rows back
                self._broken.append(fault)
        if self._broken:
            raise self._broken[0]

    def roll_back(self, messages: Sequence[Message], broken: StoreCorrupted | None = None) -> None:
        """Take a batch back whose commit has not begun, and with it the one before if Kafka did not take that one.

        The consumer returns to their first records; a broken store is rebuilt, that of `broken` too.
        """
        with contextlib.suppress(Transient, StoreCorrupted):
            self.complete()
        pending = {} if self._pending is None else self._pending.first
        self._pending = None
        self._transaction.abort()
        for partition, offset in {**_first(map(offset_of, messages)), **pending}.items():
            if partition in self._partitions.tables:
                self._partitions.tables[partition].drop()
                self._consumer.seek(TopicPartition(RAW, partition, offset))
        if broken is not None:
            self._broken.append(broken)
        while self._broken:
            self._partitions.rebuild(self._consumer, self._broken.pop())

    def _produce_changelogs(self, partition: int, time_ms: int) -> tuple[PartitionTables, dict[TableName, int]]:
        """Produce the overlay, one record per row however often it changed; return where each table's offset will stand."""
        tables, offsets = self._partitions.tables[partition], dict[TableName, int]()
        now_ms = time.time_ns() // 1_000_000  # no later than now: a clock that is wrong must not make *seen* forget
        tables.reach(min(time_ms, now_ms))
        for name, rows in tables.seal().items():
            topic_partition = changelog_topic(self._app, name), partition
            self._transaction.produce_rows(topic_partition, rows, tables.time_ms, partial(_note, offsets, name))
        return tables, offsets


def _first(offsets: Iterable[tuple[int, int]]) -> dict[int, int]:
    first: dict[int, int] = {}
    for partition, offset in offsets:
        first.setdefault(partition, offset)
    return first


def _note(offsets: dict[TableName, int], name: TableName, offset: int) -> None:
    """Note where a changelog goes on after its last record of a transaction."""
    offsets[name] = offset + 1

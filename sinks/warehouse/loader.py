"""The loader: reads batches, makes rows of them, and has the warehouse commit them with their offsets.

The warehouse's offsets are the truth. Killed anywhere, the next loader starts where the last commit ended: a batch that was not
committed is read again, and one that was is not.
"""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeVar

import structlog
from confluent_kafka import Message
from msgspec import Struct

from broker.errors import RegistryError
from broker.retry_policy import Interrupted, RetryPolicy
from broker.topic_reader import value_of
from sinks.consumer import SinkConsumer
from sinks.warehouse.decoding import Decode, record_of
from sinks.warehouse.engines.engine import REBUILD, Warehouse
from sinks.warehouse.errors import Refused, Unavailable, Unusable
from sinks.warehouse.limits import Limits
from sinks.warehouse.metrics import Metrics
from sinks.warehouse.rows.batch import Batch, Offsets, Partition, batch_of
from sinks.warehouse.rows.records import BadRecord, Record
from sinks.warehouse.rows.shape import Layouts

POLL_S: Final = 0.1
DISCOVER_EVERY_S: Final = 2.0  # a resource's first change makes its topic
BATCH_BYTES: Final = 64 * 1024 * 1024  # a change may have 60 MB
KEEP_S: Final = 600.0  # a query that runs for longer may lose the files of its snapshot to a compaction
_AWAY: Final = RetryPolicy((Unavailable, RegistryError), first_s=0.2, longest_s=10.0)

Result = TypeVar("Result")

log = structlog.get_logger()


class Reads(Struct, frozen=True):
    """What a loader makes of messages, and of the records in them."""

    record_of: Callable[[Message, Decode], Record]
    batch_of: Callable[[Sequence[Record], Offsets, Layouts, datetime], Batch]


CHANGES: Final = Reads(record_of, batch_of)


class Loader:
    """Loads until `stopping` is set. `decode` may raise `RegistryError`, which is retried."""

    def __init__(
        self,
        consumer: SinkConsumer,
        decode: Decode,
        warehouse: Warehouse,
        layouts: Layouts,
        limits: Limits,
        *,
        reads: Reads = CHANGES,
    ) -> None:
        self.metrics = Metrics()
        self.stopping = threading.Event()
        self.is_started = False
        self.failing: str | None = None
        self._consumer = consumer
        self._decode = decode
        self._warehouse = warehouse
        self._layouts = layouts
        self._limits = limits
        self._reads = reads
        self._stored: dict[Partition, int] = {}
        self._is_in_doubt = False
        self._discovered_s = 0.0
        self._commits = 0

    def run(self) -> None:
        """Load until told to stop; raise `Fenced` or `Unusable` if that cannot go on."""
        try:
            self._stored = self._retried(self._offsets)
            if REBUILD in self._stored:
                raise Unusable(
                    "a rebuild of this warehouse was interrupted, so it lacks rows: run penstock warehouse rebuild again, "
                    "which goes on where it ended"
                )
            self.is_started = True
            while not self.stopping.is_set():
                self.step()
        except Interrupted:  # told to stop during an outage; what was read is read again
            return

    def run_until(self, is_complete: Callable[[dict[Partition, int]], bool], advance: Callable[[int], None]) -> int:
        """Load until the positions of the partitions suffice; return the number of records read."""
        self._stored = self._retried(self._offsets)
        self._stored.pop(REBUILD, None)  # no partition
        read = 0
        while not is_complete(self._consumer.positions(self._stored)):
            count = self.step()
            advance(count)
            read += count
        return read

    def step(self) -> int:
        """Load at most one batch; return the number of its records."""
        self._discover()
        messages = self._gathered()
        if messages:
            self.metrics.lag.set(self._consumer.lag(self._stored))  # before the write: it may be tried again for hours
            self._load(self._retried(partial(self._records, messages)))
            self._consumer.show(self._stored)
            self.metrics.lag.set(self._consumer.lag(self._stored))
        return len(messages)

    def _discover(self) -> None:
        if time.monotonic() - self._discovered_s >= DISCOVER_EVERY_S or not self._discovered_s:
            self._consumer.discover(self._stored)
            self._discovered_s = time.monotonic()
            self.metrics.lag.set(self._consumer.lag(self._stored))

    def _gathered(self) -> Sequence[Message]:
        """Return the records of the next batch; none if none come soon, or the loader is to stop."""
        messages = self._consumer.poll(self._limits.batch_rows, POLL_S)
        if not messages:
            return ()
        ends_s = time.monotonic() + self._limits.batch_s
        size = sum(len(value_of(message)) for message in messages)
        while len(messages) < self._limits.batch_rows and size < BATCH_BYTES and time.monotonic() < ends_s:
            if self.stopping.is_set():
                return ()
            more = self._consumer.poll(self._limits.batch_rows - len(messages), POLL_S)
            size += sum(len(value_of(message)) for message in more)
            messages += more
        return messages

    def _records(self, messages: Sequence[Message]) -> list[Record]:
        return [self._reads.record_of(message, self._decode) for message in messages]

    def _load(self, records: Sequence[Record]) -> None:
        """Write records; split them while the warehouse refuses, until the record is alone that it refuses."""
        batch = self._reads.batch_of(records, self._stored, self._layouts, datetime.now(UTC))
        try:
            self._apply(batch)
        except Refused as error:
            if len(records) > 1:
                middle = len(records) // 2
                self._load(records[:middle])
                self._load(records[middle:])
                return
            if isinstance(records[0], BadRecord):
                raise
            log.warning("record_refused", reason=str(error), place=_shown(records[0]))
            self._load([BadRecord(records[0].place, "refused", f"the warehouse cannot keep a value: {error}", b"")])

    def _apply(self, batch: Batch) -> None:
        began_s = time.monotonic()
        self._retried(partial(self._once, batch))
        self._stored.update(batch.ends)
        self.metrics.committed(batch, time.monotonic() - began_s, datetime.now(UTC))
        for bad in batch.bad:
            log.warning("bad_record", reason=bad.reason, detail=bad.detail, place=_shown(bad))
        self._commits += 1
        if self._limits.compact_every and self._commits % self._limits.compact_every == 0:
            self._compact()

    def _once(self, batch: Batch) -> None:
        """Apply a batch, unless an attempt whose end is not known has committed it."""
        try:
            if self._is_in_doubt and _is_stored(self._warehouse.offsets(), batch):
                self._is_in_doubt = False
                return
            self._warehouse.apply(batch)
            self._is_in_doubt = False
        except Unavailable:
            self._is_in_doubt = True
            self._warehouse.reopen()
            raise

    def _offsets(self) -> dict[Partition, int]:
        try:
            return self._warehouse.offsets()
        except Unavailable:
            self._warehouse.reopen()
            raise

    def _compact(self) -> None:
        """Compact files; if that fails, the next one will do."""
        try:
            done = self._warehouse.compact(KEEP_S)
            log.info("warehouse_compacted", files_before=done.files_before, files_after=done.files_after)
        except Unavailable as error:
            log.warning("compaction_failed", detail=str(error))
            self._warehouse.reopen()

    def _retried(self, function: Callable[[], Result]) -> Result:
        result = _AWAY.call(function, self._note, self.stopping)
        self.failing = None
        return result

    def _note(self, **fields: object) -> None:
        self.failing = str(fields.get("error", ""))
        self.metrics.retries.inc()
        log.warning("load_retried", **{name: str(value) for name, value in fields.items()})


def _is_stored(stored: dict[Partition, int], batch: Batch) -> bool:
    return all(stored.get(partition) == end for partition, end in batch.ends.items())


def _shown(record: Record) -> str:
    return f"{record.place.topic}[{record.place.partition}]@{record.place.offset}"

"""Publishes verified deliveries to Kafka while Kafka acknowledges; otherwise spools them, and drains the spool to Kafka.

Order per resource: a delivery that was answered before the next one was sent comes before it on the topic, ignoring
duplicates. Three rules ensure this:

1. Every delivery reaches Kafka through one idempotent producer, which never expires a record while there is a spool
   (message.timeout.ms = 0): within a partition, records are written in the order in which they were enqueued.
2. Once a delivery is to be spooled, all later ones are spooled too (`is_direct` is False). So the file is in order of
   arrival, and after a crash the next process continues in that order.
3. Direct publishing resumes in the same step of the event loop that enqueues the last spooled delivery
   (`_resume_direct`). No delivery can arrive between the last one drained and the switch: there is one thread, and in that
   step it runs nothing else. Rows may be deleted later, because the order depends on what was enqueued first, not on what
   is left in the file. If the process is killed before the delete, the next one publishes those rows again, under the same
   delivery ids and after their first copies, and they are dropped downstream.

Waiting for an empty file instead would never end under steady load: at 500/s two deliveries arrive during each fsync.
Therefore the newest rows are kept in memory (`_Tail`), and enqueued without reading them from the file.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Protocol

import structlog

from broker.retry_policy import RetryPolicy
from ingress.delivery.publisher import SPOOLED, Headers, Published, Report, Unpublished
from ingress.delivery.spool import NotSpooled, Spool
from ingress.delivery.spool_file import Row, unpack

BATCH = 500  # Rows enqueued at once; the next batch follows when Kafka has acknowledged all of them.
BATCH_BYTES = 8 * 1024 * 1024
TAIL = 1000  # The most rows enqueued in one step of the event loop: 10 ms.
TAIL_BYTES = 4 * 1024 * 1024
PAUSE_S = 1.0  # After a record that Kafka refused, or a failed read.
WRITE_RETRY = RetryPolicy((OSError, sqlite3.Error), first_s=0.25, longest_s=1.0)
SPOOL_TIMEOUT_S = 1.5  # With the 2 s for Kafka, 3.5 s: as long as without a spool. A slower disk counts as failed.
SLOW_DISK = f"the spool's disk did not take the delivery within {SPOOL_TIMEOUT_S} s"

log = structlog.get_logger("ingress")


class Producing(Protocol):
    """The one producer: it writes records in the order in which they were enqueued."""

    @property
    def unreported(self) -> int:
        """How many records wait for Kafka's acknowledgement."""

    def publish(self, key: bytes, value: bytes, headers: Headers) -> Awaitable[Report]:
        """Return the report on one record, in bounded time."""

    def enqueue(self, key: bytes, value: bytes, headers: Headers) -> "asyncio.Future[Report]":
        """Return the report on one record, however long Kafka takes."""


class FailoverPublisher:
    """Stores deliveries, on Kafka or in the spool. Used on one event loop."""

    def __init__(self, producer: Producing, spool: Spool) -> None:
        self.is_direct = spool.deliveries == 0  # Deliveries that a killed process left are published first.
        self._producer = producer
        self._spool = spool
        self._handed_seq = 0
        self._tail = _Tail()
        self._late: dict[int, asyncio.Future[Report]] = {}  # rows whose direct copy is still queued
        self._to_drain = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()
        self._refused_bytes = 0  # size of the last delivery, if the spool refused it
        self._unwritten: asyncio.Future[NotSpooled | None] | None = (
            None  # a write that has waited too long for the disk
        )

    def refusal(self) -> NotSpooled | None:
        """Return why the last delivery was refused, as long as the next one is likely to be refused too; None otherwise.

        It ends without a further delivery: once the spool has room again, or Kafka has acknowledged all records.
        """
        if self._unwritten is not None and not self._unwritten.done():
            return NotSpooled("spool_failed", SLOW_DISK)
        if self._refused_bytes == 0 or (self.is_direct and self._producer.unreported == 0):
            return None
        return self._spool.refusal(self._refused_bytes)

    async def publish(self, key: bytes, value: bytes, headers: Headers) -> Report:
        """Return within 3.5 s whether one delivery is on Kafka, in the spool, or neither."""
        if not self.is_direct:
            return await self._keep(key, value, headers, None)
        report = await self._producer.publish(key, value, headers)
        if isinstance(report, Unpublished) and report.reason != "record_too_large":
            return await self._keep(key, value, headers, report.late)
        self._refused_bytes = 0
        return report

    async def drain(self) -> None:
        """Publish the spool whenever it holds deliveries. Ends only when cancelled."""
        if not self.is_direct:
            log.info("spool_found", deliveries=self._spool.deliveries, bytes=self._spool.bytes)
            self._to_drain.set()
        try:
            while True:
                await self._to_drain.wait()
                self._to_drain.clear()
                await self._drain_once()
        finally:
            for task in self._background:
                task.cancel()

    async def _keep(self, key: bytes, value: bytes, headers: Headers, late: "asyncio.Future[Report] | None") -> Report:
        """Spool one delivery. Its sequence number is assigned before anything is awaited."""
        row, written = self._spool.append(key, value, headers)
        if not written.done():  # else the spool is full
            self._enter(row, late)
            await asyncio.wait([written], timeout=SPOOL_TIMEOUT_S)
        if not written.done():
            self._unwritten = written
        fault = written.result() if written.done() else NotSpooled("spool_failed", SLOW_DISK)
        self._refused_bytes = 0 if fault is None else row.size
        return SPOOLED if fault is None else Unpublished(fault.reason, fault.detail)

    def _enter(self, row: Row, late: "asyncio.Future[Report] | None") -> None:
        if self.is_direct:
            self.is_direct = False
            self._handed_seq = row.seq - 1
            self._to_drain.set()
            log.warning("spool_entered", spooled=self._spool.spooled)
        if late is not None:
            self._late[row.seq] = late
        self._tail.append(row)

    async def _drain_once(self) -> None:
        """Publish batch by batch, until Kafka acknowledges and the remaining rows can be enqueued in one step."""
        is_acknowledging = False
        while not (is_acknowledging and self._resume_direct()):
            rows = await self._next_rows()
            await self._await_reports(rows, self._produce(rows))
            is_acknowledging = bool(rows) or self._has_rest()  # no rows and no rest: the disk took none
        log.info("spool_left", drained=self._spool.drained)

    def _resume_direct(self) -> bool:
        """Enqueue all remaining rows and publish directly from now on; never awaits (rule 3 above)."""
        if not self._has_rest():
            return False
        rows = self._tail.take(TAIL)
        futures = self._produce(rows)
        handed, unhanded = rows[: len(futures)], rows[len(futures) :]
        self._run(self._await_reports(handed, futures))
        if unhanded:
            self._tail.put_back(unhanded)
            self._handed_seq = unhanded[0].seq - 1
            return False
        self._late.clear()
        self.is_direct = True
        return True

    async def _next_rows(self) -> Sequence[Row]:
        """Return the next rows to enqueue: from memory if all remaining rows are there, else from the file."""
        if self._has_rest():
            rows = self._tail.take(BATCH)
            self._handed_seq = rows[-1].seq if rows else self._handed_seq
            return rows
        last_seq = self._spool.last_seq
        try:
            rows = await self._spool.rows(self._handed_seq, BATCH, BATCH_BYTES)
        except (OSError, sqlite3.Error) as error:
            log.error("spool_read_failed", fault=str(error))
            await asyncio.sleep(PAUSE_S)
            return []
        # Everything up to last_seq was written before the file was read: missing rows are those whose write failed.
        self._handed_seq = rows[-1].seq if rows else last_seq
        return rows

    def _has_rest(self) -> bool:
        """Return whether all rows that have not been enqueued are in memory."""
        self._tail.forget(self._handed_seq)
        return self._tail.first_seq(self._spool.last_seq + 1) <= self._handed_seq + 1

    def _produce(self, rows: Sequence[Row]) -> "list[asyncio.Future[Report]]":
        """Enqueue rows in order, up to the first that does not fit into the queue, so that none overtakes it."""
        futures: list[asyncio.Future[Report]] = []
        for row in rows:
            # A record answered `ack_timeout` after 2 s is still queued, in order; a second copy would be a duplicate.
            future = self._late.pop(row.seq, None)
            if future is None:
                future = self._producer.enqueue(row.key, row.value, unpack(row.headers))
                if _is(future, "queue_full"):
                    break
            futures.append(future)
        return futures

    async def _await_reports(self, rows: Sequence[Row], futures: "Sequence[asyncio.Future[Report]]") -> None:
        """Return when Kafka has the rows. Rows that it did not take are enqueued again, in order."""
        while rows:
            if futures:
                await asyncio.wait(futures)
            pairs = list(zip(rows, futures, strict=False))
            taken = [row for row, future in pairs if isinstance(future.result(), Published)]
            too_large = [row for row, future in pairs if _is(future, "record_too_large")]
            self._run(self._retry_write(partial(self._spool.delete, taken)))
            for row in too_large:
                log.error("spool_row_refused", seq=row.seq, reason="record_too_large")
                await self._retry_write(partial(self._spool.refuse, row, "record_too_large"))
            settled = {row.seq for row in (*taken, *too_large)}
            rows = [row for row in rows if row.seq not in settled]
            if rows:
                log.warning("drain_interrupted", deliveries=len(rows))
                await asyncio.sleep(PAUSE_S)
                futures = self._produce(rows)

    async def _retry_write(self, write: Callable[[], Awaitable[None]]) -> None:
        """Retry a write to the spool until it succeeds; otherwise the row would be published again after a restart."""
        await WRITE_RETRY.call_async(write, _write_failed)

    def _run(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


class _Tail:
    """The newest rows of the spool, kept in memory up to a bound; older ones must be read from the file."""

    def __init__(self) -> None:
        self._rows: deque[Row] = deque()
        self._bytes = 0

    def append(self, row: Row) -> None:
        self._rows.append(row)
        self._bytes += row.size
        while len(self._rows) > TAIL or self._bytes > TAIL_BYTES:
            self._drop()

    def forget(self, seq: int) -> None:
        """Forget rows up to this one."""
        while self._rows and self._rows[0].seq <= seq:
            self._drop()

    def first_seq(self, default: int) -> int:
        return self._rows[0].seq if self._rows else default

    def take(self, limit: int) -> list[Row]:
        return [self._drop() for _ in range(min(limit, len(self._rows)))]

    def put_back(self, rows: Sequence[Row]) -> None:
        self._rows.extendleft(reversed(rows))
        self._bytes += sum(row.size for row in rows)

    def _drop(self) -> Row:
        row = self._rows.popleft()
        self._bytes -= row.size
        return row


def _write_failed(error: str, **fields: object) -> None:
    log.error("spool_write_failed", fault=error, **fields)


def _is(future: "asyncio.Future[Report]", reason: str) -> bool:
    report = future.result() if future.done() else None
    return isinstance(report, Unpublished) and report.reason == reason

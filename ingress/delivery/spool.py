"""The spool: deliveries that Kafka cannot take now, fsynced and bounded, in order of arrival.

One thread owns the file. Deliveries that arrive while it writes are committed together (group commit): one fsync for many
deliveries, so throughput rises with the load. Counters and bounds are kept on the event loop's thread, which never waits for
the disk.

A refusal ends without a new delivery: the thread checks the disk again every second and after each refusal, so a spool that was
full, or whose disk failed, recovers without intervention.
"""

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeVar, cast

import structlog
from msgspec import Struct

from ingress.delivery.spool_file import Headers, Row, SpoolFile, pack

GROUP = 1000  # most rows in one transaction: 2 MB of usual bodies, 5 ms of work besides the fsync
GROUP_BYTES = 16 * 1024 * 1024
LEAST_FREE_BYTES = 200_000_000  # Kafka may share the disk, and halts when it is full.
LOOK_S = 1.0  # A check is one system call; after a failed write it is a write of 64 kB and its fsync.

Fault = Literal["spool_full", "spool_failed"]
T = TypeVar("T")
log = structlog.get_logger("ingress")


class NotSpooled(Struct, frozen=True):
    """The delivery is not in the spool: it is full, or the disk did not take it."""

    reason: Fault
    detail: str


class _Append(Struct, frozen=True):
    row: Row
    future: "asyncio.Future[NotSpooled | None]"


class _Delete(Struct, frozen=True):
    rows: Sequence[Row]
    future: "asyncio.Future[None]"


class _Ask(Struct, frozen=True):
    question: Callable[[SpoolFile], object]
    future: "asyncio.Future[object]"


class _Look(Struct, frozen=True):
    """Check the disk now; an idle thread checks it every second."""


_Task = _Append | _Delete | _Ask | _Look


class Spool:
    """The spool of one process. Opened anywhere (blocking), started and used on one event loop."""

    def __init__(self, path: Path, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._file = SpoolFile(path)
        found = self._file.depth()
        self._next_seq = found.last_seq + 1
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="spool", daemon=True)
        self._oldest_at = found.oldest_at
        self._free_bytes = self._file.free_bytes()
        self._is_looking = False
        self.found = found
        self.deliveries = found.deliveries
        self.bytes = found.bytes
        self.refused = found.refused
        self.spooled = 0
        self.drained = 0
        self.is_failing = False

    def start(self) -> None:
        """Start the writing thread for the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    @property
    def last_seq(self) -> int:
        """Return the sequence number of the latest delivery."""
        return self._next_seq - 1

    def oldest_age_s(self) -> float:
        """Return how long the oldest delivery has been waiting, 0 if there is none."""
        oldest_at = self._oldest_at
        return 0.0 if oldest_at is None or not self.deliveries else max(0.0, time.time() - oldest_at)

    def refusal(self, size: int = 1) -> NotSpooled | None:
        """Return why a delivery of this size would most likely not be spooled now, None if it would."""
        if self.is_failing:
            return NotSpooled("spool_failed", "the spool's disk does not take writes")
        return self._full(size)

    def append(self, key: bytes, value: bytes, headers: Headers) -> "tuple[Row, asyncio.Future[NotSpooled | None]]":
        """Return the delivery's row, and a future: None once the row is on disk, else why it is not.

        The row's sequence number is assigned now, before anything is written.
        """
        row = Row(self._next_seq, key, value, pack(headers), time.time())
        future: asyncio.Future[NotSpooled | None] = self._loop.create_future()
        refusal = self._full(row.size)
        if refusal is not None:
            self._look_soon()
            future.set_result(refusal)
            return row, future
        self._next_seq += 1
        self.deliveries += 1
        self.bytes += row.size
        self._tasks.put(_Append(row, future))
        return row, future

    async def rows(self, after_seq: int, limit: int, limit_bytes: int) -> list[Row]:
        """Return the next committed rows in order."""
        return await self._ask(lambda file: file.rows(after_seq, limit, limit_bytes))

    async def delete(self, rows: Sequence[Row]) -> None:
        """Delete deliveries that Kafka has. After a failed delete, the drain after a restart tries again."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._tasks.put(_Delete(rows, future))
        await future

    async def refuse(self, row: Row, reason: str) -> None:
        """Move a delivery that Kafka will never take to the refused ones, in the same file."""
        await self._ask(lambda file: file.refuse(row.seq, reason))
        self._forget([row.size])
        self.refused += 1

    async def stop(self) -> None:
        """Finish the queued tasks and close the file."""
        self._tasks.put(None)
        await asyncio.to_thread(self._thread.join)

    def _full(self, size: int) -> NotSpooled | None:
        if self.bytes + size > self.limit_bytes:
            return NotSpooled("spool_full", f"{self.deliveries} deliveries wait for Kafka; see ingress.spool_bytes")
        if self._free_bytes < LEAST_FREE_BYTES + size:
            return NotSpooled("spool_full", "the disk under the spool has no room left")
        return None

    def _look_soon(self) -> None:
        if not self._is_looking:
            self._is_looking = True
            self._tasks.put(_Look())

    def _forget(self, sizes: Sequence[int]) -> None:
        self.deliveries -= len(sizes)
        self.bytes -= sum(sizes)

    async def _ask(self, question: Callable[[SpoolFile], T]) -> T:
        future: asyncio.Future[object] = self._loop.create_future()
        self._tasks.put(_Ask(question, future))
        return cast("T", await future)

    # From here on: the spool's thread, which passes results back with `_tell`.

    def _work(self) -> None:
        while True:
            tasks = self._next_tasks()
            self._change([task for task in tasks if isinstance(task, _Append | _Delete)])
            if not tasks or any(isinstance(task, _Look) for task in tasks):
                self._look()
            for task in tasks:
                if isinstance(task, _Ask):
                    self._answer(task)
            if None in tasks:
                self._file.close()
                return

    def _next_tasks(self) -> list[_Task | None]:
        """Wait for a task and take further queued ones, up to one transaction's worth; empty if none comes in LOOK_S."""
        try:
            tasks, size = [self._tasks.get(timeout=LOOK_S)], 0
        except queue.Empty:
            return []
        while tasks[-1] is not None and len(tasks) < GROUP and size < GROUP_BYTES:
            last = tasks[-1]
            size += last.row.size if isinstance(last, _Append) else 0
            try:
                tasks.append(self._tasks.get_nowait())
            except queue.Empty:
                break
        return tasks

    def _change(self, tasks: Sequence[_Append | _Delete]) -> None:
        if not tasks:
            return
        appends = [task for task in tasks if isinstance(task, _Append)]
        deletes = [task for task in tasks if isinstance(task, _Delete)]
        sizes: list[int] = []
        fault: Exception | None = None
        try:
            sizes = self._file.change(
                [task.row for task in appends], [row.seq for task in deletes for row in task.rows]
            )
            # Only now may senders be answered: if killed before this line, the process has confirmed none of these.
            # Proven by tests/unit/ingress/delivery/test_spool.py::test_sigkill_loses_nothing_that_was_confirmed
            self._oldest_at = self._file.oldest_at()
            self._free_bytes = self._file.free_bytes()
        except (OSError, sqlite3.Error) as error:
            fault = error
        self._tell(
            lambda: self._changed(appends, deletes, sizes) if fault is None else self._failed(appends, deletes, fault)
        )

    def _look(self) -> None:
        """Check the free space, and after a failed write whether the disk takes writes again."""
        self._is_looking = False  # before checking: a refusal from now on needs a newer check
        was_failing = self.is_failing
        fault: Exception | None = None
        try:
            self._free_bytes = self._file.free_bytes()
            if was_failing:
                self._file.try_to_write()
        except (OSError, sqlite3.Error) as error:
            fault = error
        if was_failing or fault is not None:
            self._tell(lambda: self._looked(fault))

    def _answer(self, task: _Ask) -> None:
        try:
            answer = task.question(self._file)
        except (OSError, sqlite3.Error) as error:
            fault = error
            self._tell(lambda: _fail(task.future, fault))
            return
        self._tell(lambda: _resolve(task.future, answer))

    def _tell(self, callback: Callable[[], None]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(callback)

    # From here on: the event loop's thread.

    def _changed(self, appends: Sequence[_Append], deletes: Sequence[_Delete], sizes: Sequence[int]) -> None:
        self.is_failing = False
        self.spooled += len(appends)
        self.drained += len(sizes)
        self._forget(sizes)
        for task in appends:
            _resolve(task.future, None)
        for delete in deletes:
            _resolve(delete.future, None)

    def _looked(self, fault: Exception | None) -> None:
        if self.is_failing and fault is None:
            log.info("spool_writes_again")
        elif not self.is_failing and fault is not None:
            log.error("spool_write_failed", deliveries=0, fault=str(fault))
        self.is_failing = fault is not None

    def _failed(self, appends: Sequence[_Append], deletes: Sequence[_Delete], fault: Exception) -> None:
        self.is_failing = True
        log.error("spool_write_failed", deliveries=len(appends), fault=str(fault))
        self._forget([task.row.size for task in appends])
        for task in appends:
            _resolve(task.future, NotSpooled("spool_failed", "the spool's disk did not take the delivery"))
        for delete in deletes:
            _fail(delete.future, fault)


def _resolve(future: "asyncio.Future[T]", result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: "asyncio.Future[T]", fault: Exception) -> None:
    if not future.done():
        future.set_exception(fault)

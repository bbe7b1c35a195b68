"""A worker in which a fault is injected at one point of one batch, so that a crash test is deterministic.

`python -m tests.support.faults.crash_points POINT FAULT SOURCE NUMBER` in a worker's environment. The fault hits, once, the
batch with the NUMBER-th delivery of the source. It is `kill` (SIGKILL), `abort` (Kafka does not take the transaction),
`break` (the store on disk cannot be written) or `hang` (the call never returns, as some of librdkafka's after an outage).
The points, in order:

deciding      the delivery is decided, its records are on their way to Kafka
flushed       Kafka has all records and offsets of the transaction, the commit has not been requested
overtaken     the same, and part of the next batch is decided already; the batches are small, and always decided ahead
answered      Kafka has committed it, but the client does not report it
committed     all of it is visible, nothing is on this machine's disk
half stored   the tables of the batch's first partition are on disk
"""

import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from confluent_kafka import Producer

from broker.errors import Transient
from schemas.records import RawDelivery
from schemas.topics import TableName
from streams.app import run_worker
from streams.errors import StoreCorrupted
from streams.state.tables import PartitionTables
from streams.worker import batch as batches
from streams.worker import consumer
from streams.worker.batch import Batch
from streams.worker.transaction import Transaction

MET = "as the test wants it"  # in the log
OVERTAKEN_S = 5.0
SMALL_BATCH = 400  # of the test's thousands of records: another batch always waits behind the one with the fault


class CrashPoint:
    """The fault, its place, and whether it has happened."""

    def __init__(self, point: str, kind: str, source: str, number: int) -> None:
        self.point, self._kind, self._source = point, kind, source
        self._left = number
        self._is_met = False
        self._next_is_decided = threading.Event()

    def count(self, delivery: RawDelivery) -> None:
        """Record a decision."""
        self._left -= delivery.source == self._source
        self._next_is_decided.set()

    def be_overtaken(self) -> bool:
        """Wait for a decision of the next batch, if this batch is the chosen one; say whether there was one."""
        self._next_is_decided.clear()
        return self.point == "overtaken" and self._left <= 0 and self._next_is_decided.wait(OVERTAKEN_S)

    def meet(self, point: str, directory: Path = Path()) -> None:
        """Inject the fault if this is the chosen point and batch."""
        if self._is_met or point != self.point or self._left > 0:
            return
        self._is_met = True
        if self._kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._kind == "hang":
            threading.Event().wait()
        raise StoreCorrupted(directory, MET) if self._kind == "break" else Transient(MET)


def inject(crash: CrashPoint) -> None:
    """Let this process pass the crash point in every batch; nothing else about it changes."""
    decide, end, store = batches.decide, Transaction._end, PartitionTables.store
    if crash.point == "overtaken":
        consumer.MAX_BATCH, consumer.MANY = SMALL_BATCH, 1

    def deciding(delivery: RawDelivery, batch: Batch) -> None:
        decide(delivery, batch)
        crash.count(delivery)
        crash.meet("deciding")

    def ending(transaction: Transaction, client: Producer) -> None:
        crash.meet("flushed")
        if crash.be_overtaken():
            crash.meet("overtaken")
        end(transaction, client)
        crash.meet("answered")

    def storing(tables: PartitionTables, offsets: Mapping[TableName, int]) -> None:
        crash.meet("committed", tables.home.directory)
        store(tables, offsets)
        crash.meet("half stored")

    batches.decide = deciding
    Transaction._end = ending  # type: ignore[assignment,method-assign]  # the purpose of this module
    PartitionTables.store = storing  # type: ignore[assignment,method-assign]  # as above


if __name__ == "__main__":
    point, kind, sender, number = sys.argv[1:]
    inject(CrashPoint(point, kind, sender, int(number)))
    sys.argv = sys.argv[:1]  # Faust reads the command line too
    run_worker(Path(os.environ["PENSTOCK_CONFIG"]), None, Path(os.environ["PENSTOCK_DATA_DIR"]))

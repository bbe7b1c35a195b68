"""One Kafka transaction around one batch: outputs, changelog and input offsets become visible together or not at all.

Source: KIP-447, "Producer scalability for exactly once semantics".
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from broker.errors import Transient
from streams.worker.background import in_background
from streams.worker.committed_offsets import committed
from streams.worker.producer import CALL_TIMEOUT_S, RETRY_S, TransactionalProducer

HELD_BYTES = 32 * 1024 * 1024  # several batches of small documents; bounded like librdkafka's queue
# A commit without progress for this long is abandoned; one takes some 50 ms. Doubled after each abandoned one, for a slow Kafka.
QUIET_S = 5.0
LONGEST_QUIET_S = 20.0
LOOK_S = 0.1

_Record = tuple[str, bytes | None, bytes | None, list[tuple[str, bytes]] | None]

log = structlog.get_logger()


class Transaction:
    """The current transaction of one worker slot.

    A commit runs on its own thread. Records produced meanwhile are held for the next transaction.
    """

    def __init__(self, options: Mapping[str, str], group: str, worker_id: str) -> None:
        self._options = options
        self._group = group
        self._producer = TransactionalProducer(options, f"{group}.{worker_id}")
        self._is_open = False  # for records
        self._buffered: list[_Record] = []
        self.buffered_bytes = 0
        """The number of bytes of held values."""
        self._ending: Future[None] | None = None  # the last commit, until `finish` has returned
        self._offsets: dict[int, int] = {}  # of the last commit, by partition
        self._steps = 0  # completed steps of commits; together with the length of the client's queue they show progress
        self._quiet_s = QUIET_S

    def initialise(self) -> None:
        """Fence the previous producer with this id and wait until its last transaction has ended."""
        self._producer.initialise()

    def begin(self) -> None:
        """Start a transaction unless one is open; the previous one was committed. Held records are produced first."""
        if self._is_open:
            return
        self._producer.begin()
        self._is_open = True
        held = self._take_buffered()
        for topic, key, value, headers in held:
            self._producer.produce(topic, key, value, -1, headers=headers)

    def produce(
        self, topic: str, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]] | None = None
    ) -> None:
        """Add a record to the open or next transaction; waits while the local queue is full.

        Above `HELD_BYTES` it also waits for the commit in progress, and then raises the same errors as `finish`.
        """
        if self._is_open or self._has_begun():
            self._producer.produce(topic, key, value, -1, headers=headers)
            return
        self._buffered.append((topic, key, value, headers))
        self.buffered_bytes += len(value or b"")
        if self.buffered_bytes > HELD_BYTES:
            self.finish()
            self.begin()

    def produce_rows(
        self, topic_partition: tuple[str, int], rows: Mapping[bytes, bytes], time_ms: int, report: Callable[[int], None]
    ) -> None:
        """Add a table's rows to its changelog, all with one time, and report the offset of the last once the broker has it.

        `topic_partition` is (topic, partition).
        """

        def on_delivery(error: KafkaError | None, message: Any) -> None:
            if error is None:
                report(message.offset())

        (topic, partition), last = topic_partition, len(rows)
        for number, (key, row) in enumerate(rows.items(), 1):
            report_to = on_delivery if number == last else None
            self._producer.produce(topic, key, row, partition, on_delivery=report_to, timestamp=time_ms)

    def poll(self) -> None:
        """Poll the client for its log lines; commits poll it as well."""
        self._producer.client.poll(0)

    def commit(self, offsets: Sequence[TopicPartition], consumer: Consumer) -> None:
        """Start to commit everything since `begin` together with the input offsets; `finish` returns the result."""
        metadata = consumer.consumer_group_metadata()
        self._offsets = {position.partition: position.offset for position in offsets}
        self._ending = in_background(self._commit, self._producer.client, list(offsets), metadata)
        self._is_open = False

    def finish(self) -> None:
        """Return when the last commit is complete; raise `Transient`, on every call, if it failed.

        Replaces a client that does not return, which waits for Kafka; raises `Stopped` if stopped meanwhile.
        """
        if self._ending is None:
            return
        self._watch(self._ending)
        if self._producer.is_lost:
            self._ending = self._found_out()
        self._ending.result()
        self._ending = None
        self._quiet_s = QUIET_S
        if not self._is_open:
            self._producer.ended()

    def check(self, topic: str) -> None:
        """Raise `Fatal` if another worker has taken over the transactional id, between two batches.

        A producer learns of a fence only from the response to a request, and librdkafka sends none for an empty transaction. So
        a record is produced and the transaction aborted. Sending offsets would leave nothing in a topic, but after an outage
        librdkafka may not return from it (`_commit`). While Kafka is unavailable it waits as `abort` does.
        """
        self.begin()
        self._producer.produce(topic, b"", None, 0)
        client = self._producer.client
        self._producer.call(client, client.flush, QUIET_S)
        self.abort()

    def abort(self) -> None:
        """Discard what was produced and not committed, waiting for Kafka without limit; raise `Stopped` if stopped meanwhile."""
        self._take_buffered()
        self._is_open, self._ending = False, None
        self._producer.abort()

    def stop(self) -> None:
        """Stop waiting for Kafka."""
        self._producer.stop()

    def _take_buffered(self) -> list[_Record]:
        held, self._buffered, self.buffered_bytes = self._buffered, [], 0
        return held

    def _has_begun(self) -> bool:
        """Begin a transaction unless the previous commit is still running or has failed."""
        ending = self._ending
        if ending is not None and (not ending.done() or ending.exception() is not None):
            return False
        self.begin()
        return True

    def _commit(self, client: Producer, offsets: Sequence[TopicPartition], metadata: Any) -> None:
        """Commit, on a thread that may be abandoned here together with its client.

        `send_offsets_to_transaction` may never return, in spite of its timeout, if the group's coordinator has moved
        (librdkafka 2.16, issues 5456 and 5511); `finish` watches for that.
        """
        self._producer.call(client, client.send_offsets_to_transaction, offsets, metadata, CALL_TIMEOUT_S)
        self._steps += 1
        self._producer.call(client, client.flush, CALL_TIMEOUT_S)  # delivery reports run in here
        self._steps += 1
        self._end(client)

    def _end(self, client: Producer) -> None:
        """Return when Kafka has committed; once the request is sent, the result is uncertain until Kafka responds.

        Until the result is known, neither an abort nor a new decision is safe.
        """
        while client is self._producer.client:
            try:
                client.commit_transaction(CALL_TIMEOUT_S)
            except KafkaException as error:
                if not error.args[0].retriable():
                    fault = self._producer.classify(error, client)
                    if isinstance(fault, Transient):  # no response: Kafka may have committed
                        self._producer.give_up(client)
                    raise fault from error
                log.warning("transaction_waits", error=error.args[0].str())
                time.sleep(RETRY_S)
            else:
                return

    def _watch(self, ending: Future[None]) -> None:
        """Return when a commit has ended, or mark the client as lost if the commit makes no progress for `_quiet_s`.

        Counts checks, not seconds, so that time in which the process was paused does not count.
        """
        looks, moved = 0, self._moved()
        while not wait([ending], LOOK_S).done:
            looks, moved = (looks + 1 if self._moved() == moved else 0), self._moved()
            if looks * LOOK_S > self._quiet_s:
                log.warning("commit_hangs", for_s=self._quiet_s)
                self._producer.is_lost = True
                self._quiet_s = min(2 * self._quiet_s, LONGEST_QUIET_S)
                return

    def _moved(self) -> tuple[int, int]:
        return self._steps, len(self._producer.client)

    def _found_out(self) -> Future[None]:
        """Return the result of a commit whose client is lost: a new client ends the transaction, and the offsets show the result.

        Offsets beyond those of the commit are another worker's: it has the partitions by now and decides their deliveries.
        """
        self._producer.renew()
        self._is_open = False
        found: Future[None] = Future()
        if self._committed() == self._offsets:
            found.set_result(None)
        else:
            found.set_exception(Transient("Kafka has not committed the batch whose client was lost"))
        return found

    def _committed(self) -> dict[int, int]:
        while True:
            try:
                return committed(self._options, self._group, self._offsets)
            except Transient as fault:
                log.warning("commit_in_doubt", error=str(fault))
                self._producer.pause()

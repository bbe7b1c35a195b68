"""One Kafka transaction around one batch: outputs, changelog and input offsets become visible together or not at all.

Source: KIP-447, "Producer scalability for exactly once semantics".
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from broker import clients
from streams.faults import Terminal, Transient
from streams.topics import MAX_RECORD_BYTES

RETRY_MS = 5  # The coordinator refuses a transaction's first requests until the markers of the one before are written,
# some milliseconds; librdkafka's own 100 ms would be most of the way of a change at low rates (p50 137 ms against 22 ms at 50/s).
TRANSACTION_TIMEOUT_MS = 30_000  # a killed worker's open transaction holds readers back for at most this long
# No commit waits for it, `flush` sends at once; with 5 ms, in small requests, librdkafka took twice the time.
LINGER_MS = 100
HELD_BYTES = 32 * 1024 * 1024  # several batches of small documents; beside librdkafka's queue, and like it bounded
STUCK_S = TRANSACTION_TIMEOUT_MS / 1000 + 5  # by then the transaction is lost in any case
CALL_TIMEOUT_S = 20.0  # below the transaction's timeout, so that we learn of a stuck broker before it does
END_TIMEOUT_S = (
    240.0  # a commit or abort that was asked for; below the 300 s after which the group takes the partitions away
)
RETRY_S = 0.1
FENCED = frozenset({KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH})

_Held = tuple[str, bytes | None, bytes | None, list[tuple[str, bytes]] | None]

log = structlog.get_logger()


class Transaction:
    """The producer of one worker slot and its current transaction.

    A commit runs on a thread of its own; what is produced meanwhile is held, for the next transaction. The transactional id is
    stable, so a restarted worker fences its former self at once instead of waiting for a timeout.
    """

    def __init__(self, options: dict[str, str], transactional_id: str) -> None:
        self.transactional_id = transactional_id
        self._began_s = time.monotonic()
        self._is_open = False
        self._held: list[_Held] = []
        self.held_bytes = 0
        """How many bytes of values are held."""
        self._thread = ThreadPoolExecutor(1, "commit")
        self._ending: Future[None] | None = None  # the last commit, until somebody has asked how it ended
        self._has_offsets = threading.Event()
        self._producer = clients.producer(
            {
                **options,
                "transactional.id": transactional_id,
                "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
                "linger.ms": LINGER_MS,
                "retry.backoff.ms": RETRY_MS,
                "compression.type": "lz4",
                "partitioner": "murmur2_random",  # as the Java clients do, so that joins across languages meet
                "message.max.bytes": MAX_RECORD_BYTES,
                "queue.buffering.max.messages": 500_000,
                "queue.buffering.max.kbytes": 262_144,
            }
        )

    def initialise(self) -> None:
        """Fence any former self and wait until its last transaction has ended."""
        self._call(self._producer.init_transactions, CALL_TIMEOUT_S)

    def begin(self) -> None:
        """Start a transaction unless one is open; the one before was committed. What was held goes first."""
        if self._is_open:
            return
        self._call(self._producer.begin_transaction)
        self._began_s = time.monotonic()
        self._is_open = True
        held = self._let_go()
        for topic, key, value, headers in held:
            self._produce(topic, key, value, headers=headers)

    def produce(
        self, topic: str, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]] | None = None
    ) -> None:
        """Add a record to the transaction that is open or will be next; waits while the local queue is full.

        Waits for the commit under way too when much is held, and then raises what `finish` does.
        """
        if self._is_open or self._has_begun():
            self._produce(topic, key, value, headers=headers)
            return
        self._held.append((topic, key, value, headers))
        self.held_bytes += len(value or b"")
        if self.held_bytes > HELD_BYTES:
            self.finish()
            self.begin()

    def produce_rows(
        self, place: tuple[str, int], rows: Mapping[bytes, bytes], time_ms: int, report: Callable[[int], None]
    ) -> None:
        """Add a table's rows to its changelog, all with one time, and report the last one's offset once the broker has it.

        `place` is (topic, partition).
        """

        def on_delivery(error: KafkaError | None, message: Any) -> None:
            if error is None:
                report(message.offset())

        (topic, partition), last = place, len(rows)
        for number, (key, row) in enumerate(rows.items(), 1):
            report_to = on_delivery if number == last else None
            self._produce(topic, key, row, partition, on_delivery=report_to, timestamp=time_ms)

    def poll(self) -> None:
        """Let librdkafka hand over its log lines; while batches are committed it does so by itself."""
        self._producer.poll(0)

    def commit(self, offsets: Sequence[TopicPartition], consumer: Consumer) -> None:
        """Begin to commit everything since `begin` and the input offsets with it; `finish` says how that ended."""
        metadata = consumer.consumer_group_metadata()
        self._has_offsets.clear()
        self._ending = self._thread.submit(self._commit, list(offsets), metadata)
        self._is_open = False

    def finish(self) -> None:
        """Return when the last commit is done; raise, as often as asked, when Kafka did not take it."""
        if self._ending is None:
            return
        if not self._has_offsets.wait(STUCK_S):
            raise Terminal(
                f"Kafka's client has not come back from handing in offsets for {STUCK_S:.0f} s, and Kafka has ended the "
                "transaction by now; nothing is lost, the restart goes on after the last commit"
            )
        self._ending.result()
        self._ending = None

    def check(self, topic: str) -> None:
        """Raise `Terminal` when another worker has taken the transactional id over, between two batches.

        Kafka tells a producer only in answer to a request, and librdkafka sends none for an empty transaction. So a record is
        produced and taken back. Not offsets, although they leave nothing in a topic: after an outage librdkafka may not come back
        from handing them in (`_send_offsets`), and an idle worker must outlive one.
        """
        self.begin()
        self._produce(topic, b"", None, 0)
        self._call(self._producer.flush, CALL_TIMEOUT_S)
        self.abort()

    def abort(self) -> None:
        """Take back what was produced and not committed; raises `Terminal` when that cannot be done."""
        self._let_go()
        is_open = self._is_open or self._ending is not None  # a commit that failed leaves it open
        self._is_open, self._ending = False, None
        if not is_open:
            return
        try:
            self._end(self._producer.abort_transaction)
        except Transient as fault:
            raise Terminal(f"Kafka does not take the transaction of {self.transactional_id} back: {fault}") from fault

    def _let_go(self) -> list[_Held]:
        held, self._held, self.held_bytes = self._held, [], 0
        return held

    def _has_begun(self) -> bool:
        """Begin a transaction unless the one before is still being committed, or could not be."""
        ending = self._ending
        if ending is not None and (not ending.done() or ending.exception() is not None):
            return False
        self.begin()
        return True

    def _commit(self, offsets: Sequence[TopicPartition], metadata: Any) -> None:
        try:
            self._send_offsets(offsets, metadata)
        finally:
            self._has_offsets.set()
        self._call(self._producer.flush, CALL_TIMEOUT_S)  # delivery reports run in here, before the commit returns
        self._end(self._producer.commit_transaction)

    def _send_offsets(self, offsets: Sequence[TopicPartition], metadata: Any) -> None:
        """Add the input offsets; may never return, whatever the timeout says, when the group's coordinator has moved meanwhile.

        librdkafka 2.16, its issues 5456 and 5511: `finish` watches the clock.
        """
        self._call(self._producer.send_offsets_to_transaction, offsets, metadata, CALL_TIMEOUT_S)

    def _end(self, function: Callable[[float], Any]) -> None:
        """Wait until Kafka says how the transaction ended, also while it is away for minutes.

        A commit that was asked for may have happened: until that is known, neither an abort nor a new decision is right.
        """
        deadline = time.monotonic() + END_TIMEOUT_S
        while True:
            try:
                function(CALL_TIMEOUT_S)
            except KafkaException as error:
                if not error.args[0].retriable():
                    raise self._judge(error) from error
                if time.monotonic() > deadline:
                    raise Terminal(
                        f"Kafka has not said for {END_TIMEOUT_S:.0f} s how the transaction of {self.transactional_id} "
                        f"ended; the restart reads what was committed ({error.args[0].str()})"
                    ) from error
                log.warning("transaction_waits", error=error.args[0].str())
                time.sleep(RETRY_S)
            else:
                return

    def _produce(self, topic: str, key: bytes | None, value: bytes | None, partition: int = -1, **options: Any) -> None:
        """Hand a record to librdkafka; `options` are those of its `produce`: on_delivery, timestamp, headers."""
        while True:
            try:
                self._producer.produce(topic, value, key, partition, **options)
            except BufferError:
                self._producer.poll(0.05)
            except KafkaException as error:
                raise self._judge(error) from error
            else:
                return

    def _call(self, function: Callable[..., Any], *arguments: Any) -> None:
        deadline = time.monotonic() + CALL_TIMEOUT_S
        while True:
            try:
                function(*arguments)
            except KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > deadline:
                    raise self._judge(error) from error
                time.sleep(RETRY_S)
            else:
                return

    def _judge(self, error: KafkaException) -> Transient | Terminal:
        """Return the class of fault: whether the batch can be tried again, or this process must end."""
        cause: KafkaError = error.args[0]
        age_s = time.monotonic() - self._began_s
        if cause.code() in FENCED and age_s > TRANSACTION_TIMEOUT_MS / 1000:
            return Terminal(
                f"Kafka ended the transaction of {self.transactional_id}, open for {age_s:.0f} s: this process was paused or cut "
                f"off from Kafka; nothing is lost, the restart goes on after the last commit ({cause.str()})"
            )
        if cause.code() in FENCED:
            return Terminal(
                f"another worker took over the transactional id {self.transactional_id}: "
                f"two workers run with one --worker-id; give each its own ({cause.str()})"
            )
        if cause.fatal():
            return Terminal(f"Kafka ended the producer {self.transactional_id}: {cause.str()}")
        return Transient(cause.str())

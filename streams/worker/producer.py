"""The producer of one worker slot: a stable transactional id, and a client that is replaced when it is lost.

After an outage librdkafka 2.16 may never return from a call in spite of its timeout (issues 5456 and 5511), or may confuse a
new transaction with the previous one. Kafka fences a client whose transaction was open for too long. Such a client cannot be
repaired. A new one with the same transactional id has the effect of a process restart: `init_transactions` fences the old
client and returns when its transaction has ended, committed or aborted (decision 0018).
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer

from broker import clients
from broker.errors import Transient
from schemas.topics import MAX_RECORD_BYTES
from streams.errors import ClientLost, Fatal, Stopped
from streams.worker.background import in_background

RETRY_MS = 5  # The coordinator rejects a transaction's first requests until the previous markers are written, some
# milliseconds; librdkafka's default of 100 ms would dominate the latency of a change at low rates (p50 137 ms, not 22, at 50/s).
TRANSACTION_TIMEOUT_MS = 30_000  # a killed worker's open transaction blocks readers for at most this long
# Does not delay commits, because `flush` sends at once; with 5 ms and its small requests librdkafka took twice the time.
LINGER_MS = 100
CALL_TIMEOUT_S = 20.0  # below the transaction timeout, so that a stuck broker is detected before that expires
ABORT_S = 2.0  # takes some 20 ms; a new client has the same effect
INITIALISE_S = 2.0  # per attempt; the worker can stop between attempts
CLIENT_S = 60.0  # of attempts with one client; the next one may reach a Kafka that this one does not
RETRY_S = 0.1
SETTLED_S = 2.0  # a frozen broker that returns loses its partitions, and gets them back, within a second
LEADERLESS_LOOKS = 100  # after that many checks a broken topic, perhaps of another application, no longer blocks
RENEWED_S = 30.0  # a frozen Kafka may process a request of the previous client this long after the renewal
FENCED = frozenset({KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH})

log = structlog.get_logger()


class TransactionalProducer:
    """A Kafka producer with one transactional id.

    The id is stable, so a restarted worker fences its previous producer at once instead of waiting for a timeout.
    """

    def __init__(self, options: Mapping[str, str], transactional_id: str) -> None:
        self.transactional_id = transactional_id
        self._options: dict[str, Any] = {
            **options,
            "transactional.id": transactional_id,
            "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
            "linger.ms": LINGER_MS,
            "retry.backoff.ms": RETRY_MS,
            "compression.type": "lz4",
            "partitioner": "murmur2_random",  # as in the Java clients, so that joins across languages are co-partitioned
            "message.max.bytes": MAX_RECORD_BYTES,
            "queue.buffering.max.messages": 500_000,
            "queue.buffering.max.kbytes": 262_144,
        }
        self.client: Producer = clients.producer(self._options)
        self.is_lost = False
        self._began_s = math.inf  # monotonic; start of the transaction that is open, being committed or to be aborted
        self._renewals_s = -math.inf, -math.inf  # the last two
        self._is_stopping = threading.Event()

    def initialise(self) -> None:
        """Fence the previous producer with this id and wait until its last transaction has ended."""
        try:
            self.call(self.client, self.client.init_transactions, CALL_TIMEOUT_S)
        except ClientLost as fault:  # not an outage: a permission is missing
            raise Fatal(str(fault)) from fault

    def begin(self) -> None:
        """Begin a transaction; the previous one was committed or aborted."""
        self.call(self.client, self.client.begin_transaction)
        self._began_s = time.monotonic()

    def produce(self, topic: str, key: bytes | None, value: bytes | None, partition: int, **options: Any) -> None:
        """Enqueue a record in librdkafka; waits while its queue is full. `options`: on_delivery, timestamp, headers."""
        while True:
            try:
                self.client.produce(topic, value, key, partition, **options)
            except BufferError:
                self.client.poll(0.05)
            except KafkaException as error:
                raise self.classify(error, self.client) from error
            else:
                return

    def call(self, client: Producer, function: Callable[..., Any], *arguments: Any) -> None:
        """Call a client's function and retry transient faults; `client` may be a previous one, on its own thread."""
        deadline = time.monotonic() + CALL_TIMEOUT_S
        while True:
            try:
                function(*arguments)
            except KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > deadline:
                    raise self.classify(error, client) from error
                time.sleep(RETRY_S)
            else:
                return

    def classify(self, error: KafkaException, client: Producer) -> Transient | Fatal:
        """Return the class of fault: this client can continue, a new client can, or this process must exit."""
        cause: KafkaError = error.args[0]
        if cause.code() in FENCED and not self._may_be_own_fence():
            return Fatal(
                f"another worker took over the transactional id {self.transactional_id}: "
                f"two workers run with one --worker-id; give each its own ({cause.str()})"
            )
        if cause.code() in FENCED or cause.fatal():
            self.give_up(client)
            return ClientLost(
                f"Kafka's client cannot go on with the transaction of {self.transactional_id}: {cause.str()}"
            )
        return Transient(cause.str())

    def give_up(self, client: Producer) -> None:
        """Mark a client as lost, unless it is a previous one."""
        self.is_lost |= client is self.client

    def ended(self) -> None:
        """Note that the transaction has ended."""
        self._began_s = math.inf

    def abort(self) -> None:
        """Abort the transaction, if there is one; renew the client if it cannot abort.

        Raises `Stopped` if stopped meanwhile.
        """
        if self._began_s < math.inf and not self.is_lost:
            self._abort()
        self.ended()
        self.renew()

    def renew(self) -> None:
        """Replace the client if it is lost; return when Kafka has ended its transaction, waiting for Kafka without limit.

        Raises `Stopped` if stopped meanwhile.
        """
        began_s = time.monotonic()
        while self.is_lost:
            log.warning("producer_lost", transactional_id=self.transactional_id, since_s=_since(began_s))
            former, self.client = [self.client], clients.producer(self._options)
            former[0].purge(blocking=False)
            in_background(former.clear)  # the last reference: destroying a client waits for its threads
            self.ended()
            self._wait_for_leaders()
            if self._is_initialised():
                self.is_lost = False
                self._renewals_s = self._renewals_s[1], time.monotonic()
                log.info("producer_renewed", transactional_id=self.transactional_id, after_s=_since(began_s))

    def pause(self) -> None:
        """Wait `RETRY_S` for Kafka; raise `Stopped` if stopped."""
        if self._is_stopping.wait(RETRY_S):
            raise Stopped(f"the next start finds out how the last transaction of {self.transactional_id} ended")

    def stop(self) -> None:
        """Stop waiting for Kafka."""
        self._is_stopping.set()

    def _abort(self) -> None:
        try:
            in_background(self.client.abort_transaction, ABORT_S).result(2 * ABORT_S)
        except KafkaException as error:
            fault = self.classify(error, self.client)
            if isinstance(fault, Fatal):
                raise fault from error
            self.is_lost = True
        except TimeoutError:
            self.is_lost = True

    def _wait_for_leaders(self) -> None:
        """Return when Kafka answers and every partition has had a leader for `SETTLED_S`.

        Kafka 4.3 ends a transaction without a marker on partitions that have no leader at that moment, so records of an aborted
        transaction there are committed with the next one: seen when a broker was frozen longer than its controller session.
        """
        led_since_s, leaderless = math.inf, 0
        while time.monotonic() - led_since_s < SETTLED_S and leaderless < LEADERLESS_LOOKS:
            is_led = self._is_led()
            led_since_s = min(led_since_s, time.monotonic()) if is_led else math.inf
            leaderless += is_led is False
            self.client.poll(0)  # delivers its log lines
            self.pause()

    def _is_led(self) -> bool | None:
        """Say whether every partition has a leader; None while Kafka does not answer."""
        try:
            topics = self.client.list_topics(timeout=INITIALISE_S).topics.values()
        except KafkaException:
            return None
        return all(partition.leader >= 0 for topic in topics for partition in topic.partitions.values())

    def _is_initialised(self) -> bool:
        """Initialise a new client; return False after `CLIENT_S`, when another client should try."""
        deadline = time.monotonic() + CLIENT_S
        while time.monotonic() < deadline:
            try:
                self.client.init_transactions(INITIALISE_S)
            except KafkaException as error:
                if error.args[0].fatal():
                    reason = error.args[0].str()
                    raise Fatal(f"Kafka refuses the producer {self.transactional_id}: {reason}") from error
                self.client.poll(0)  # delivers its log lines
                self.pause()
            else:
                return True
        return False

    def _may_be_own_fence(self) -> bool:
        """Say whether a fence may have another cause than a second worker with this id.

        Kafka fences the client of a transaction that was open for too long, because this process was paused or disconnected.
        It may also do so once after a renewal: a frozen Kafka may process a request of the previous client last.
        """
        now_s = time.monotonic()
        before_s, last_s = self._renewals_s
        is_overdue = now_s - self._began_s > TRANSACTION_TIMEOUT_MS / 1000
        return is_overdue or (now_s - last_s < RENEWED_S and last_s - before_s > 2 * RENEWED_S)


def _since(began_s: float) -> float:
    return round(time.monotonic() - began_s, 1)

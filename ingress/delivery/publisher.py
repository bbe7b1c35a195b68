"""Publishes records and returns Kafka's acknowledgements, without a thread hop per record.

The event loop itself polls librdkafka, every millisecond while a report is outstanding: delivery reports run on the loop,
and no second thread competes for the GIL (measured: 13,600/s against 9,600/s with a thread; prototypes/README.md).

ProducerError    Terminal: the producer cannot be created; the process ends
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from math import inf
from typing import Any, Final, Literal

from confluent_kafka import KafkaError, KafkaException, Message
from msgspec import Struct

from broker import clients
from broker.topic_admin import ensure_topic, raw_topic
from ingress.settings import Settings
from schemas.topics import raw_record_bytes

POLL_S = 0.001
# With half of it, Kafka, which may share the machine, took a third more time for each post, and the ingress a quarter more.
LINGER_MS = 1
IDLE_POLL_S = 0.1  # Serves librdkafka's log, errors and statistics when nothing is in flight; 0.1 % of a core.
STATISTICS_MS = 200  # Only the warm-up reads them: librdkafka reports its producer id nowhere else.
MESSAGE_TIMEOUT_MS = (
    60_000  # Keeps retrying after the 503: GitHub never retries, and duplicates are dropped downstream.
)
QUEUE_KBYTES = (
    262_144  # At most 256 MB of bodies wait for Kafka; with a smaller queue a leader election would cause 503s.
)
RECONNECT_MS = (
    1000  # librdkafka's default of 10 s would leave deliveries in the spool that much longer after an outage.
)
FLUSH_S = 3.0

Headers = list[tuple[str, bytes]]


def ensure_raw_topic(settings: Settings) -> bool:
    """Create the raw topic and return whether it was missing; `KafkaException` if Kafka does not answer within 7 s."""
    record_bytes = raw_record_bytes(settings.body_limit_bytes)
    topic = raw_topic(record_bytes, settings.partitions, settings.replication, settings.raw_topic)
    return ensure_topic(settings.kafka, topic)


class ProducerError(Exception):
    """The producer cannot be created with these options; the text names the wrong option, never a value."""


class Unpublished(Struct, frozen=True):
    """Kafka has not acknowledged the record, but may still get it: a fixed reason and a detail.

    After `ack_timeout` the record is still queued, and `late` is the future report on it, however long that takes.
    """

    reason: Literal["ack_timeout", "kafka_error", "queue_full", "record_too_large", "spool_failed", "spool_full"]
    detail: str
    late: "asyncio.Future[Report] | None" = None


class Published(Struct, frozen=True):
    """All in-sync replicas have the record."""


class Spooled(Struct, frozen=True):
    """The record is on this machine's disk and will be published in order."""


Report = Published | Spooled | Unpublished
PUBLISHED: Final = Published()
SPOOLED: Final = Spooled()
_Waiting = tuple[float, "asyncio.Future[Report]"]


class Publisher:
    """One idempotent producer for one topic. Created anywhere, started and used on one event loop."""

    def __init__(
        self, settings: Settings, on_fatal: Callable[[str], None], on_statistics: Callable[[str], None]
    ) -> None:
        self._topic = settings.raw_topic
        self._ack_timeout_s = settings.ack_timeout_s
        self._has_spool = settings.spool_bytes > 0
        self._on_fatal = on_fatal
        self._waiting: deque[_Waiting] = deque()
        self._late: dict[asyncio.Future[Report], asyncio.Future[Report]] = {}
        self._unreported = 0
        try:
            self.producer = clients.producer(self._options(settings, on_statistics))
        except KafkaException as error:
            raise ProducerError(f"[kafka.options] are not accepted: {error.args[0].str()}") from error

    @property
    def unreported(self) -> int:
        """How many records wait for Kafka's acknowledgement."""
        return self._unreported

    def start(self) -> None:
        """Begin to poll on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(IDLE_POLL_S, self._poll)

    def publish(self, key: bytes, value: bytes, headers: Headers) -> "asyncio.Future[Report]":
        """Return the future report on one record: published, not acknowledged in time, or failed.

        A record reported as `ack_timeout` stays queued and is published when Kafka is back. That is safe: the raw topic
        holds every delivery at least once, and the pipeline drops what the provider sends again.
        """
        future = self.enqueue(key, value, headers)
        if not future.done():
            self._waiting.append((self._loop.time() + self._ack_timeout_s, future))
        return future

    def enqueue(self, key: bytes, value: bytes, headers: Headers) -> "asyncio.Future[Report]":
        """Return the future report on one record, however long Kafka takes."""
        future: asyncio.Future[Report] = self._loop.create_future()

        def report(error: KafkaError | None, _record: Message) -> None:
            self._unreported -= 1
            open_future = self._late.pop(future, None) if future.done() else future
            if open_future is not None and not open_future.done():
                open_future.set_result(PUBLISHED if error is None else _unpublished(error))

        try:
            self.producer.produce(
                self._topic,
                value,
                key,
                on_delivery=report,
                headers=headers,  # type: ignore[arg-type]  # a list is invariant; nothing is written to it
            )
        except BufferError:
            future.set_result(Unpublished("queue_full", f"{self._unreported} deliveries wait for Kafka already"))
            return future
        except KafkaException as error:
            future.set_result(_unpublished(error.args[0]))
            return future
        self._unreported += 1
        if self._unreported == 1:
            self._timer.cancel()
            self._timer = self._loop.call_later(POLL_S, self._poll)
        return future

    async def stop(self) -> int:
        """Wait up to 3 s for the queue to empty, then return how many records Kafka has not acknowledged."""
        self._timer.cancel()
        return await asyncio.to_thread(self.producer.flush, FLUSH_S)

    def _poll(self) -> None:
        self.producer.poll(0)
        self._give_up()
        self._timer = self._loop.call_later(POLL_S if self._unreported else IDLE_POLL_S, self._poll)

    def _give_up(self) -> None:
        """Report `ack_timeout` for records that have waited too long; all wait equally long, so only the oldest are checked.

        If there is a spool, all waiting records time out together with the oldest, in order: so they are spooled in order
        of arrival, and before anything that arrives later.
        """
        waiting = self._waiting
        while waiting and waiting[0][1].done():
            waiting.popleft()
        now = self._loop.time()
        if not waiting or waiting[0][0] > now:
            return
        until_s = inf if self._has_spool else now
        detail = f"Kafka did not acknowledge within {self._ack_timeout_s:g} s"
        while waiting and waiting[0][0] <= until_s:
            _, future = waiting.popleft()
            if not future.done():
                self._late[future] = late = self._loop.create_future()
                future.set_result(Unpublished("ack_timeout", detail, late))

    def _options(self, settings: Settings, on_statistics: Callable[[str], None]) -> dict[str, Any]:
        tunable: Mapping[str, Any] = {
            "linger.ms": LINGER_MS,
            "message.timeout.ms": MESSAGE_TIMEOUT_MS,
            "queue.buffering.max.kbytes": QUEUE_KBYTES,
            "socket.keepalive.enable": True,
            "reconnect.backoff.max.ms": RECONNECT_MS,
            "client.id": "penstock-ingress",
        }
        return {
            **tunable,
            **settings.kafka,
            **(
                {"message.timeout.ms": 0} if settings.spool_bytes else {}
            ),  # never expires: see ingress/delivery/failover_publisher.py, rule 1
            "enable.idempotence": True,  # implies acks=all and order within a partition
            "acks": "all",
            "partitioner": "murmur2_random",  # as in Java: other clients that republish a delivery choose the same partition
            "message.max.bytes": raw_record_bytes(settings.body_limit_bytes),
            "statistics.interval.ms": STATISTICS_MS,
            "stats_cb": on_statistics,
            "error_cb": self._notice,
        }

    def _notice(self, error: KafkaError) -> None:
        if error.fatal():
            self._on_fatal(f"{error.name()}: {error.str()}")


def _unpublished(error: KafkaError) -> Unpublished:
    if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        return Unpublished(
            "record_too_large", "Kafka takes no record of this size; raise max.message.bytes of the topic"
        )
    return Unpublished("kafka_error", f"Kafka did not take the delivery ({error.name()})")

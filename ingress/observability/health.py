"""The readiness that /readyz reports: whether deliveries can be stored, on Kafka or in the spool.

A new producer is slow for its first 0.4 s (measured), while it fetches metadata and its producer id. Both are fetched
before the process reports ready, so that the first delivery is as fast as the thousandth.
"""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Literal

import msgspec
import structlog
from confluent_kafka import KafkaException, Producer

from broker.retry_policy import RetryPolicy
from ingress.delivery.publisher import ensure_raw_topic
from ingress.delivery.spool import NotSpooled
from ingress.settings import Settings

PROBE_S = 5.0
PROBE_TIMEOUT_S = 3.0
SILENT_S = 15.0  # Three probes without an answer.
WARM_UP_S = 10.0  # With a healthy Kafka a restart takes 1 s, and the first delivery is not slow.

State = Literal["ready", "warming_up", "kafka_silent", "spool_full", "spool_failed", "leaving", "draining"]
Spooling = Callable[[], NotSpooled | None]
log = structlog.get_logger("ingress")


class _Silent(Exception):
    """Kafka has not answered as expected; the fault is logged."""


RETRY = RetryPolicy((_Silent,), first_s=0.2, longest_s=5.0)


class _Idempotence(msgspec.Struct):
    idemp_state: str = ""


class _Statistics(msgspec.Struct):
    eos: _Idempotence = msgspec.field(default_factory=_Idempotence)


class Health:
    """The observed state of Kafka, and so whether deliveries can be stored.

    `spool` returns why the spool would refuse a delivery now; it is None if there is no spool. `refused` returns why the
    last delivery could not be stored. `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = monotonic,
        spool: Spooling | None = None,
        refused: Spooling = lambda: None,
    ) -> None:
        self._settings = settings
        self._spool = spool
        self._refused = refused
        self._began_at = clock()
        self._clock = clock
        self._has_producer_id = asyncio.Event()
        self._is_warm = False
        self._answered_at = clock()

    def state(self) -> State:
        """Return `ready` if deliveries can be stored, else what is missing.

        They can be stored if the producer is warm and Kafka has answered in the last 15 s, or if the spool is usable. A
        new process waits ten seconds for Kafka before it relies on the spool alone. While the spool refuses deliveries,
        Kafka's answers do not count: they are about metadata, which brokers also send when they acknowledge nothing.
        """
        refusal = self._refused()
        if refusal is not None:
            return refusal.reason
        now = self._clock()
        if self._is_warm and now - self._answered_at <= SILENT_S:
            return "ready"
        if self._spool is None or not (self._is_warm or now - self._began_at > WARM_UP_S):
            return "kafka_silent" if self._is_warm else "warming_up"
        refusal = self._spool()
        return "ready" if refusal is None else refusal.reason

    def notice(self, statistics: str) -> None:
        """Note from librdkafka's statistics that the producer has an id."""
        if self._has_producer_id.is_set():
            return
        if msgspec.json.decode(statistics, type=_Statistics).eos.idemp_state == "Assigned":
            self._has_producer_id.set()

    async def watch(self, producer: Producer) -> None:
        """Warm up the producer, then fetch the topic's metadata every 5 s. Ends only when cancelled."""
        await self._until_answered(producer)
        await self._has_producer_id.wait()
        self._is_warm = True
        log.info("ingress_ready", topic=self._settings.raw_topic)
        while True:
            await asyncio.sleep(PROBE_S)
            await self._probe(producer)

    async def _until_answered(self, producer: Producer) -> None:
        async def ask() -> None:
            if not await self._create_topic() or not await self._probe(producer):
                raise _Silent

        await RETRY.call_async(ask)

    async def _create_topic(self) -> bool:
        try:
            is_new = await asyncio.to_thread(ensure_raw_topic, self._settings)
        except KafkaException as error:
            log.warning("kafka_unreachable", reason=error.args[0].name(), detail=error.args[0].str())
            return False
        if is_new:
            log.info("topic_created", topic=self._settings.raw_topic, partitions=self._settings.partitions)
        return True

    async def _probe(self, producer: Producer) -> bool:
        topic = self._settings.raw_topic
        try:
            metadata = await asyncio.to_thread(producer.list_topics, topic, PROBE_TIMEOUT_S)
        except KafkaException as error:
            log.warning("kafka_silent", reason=error.args[0].name(), detail=error.args[0].str())
            return False
        fault = metadata.topics[topic].error
        if fault is not None:
            log.warning("topic_unusable", topic=topic, reason=fault.name(), detail=fault.str())
            return False
        self._answered_at = self._clock()
        return True

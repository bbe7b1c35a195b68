"""The readiness of a worker to decide deliveries: the answer of its /readyz, and the reason if it is not ready.

A separate thread probes Kafka every 5 s with its own client: the worker's clients may be blocked, or being replaced, exactly
when the answer matters. The probe also covers undecided deliveries, because a worker may be stuck with all its connections
open.
"""

import threading
from collections.abc import Callable, Sequence
from time import monotonic, time
from typing import Literal, Protocol

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition
from msgspec import Struct

from broker import clients
from broker.silence import Silence
from schemas.topics import RAW
from streams.worker.settings import WorkerSettings

PROBE_S = 5.0
PROBE_TIMEOUT_S = 3.0
SILENT_S = 15.0  # three probes without an answer, as in the ingress; a broker's restart takes 2 to 13 s

Status = Literal["ready", "joining", "restoring", "kafka_silent", "deliveries_wait", "stopping"]

log = structlog.get_logger()


class Partitions(Protocol):
    """The partitions of a worker. Read from any thread."""

    @property
    def is_assigned(self) -> bool:
        """Whether the group has made an assignment to this worker; it may be empty."""

    @property
    def working(self) -> list[int]:
        """The partitions whose deliveries are decided."""

    @property
    def restoring(self) -> list[int]:
        """The partitions whose tables are being restored."""


class Standing(Struct, frozen=True, omit_defaults=True):
    """The status of a worker: one fixed word, and a readable detail of what is missing."""

    status: Status
    detail: str = ""


class Health:
    """The health of one worker. `clock` is monotonic, in seconds."""

    def __init__(
        self,
        partitions: Partitions,
        undecided_limit_s: int,
        is_stopping: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._partitions = partitions
        self._limit_s = undecided_limit_s
        self._is_stopping = is_stopping
        self._clock = clock
        self._answered_s = clock()
        self._waiting: Sequence[int] = ()

    def answered(self, waiting: Sequence[int]) -> None:
        """Record that Kafka has answered, and which partitions have deliveries undecided for longer than the limit."""
        self._answered_s, self._waiting = self._clock(), waiting

    def standing(self) -> Standing:
        """Return `ready` if deliveries are decided in time, else the first problem."""
        silent_s = self._clock() - self._answered_s
        restoring = self._partitions.restoring
        if self._is_stopping():
            return Standing("stopping", "told to stop")
        if silent_s > SILENT_S:
            return Standing(
                "kafka_silent", f"Kafka has not answered for {silent_s:.0f} s, expected every {PROBE_S:.0f} s"
            )
        if not self._partitions.is_assigned:
            return Standing("joining", "the consumer group has not given this worker its partitions yet")
        if restoring:
            return Standing("restoring", f"the tables of partitions {_listed(restoring)} are being restored")
        waiting = [partition for partition in self._waiting if partition in self._partitions.working]
        if waiting:
            return Standing(
                "deliveries_wait",
                f"partitions {_listed(waiting)} have deliveries undecided for more than {self._limit_s} s, expected none "
                "([worker] undecided_limit_s)",
            )
        return Standing("ready")


class Watch:
    """Probes Kafka periodically and updates `health`."""

    def __init__(self, settings: WorkerSettings, partitions: Partitions, health: Health) -> None:
        self._settings = settings
        self._partitions = partitions
        self._health = health
        self._silence = Silence()
        self._is_over = threading.Event()

    def start(self) -> None:
        """Start on a daemon thread, so that a pending probe does not delay process exit."""
        threading.Thread(target=self._run, name="health", daemon=True).start()

    def stop(self) -> None:
        """Stop probing."""
        self._is_over.set()

    def _run(self) -> None:
        client = clients.silent_consumer(
            {
                **self._settings.kafka,
                "group.id": self._settings.group,
                "enable.auto.commit": False,
                # Returns the last commit at once. By default the broker delays the response until no transaction is open.
                "isolation.level": "read_uncommitted",
            }
        )
        while not self._is_over.is_set():
            self._look(client)
            self._is_over.wait(PROBE_S)
        client.close()

    def _look(self, client: Consumer) -> None:
        before_ms = int((time() - self._settings.configuration.worker.undecided_limit_s) * 1000)
        try:
            client.list_topics(RAW, PROBE_TIMEOUT_S)
            self._health.answered(waiting(client, self._partitions.working, before_ms))
        except KafkaException as error:
            self._silence.begins(error.args[0].str())
        else:
            self._silence.ends()
        client.poll(0)  # serves the errors that the client has queued; nothing else polls it


def waiting(client: Consumer, partitions: Sequence[int], before_ms: int) -> list[int]:
    """Return the partitions whose oldest undecided delivery was written to the topic before a moment.

    Uses Kafka's time index, so no delivery is read. The ends are read first, so that deliveries that arrive between two
    requests do not count as old. Raises `KafkaException` if a request fails.
    """
    positions = [TopicPartition(RAW, partition) for partition in partitions]
    if not positions:
        return []
    ends = {
        position.partition: client.get_watermark_offsets(position, PROBE_TIMEOUT_S, cached=False)
        for position in positions
    }
    moments = [TopicPartition(RAW, partition, before_ms) for partition in partitions]
    recent = {
        position.partition: position.offset for position in _sound(client.offsets_for_times(moments, PROBE_TIMEOUT_S))
    }
    return [
        position.partition
        for position in _sound(client.committed(positions, PROBE_TIMEOUT_S))
        if _has_older(position.offset, ends[position.partition], recent[position.partition])
    ]


def _has_older(committed: int, ends: tuple[int, int], recent: int) -> bool:
    """Say whether there is a record at or after `committed` and before `recent`, the first record that is not old.

    Negative values mean that nothing is committed yet, or none is recent. Records deleted by retention do not count.
    """
    low, high = ends
    return max(low, committed) < (recent if recent >= 0 else high)


def _sound(positions: Sequence[TopicPartition]) -> Sequence[TopicPartition]:
    for position in positions:
        if position.error is not None:
            raise KafkaException(position.error)
    return positions


def _listed(partitions: Sequence[int]) -> str:
    return ", ".join(map(str, partitions))

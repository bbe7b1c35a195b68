"""Reads topics for a sink from offsets that the sink itself keeps; nothing is assigned by the group.

The group's committed offsets only let Kafka's tools show the lag. Only committed records are read.
"""

from collections.abc import Callable, Mapping
from functools import partial

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from broker import clients, topic_reader
from broker.silence import Silence

Partition = tuple[str, int]

QUEUE_KB = 32 * 1024  # of records that wait in the client: a batch and the one after it
_OPTIONS = {
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    "isolation.level": "read_committed",
    "auto.offset.reset": "earliest",  # a topic made anew, or records that retention has removed
    "queued.max.messages.kbytes": QUEUE_KB,
    "fetch.wait.max.ms": 100,
}

log = structlog.get_logger()


class SinkConsumer:
    """Yields records of the topics that `wants` accepts, topics that are made later included."""

    def __init__(self, kafka: Mapping[str, str], group: str, wants: Callable[[str], bool]) -> None:
        self._consumer: Consumer = clients.consumer({**kafka, **_OPTIONS, "group.id": group})
        self._wants = wants
        self._starts: dict[Partition, int] = {}
        self._ends: dict[Partition, int] = {}
        self._silence = Silence()

    @property
    def is_silent(self) -> bool:
        """Say whether the last request to Kafka failed."""
        return self._silence.is_on

    def discover(self, stored: Mapping[Partition, int]) -> None:
        """Start reading partitions that are new to this consumer, from their stored offsets, else from the oldest record."""
        try:
            listed = topic_reader.topics(self._consumer)
            new = {(name, number) for name, numbers in listed.items() if self._wants(name) for number in numbers}
            parts = [
                topic_reader.range_of(self._consumer, *partition) for partition in sorted(new - self._starts.keys())
            ]
        except KafkaException as error:
            self._silence.begins(error.args[0].str())
            return
        self._silence.ends()
        starts = [TopicPartition(part.topic, part.partition, _start(part, stored)) for part in parts]
        if starts:
            self._consumer.incremental_assign(starts)
            self._starts |= {(start.topic, start.partition): start.offset for start in starts}

    def poll(self, limit: int, timeout_s: float) -> list[Message]:
        """Return the next records, at most `limit`."""
        messages = self._consumer.consume(limit, timeout=timeout_s)
        return [message for message in messages if self._is_record(message)]

    def positions(self, stored: Mapping[Partition, int]) -> dict[Partition, int]:
        """Return how far each partition is in the sink, if the sink has stored all that was read.

        The marks that end a transaction are no records: behind them the end of a partition is farther than any record's offset.
        """
        return {
            partition: max(stored.get(partition, start), self._ends.get(partition, 0))
            for partition, start in self._starts.items()
        }

    def lag(self, stored: Mapping[Partition, int]) -> int:
        """Return how many records are not in the sink yet, by what the client knows without asking."""
        return sum(map(partial(_behind, self._consumer), self.positions(stored).items()))

    def show(self, offsets: Mapping[Partition, int]) -> None:
        """Commit offsets to the group, for tools that show its lag; a failure does not matter."""
        positions = [TopicPartition(topic, number, offset) for (topic, number), offset in offsets.items()]
        if positions:
            self._consumer.commit(offsets=positions, asynchronous=True)

    def close(self) -> None:
        """Close the client."""
        self._consumer.close()

    def _is_record(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.code() == KafkaError._PARTITION_EOF:
            partition = topic_reader.topic_of(message), topic_reader.partition_of(message)
            self._ends[partition] = topic_reader.offset_of(message)
        else:
            self._silence.begins(error.str())  # the client tries again by itself
        return False


def _start(part: topic_reader.Range, stored: Mapping[Partition, int]) -> int:
    """Return where to start: a stored offset beyond the end is that of a former topic of this name."""
    offset = stored.get((part.topic, part.partition))
    if offset is not None and offset > part.high:
        log.warning("topic_began_anew", topic=part.topic, partition=part.partition, stored=offset, end=part.high)
        return part.low
    return part.low if offset is None else offset


def _behind(consumer: Consumer, position: tuple[Partition, int]) -> int:
    (topic, number), offset = position
    _, high = consumer.get_watermark_offsets(TopicPartition(topic, number), cached=True)
    return max(0, high - offset)

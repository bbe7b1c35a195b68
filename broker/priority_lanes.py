"""Follows several lanes: no record is read from a lane while a higher one has records left."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack

from confluent_kafka import Consumer, Message

from broker import topic_reader
from broker.topic_reader import is_end, partition_of, topic_of
from schemas.topics import PRIORITIES, lane

END_TIMEOUT_S = 5.0  # a partition without a leader never reports its end; it must not block the other lanes
ASK_S = 0.05


def follow(kafka: Mapping[str, str], wants: Callable[[str], bool], is_from_beginning: bool) -> Iterator[Message | None]:
    """Yield every record of the wanted topics without end, `high` before `default` before `low`; None while there is none.

    After the first value, every record written from then on will be read. Each lane has its own consumer, so that
    reading one neither pauses the others nor discards their fetched records.
    """
    with ExitStack() as opened:
        lanes = [_Lane(opened.enter_context(topic_reader.consumer(kafka))) for _ in PRIORITIES]
        _assign(lanes, wants, is_from_beginning)
        yield None
        look_again_s = time.monotonic() + topic_reader.NEW_TOPICS_EVERY_S
        while True:
            messages = _next_of(lanes)
            yield from messages
            if not messages:
                yield None
            if time.monotonic() >= look_again_s:
                _assign(lanes, wants, is_from_beginning=True)
                look_again_s = time.monotonic() + topic_reader.NEW_TOPICS_EVERY_S


class _Lane:
    """The topics of one priority, and which partitions are read to their end."""

    def __init__(self, reader: Consumer) -> None:
        self.reader = reader
        self.known: set[tuple[str, int]] = set()
        self._ended: set[tuple[str, int]] = set()

    def take(self, timeout_s: float) -> list[Message]:
        """Return the records that have arrived."""
        found = []
        for message in self.reader.consume(topic_reader.BATCH_RECORDS, timeout=timeout_s):
            position = (topic_of(message), partition_of(message))
            if is_end(message):
                self._ended.add(position)
            else:
                self._ended.discard(position)
                found.append(message)
        return found

    @property
    def is_at_end(self) -> bool:
        """Say whether every partition was read to its end."""
        return self._ended >= self.known


def _assign(lanes: Sequence[_Lane], wants: Callable[[str], bool], is_from_beginning: bool) -> None:
    for priority, followed in zip(PRIORITIES, lanes, strict=True):

        def is_of_lane(topic: str, priority: str = priority) -> bool:
            return wants(topic) and lane(topic) == priority

        topic_reader.assign_new(followed.reader, is_of_lane, followed.known, is_from_beginning)


def _next_of(lanes: Sequence[_Lane]) -> list[Message]:
    """Return records of the highest lane that has any, or none after a short wait."""
    for followed in lanes:
        deadline_s = time.monotonic() + END_TIMEOUT_S
        while True:
            messages = followed.take(0 if followed.is_at_end else ASK_S)
            if messages:
                return messages
            if followed.is_at_end or time.monotonic() > deadline_s:
                break
    time.sleep(ASK_S)
    return []

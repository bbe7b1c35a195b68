"""Every delivery has ended or waits, never both and never neither: looked at again and again while everything runs.

A worker commits a delivery's offset together with its outcome, or with the record that it waits. So whatever lies below the
committed offsets is in one of the two topics for a reader of committed records, at every moment.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from confluent_kafka.admin import AdminClient

from broker.errors import Transient
from broker.schema_registry import Registry
from schemas.topics import OUTCOMES, PENDING, RAW
from streams.worker.committed_offsets import committed as committed_offsets
from tests.support.oracle.ledger import committed

EVERY_S = 4.0

Position = tuple[int, int]
"""Partition and offset of a delivery on `webhooks.raw`."""


class Endings:
    """What a reader saw: how often it looked, how many waited at most, and the deliveries that broke the rule."""

    def __init__(self, kafka: str, registry: str, source: str, app: str) -> None:
        self.looks = 0
        self.most_waiting = 0
        self.in_both: set[Position] = set()
        self.in_neither: set[Position] = set()
        self._kafka, self._source, self._group = kafka, source, f"penstock.{app}"
        self._registry = Registry(registry)
        self._failures: list[BaseException] = []

    def look(self) -> None:
        """Look once. Outcomes are read before and after what waits, for deliveries end meanwhile."""
        options: dict[str, Any] = {"bootstrap.servers": self._kafka}
        topics = AdminClient(options).list_topics(timeout=10).topics
        if not topics.keys() >= {OUTCOMES, PENDING}:  # nothing is decided yet
            return
        ended_before = self._positions(OUTCOMES)
        try:
            offsets = committed_offsets(options, self._group, topics[RAW].partitions)
        except Transient:  # a killed worker's transaction is pending: Kafka does not tell
            return
        waiting, ended = self._waiting(), self._positions(OUTCOMES)
        self.looks += 1
        self.most_waiting = max(self.most_waiting, len(waiting))
        self.in_both |= ended_before & waiting
        self.in_neither |= self._decided(offsets) - waiting - ended

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look every few seconds while the block runs; a fault in it is raised at the end."""
        over = threading.Event()
        thread = threading.Thread(target=self._watch, args=(over,))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self._registry.close()
        if self._failures:
            raise self._failures[0]

    def _watch(self, over: threading.Event) -> None:
        try:
            while not over.wait(EVERY_S):
                self.look()
        except BaseException as error:  # noqa: BLE001  # raised again by the thread that waits for this one
            self._failures.append(error)

    def _decided(self, offsets: Mapping[int, int]) -> set[Position]:
        mark = f"|{self._source}|".encode()
        written = (message for message in committed(self._kafka, RAW) if mark in (message.key() or b""))
        found = ((message.partition() or 0, message.offset() or 0) for message in written)
        return {position for position in found if position[1] < offsets[position[0]]}

    def _positions(self, topic: str) -> set[Position]:
        mark, found = self._source.encode(), set[Position]()
        for message in committed(self._kafka, topic):
            if mark in (value := message.value() or b""):
                record = self._registry.decode(value)
                if record["source"] == self._source:
                    found.add((record["partition"], record["offset"]))
        return found

    def _waiting(self) -> set[Position]:
        mark, found = self._source.encode(), dict[bytes, Position]()
        for message in committed(self._kafka, PENDING):
            key, value = message.key() or b"", message.value()
            if value is None:
                found.pop(key, None)
            elif mark in value:
                record = self._registry.decode(value)
                found[key] = record["partition"], record["offset"]
        return set(found.values())

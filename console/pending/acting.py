"""Publishes what a person wants of deliveries that wait: an urgent request, or the end of waiting; and sees what became of it."""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace as with_fields
from datetime import datetime
from typing import Final

from confluent_kafka import Consumer, KafkaError, Message, Producer
from msgspec.structs import replace

from broker import clients, topic_reader
from broker.topic_reader import Advance, key_of, value_of
from console.errors import Failed
from console.pending.waiting import Waiting
from console.queries.changes import Deployment
from providers.base import Parsed
from schemas.codec import time_us
from schemas.fetches import FetchRequest
from schemas.records import RawDelivery
from schemas.topics import PENDING, RAW_RECORD_BYTES
from streams.hydrate.policy import given_up
from streams.hydrate.records import Record, records_of, request_record
from streams.pipeline import parse
from streams.steps.hydration import request_for
from streams.steps.origin import MAX_REASON_BYTES
from streams.steps.routing import Routes

FLUSH_TIMEOUT_S: Final = 60.0
POLL_S: Final = 0.1


def urgent_request(delivery: RawDelivery, waiting: Waiting, routes: Routes) -> FetchRequest | None:
    """Return the request that brings a waiting resource forward, None if the configuration does not read it (any more)."""
    parsed = parse(delivery, routes.provider(delivery.provider, delivery.source))
    reads = routes.hydrations.get(delivery.source)
    if reads is None or not isinstance(parsed, Parsed):
        return None
    wanted = reads.wanted(parsed.snapshots, delivery)
    if wanted is None:
        return None
    request = request_for(delivery, parsed.snapshots[0], wanted)
    if request.resource_key != waiting.resource_key:
        return None
    return replace(request, since_us=time_us(waiting.since) or 0, attempts=waiting.tries, is_urgent=True)


def urgent_records(
    app: str, waiting: Iterable[Waiting], deliveries: Iterable[RawDelivery], routes: Routes
) -> Iterator[Record]:
    """Yield the records of the requests for resources whose newest delivery is among these."""
    by_place = {(one.newest.partition, one.newest.offset): one for one in waiting}
    for delivery in deliveries:
        request = urgent_request(delivery, by_place[delivery.partition, delivery.offset], routes)
        if request is not None:
            yield request_record(app, request)


def end_records(app: str, waiting: Iterable[Waiting], reason: str, by: str, now: datetime) -> Iterator[Record]:
    """Yield the records that end what waits as dead letters: a read that failed, with who gave it up, when and why."""
    why = reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
    detail = f"given up by {by} at {now:%Y-%m-%dT%H:%M:%SZ}: {why}"
    for one in waiting:
        yield from records_of(app, _request(one), given_up(_request(one), detail, time_us(now) or 0))


def _request(waiting: Waiting) -> FetchRequest:
    return FetchRequest(
        waiting.provider,
        waiting.source,
        waiting.tenant,
        waiting.resource_type,
        waiting.resource_id,
        waiting.raw_key,
        waiting.newest.partition,
        waiting.newest.offset,
        time_us(waiting.since) or 0,
        attempts=max(0, waiting.tries - 1),  # a result counts the read that it tells of; here there is none
    )


class Ends:
    """The deliveries that ended after this was made, so make it before publishing."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        with topic_reader.consumer(deployment.kafka) as reader:
            self._read = {part.partition: part.high for part in topic_reader.ranges(reader, PENDING)}

    def of(self, waiting: Sequence[Waiting], wait_s: float, advance: Advance) -> set[str]:
        """Return the keys of the resources for which none of these deliveries waits any more; waits at most `wait_s`."""
        left: Mapping[str, set[bytes]] = _keys(waiting)
        ended: set[str] = set()
        deadline_s = time.monotonic() + wait_s
        with topic_reader.consumer(self._deployment.kafka) as reader:
            while len(ended) < len(left):
                tombstones = self._next(reader)
                before = len(ended)
                for name, keys in left.items():
                    keys.difference_update(tombstones)
                    if not keys:
                        ended.add(name)
                advance(len(ended) - before)
                if time.monotonic() >= deadline_s:
                    break
                time.sleep(POLL_S)
        return ended

    def _next(self, reader: Consumer) -> Collection[bytes]:
        ends = topic_reader.ranges(reader, PENDING)
        unread = [with_fields(part, low=self._read.get(part.partition, part.low)) for part in ends]
        found = {key_of(message) for message in topic_reader.read(reader, unread) if not value_of(message)}
        self._read = {part.partition: part.high for part in ends}
        return found


def _keys(waiting: Iterable[Waiting]) -> dict[str, set[bytes]]:
    """Return the keys on `deliveries.pending`, as `schemas.codec.pending_key` makes them, by resource."""
    found: dict[str, set[bytes]] = {}
    for one in waiting:
        keys = found.setdefault(one.resource_key, set())
        keys |= {f"{each.topic}/{each.partition}/{each.offset}".encode() for each in one.deliveries}
    return found


class Publishing:
    """Records on their way to Kafka. What was published stays published, so a command that was killed is run again."""

    def __init__(self, deployment: Deployment) -> None:
        settings = {
            "enable.idempotence": True,
            "acks": "all",
            "message.max.bytes": RAW_RECORD_BYTES,
            "partitioner": "murmur2_random",  # as the worker: an account's requests are on one partition
        }
        self._producer: Producer = clients.silent_producer({**deployment.kafka, **settings})
        self._failures: list[str] = []
        self.count = 0
        """How many records were given to Kafka."""

    def publish(self, records: Iterable[Record], advance: Advance) -> None:
        """Publish records in their order and return when Kafka has all of them; raise `Failed` if it has not."""
        for record in records:
            while not self._is_queued(record):
                self._producer.poll(POLL_S)
            self.count += 1
            advance(1)
        left = self._producer.flush(FLUSH_TIMEOUT_S)
        if left or self._failures:
            why = self._failures[0] if self._failures else f"Kafka did not answer within {FLUSH_TIMEOUT_S:.0f} s"
            raise Failed(
                f"{left + len(self._failures)} of {self.count} records were not published: {why}; run the same command again"
            )

    def _is_queued(self, record: Record) -> bool:
        def report(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                self._failures.append(error.str())

        headers: list[tuple[str, str | bytes | None]] = [*(record.headers or ())]
        try:
            self._producer.produce(
                record.topic, record.value, record.key, record.partition, on_delivery=report, headers=headers
            )
        except BufferError:
            return False
        self._producer.poll(0)
        return True

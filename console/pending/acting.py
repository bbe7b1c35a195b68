"""Publishes what a person wants of deliveries that wait: an urgent request, or the end of waiting; and sees what became of it."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from broker import topic_reader
from broker.outgoing import Record
from broker.topic_reader import Advance, key_of, value_of
from console.pending.waiting import Waiting
from console.queries.changes import Deployment
from console.queries.publishing import NewRecords
from providers.base import Parsed
from schemas.codec import time_us
from schemas.fetches import FetchRequest
from schemas.records import RawDelivery
from schemas.topics import PENDING
from streams.hydrate.policy import given_up
from streams.hydrate.records import records_of, request_record
from streams.pipeline import parse
from streams.steps.hydration import request_for
from streams.steps.origin import MAX_REASON_BYTES
from streams.steps.routing import Routes

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
        self._kafka = deployment.kafka
        self._new = NewRecords(deployment, PENDING)

    def of(self, waiting: Sequence[Waiting], wait_s: float, advance: Advance) -> set[str]:
        """Return the keys of the resources for which none of these deliveries waits any more; waits at most `wait_s`."""
        left: Mapping[str, set[bytes]] = _keys(waiting)
        ended: set[str] = set()
        deadline_s = time.monotonic() + wait_s
        with topic_reader.consumer(self._kafka) as reader:
            while len(ended) < len(left):
                tombstones = {key_of(message) for message in self._new.read(reader) if not value_of(message)}
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


def _keys(waiting: Iterable[Waiting]) -> dict[str, set[bytes]]:
    """Return the keys on `deliveries.pending`, as `schemas.codec.pending_key` makes them, by resource."""
    found: dict[str, set[bytes]] = {}
    for one in waiting:
        keys = found.setdefault(one.resource_key, set())
        keys |= {f"{each.topic}/{each.partition}/{each.offset}".encode() for each in one.deliveries}
    return found

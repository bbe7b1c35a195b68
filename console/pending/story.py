"""The part of a delivery's story while it waits: for what, since when, what was tried, and when it is tried next."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from broker import topic_reader
from broker.topic_reader import Advance, delivery_of
from console.pending.reading import read_waiting
from console.pending.report import TIME, next_text, why_text
from console.pending.waiting import Waiting, WaitingDelivery
from console.queries.changes import Deployment
from schemas.records import RawDelivery

LEAST_TRIED: Final = "not tried yet"


class Held(Struct, frozen=True):
    """A delivery that waits: its record (None once retention has removed it), and the resource that it waits for."""

    delivery: RawDelivery | None
    place: WaitingDelivery
    waiting: Waiting


def held_deliveries(
    deployment: Deployment, app: str, is_meant: Callable[[bytes], bool], advance: Advance
) -> list[Held]:
    """Return the waiting deliveries whose id is meant, oldest first."""
    with topic_reader.consumer(deployment.kafka, deployment.group) as reader:
        found = [
            (one, each)
            for one in read_waiting(deployment, reader, app, advance)
            for each in one.deliveries
            if is_meant(each.delivery_id.encode())
        ]
        records = [topic_reader.record_at(reader, each.topic, each.partition, each.offset) for _, each in found]
    pairs = zip(records, found, strict=True)
    return [Held(None if record is None else delivery_of(record), each, one) for record, (one, each) in pairs]


def waiting_lines(held: Held, now: datetime) -> list[tuple[str, str]]:
    """Return the lines below what was received, each with its style."""
    waiting, count = held.waiting, held.waiting.tries
    tried = LEAST_TRIED if not count else f"{count:,} failed read{'s' if count != 1 else ''}"
    return [
        (f"  waits     since {held.place.since:{TIME}} UTC for a read of {waiting.resource_key}", "yellow"),
        (f"  why       {why_text(waiting, now)}", ""),
        (f"  tried     {tried}; next try: {next_text(waiting, now)}", ""),
        ("            `penstock pending now` does not wait for that, `penstock pending give-up` ends it", "dim"),
    ]


def waiting_fields(held: Held) -> dict[str, Any]:
    """Return the same for a program."""
    return {
        "resource_key": held.waiting.resource_key,
        "since": held.place.since,
        "reason": held.waiting.reason,
        "why": held.waiting.why,
        "tries": held.waiting.tries,
        "next_try": held.waiting.next_try,
    }

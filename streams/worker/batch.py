"""A batch of deliveries, and the plain loop that decides it: from delivery to pipeline, encoder, transaction and tables."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from typing import cast

import structlog
from confluent_kafka import Message
from msgspec import Struct

from broker.errors import Transient
from schemas import codec
from schemas.records import RawDelivery
from schemas.topics import RAW
from streams.errors import Fatal, WorkerError
from streams.pipeline import Result, broken, dead, give_up, process
from streams.state.tables import PartitionTables
from streams.steps.drift import Drift
from streams.steps.hydration import is_fetch
from streams.steps.routing import Routes
from streams.worker.encoder import Encoder, too_large
from streams.worker.metrics import Metrics
from streams.worker.transaction import Transaction

SUSPICIOUS = frozenset({"misnamed", "reused_delivery_id"})  # what no provider sends: altered headers, or ids used twice

log = structlog.get_logger()


class Batch(Struct):
    """Records to decide together, and where the decisions go. `decided` is resolved when all of them are produced.

    A delivery is read from its record only when its turn comes: 2,000 of them at once would not fit the processor's caches.
    `messages` is an iterator, which lets go of the records: the agent's loop keeps the last batch until the next one comes.
    """

    messages: Iterator[Message]
    tables: Mapping[int, PartitionTables]
    transaction: Transaction
    encoder: Encoder
    routes: Routes
    metrics: Metrics
    decided: asyncio.Future[None]


def process_batch(batch: Batch) -> None:
    """Decide every delivery of a batch, in order, and resolve `decided`; a fault in it is raised to the consumer that waits."""
    try:
        for message in batch.messages:
            decide(delivery_of(message), batch)
    except (WorkerError, Transient) as fault:
        batch.decided.set_exception(fault)
    except BaseException as error:  # a bug: the process must end instead of waiting for a decision that never comes
        batch.decided.set_exception(error)
        raise
    else:
        batch.decided.set_result(None)


def decide(delivery: RawDelivery, batch: Batch) -> None:
    """Decide one delivery: produce what follows and store it in the tables' overlays."""
    if delivery.is_old:
        raise Fatal(old_delivery(delivery))
    tables = batch.tables[delivery.partition]
    result = _process(delivery, tables, batch.routes)
    if result.outcome.reason in SUSPICIOUS:
        reason = result.outcome.reason
        log.warning("suspicious_delivery", delivery_id=delivery.delivery_id, source=delivery.source, reason=reason)
    now_us = time.time_ns() // 1000
    records = batch.encoder.records(delivery, result, now_us)
    oversized = too_large(records)
    if oversized is not None:
        detail = f"{oversized.topic} would take a record of {len(oversized.value or b'')} bytes"
        result = _given_up(delivery, tables, dead("too_large", detail))
        records = batch.encoder.records(delivery, result, now_us)
    for drift in result.drifts:
        _note(drift, delivery, batch.metrics)
    produce = batch.transaction.produce
    for out in records:
        produce(out.topic, out.key, out.value, headers=out.headers)
    tables.write(result.writes.seen, result.writes.latest)


def _note(drift: Drift, delivery: RawDelivery, metrics: Metrics) -> None:
    metrics.drifted(delivery, drift)
    log.info(
        "schema_drift",
        source=delivery.source,
        resource=drift.resource_type,
        kind=drift.kind,
        field=drift.field,
        api_version=delivery.api_version,
        delivery_id=delivery.delivery_id,
    )


def _process(delivery: RawDelivery, tables: PartitionTables, routes: Routes) -> Result:
    """Return the decision; a delivery that makes the code fail becomes a dead letter, and the partition goes on."""
    try:
        return process(delivery, tables.view(), routes)
    except WorkerError:  # the tables' disk failed, not the delivery
        raise
    except Exception as error:  # noqa: BLE001  # design section 3, rule 4: one bad delivery must not stop all others
        result = broken(error)
        location = result.outcome.detail
        result = _given_up(delivery, tables, result)
        log.error(
            "delivery_broke_the_code", delivery_id=delivery.delivery_id, source=delivery.source, location=location
        )
        return result


def _given_up(delivery: RawDelivery, tables: PartitionTables, result: Result) -> Result:
    """Return the result of a delivery that is dead; if a read brought it, what waited for the read is dead too."""
    return give_up(delivery, tables.view(), result.outcome) if is_fetch(delivery) else result


def old_delivery(delivery: RawDelivery) -> str:
    """Return why a delivery that version 0.1 received is not decided, and what to do."""
    position = f"{delivery.topic}/{delivery.partition}/{delivery.offset}"
    return (
        f"{position} was received by Penstock 0.1, and its key has no tenant: let the worker of that version decide "
        "everything, then start this one (docs/operations.md, Upgrading)"
    )


def delivery_of(message: Message) -> RawDelivery:
    """Return the delivery that a record of `webhooks.raw` holds."""
    headers = cast("list[tuple[str, bytes | None]] | None", message.headers())
    return codec.raw_delivery(message.key(), message.value(), headers, (message.topic() or RAW, *offset_of(message)))


def offset_of(message: Message) -> tuple[int, int]:
    """Return the partition and the offset of a record that was read."""
    return cast(int, message.partition()), cast(int, message.offset())

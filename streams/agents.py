"""The Faust agents: they decide. What they decide happens when the source commits their batch."""

import time
from collections.abc import AsyncIterable

import structlog

from broker.errors import Transient
from schemas.records import RawDelivery
from streams.errors import WorkerError
from streams.pipeline import Result, broken, dead, process
from streams.state.tables import PartitionTables
from streams.worker.consumer import Batch
from streams.worker.encoder import too_large

SUSPICIOUS = frozenset({"misnamed", "reused_delivery_id"})  # what no provider sends: altered headers, or ids used twice
log = structlog.get_logger()


async def capture(batches: AsyncIterable[Batch]) -> None:
    """Decide every delivery of every batch, in order, and add what follows to the batch's transaction."""
    async for batch in batches:
        try:
            for delivery in batch.deliveries:
                decide(delivery, batch)
        except (WorkerError, Transient) as fault:
            batch.decided.set_exception(fault)
        except BaseException as error:  # a mistake of our own: the process ends, instead of waiting here for ever
            batch.decided.set_exception(error)
            raise
        else:
            batch.decided.set_result(None)


def decide(delivery: RawDelivery, batch: Batch) -> None:
    """Decide one delivery: produce what follows and remember it in the tables' overlays."""
    tables = batch.tables[delivery.partition]
    result = _process(delivery, tables, batch)
    if result.outcome.reason in SUSPICIOUS:
        outcome = result.outcome
        log.warning(
            "suspicious_delivery", delivery_id=delivery.delivery_id, source=delivery.source, reason=outcome.reason
        )
    now_us = time.time_ns() // 1000
    records = batch.encoder.records(delivery, result, now_us)
    oversized = too_large(records)
    if oversized is not None:
        detail = f"{oversized.topic} would take a record of {len(oversized.value or b'')} bytes"
        result = dead("too_large", detail)
        records = batch.encoder.records(delivery, result, now_us)
    produce = batch.transaction.produce
    for out in records:
        produce(out.topic, out.key, out.value, headers=out.headers)
    tables.write(result.writes.seen, result.writes.latest)


def _process(delivery: RawDelivery, tables: PartitionTables, batch: Batch) -> Result:
    """Return the decision; a delivery on which the code itself breaks becomes a dead letter and the partition goes on."""
    try:
        return process(delivery, tables.view(), batch.routes)
    except WorkerError:  # of the tables' disk, not of the delivery
        raise
    except Exception as error:  # noqa: BLE001  # design section 3, rule 4: one bad delivery must not stop all others
        result = broken(error)
        place = result.outcome.detail
        log.error("delivery_broke_the_code", delivery_id=delivery.delivery_id, source=delivery.source, place=place)
        return result

"""Publishes what an ingress that is gone has left in its spool, in the order in which it came.

It is the spool's only user meanwhile: the lock is the ingress's own. A delivery is deleted when Kafka has acknowledged it, up to
500 at once. Killed in between, those are published again by the next run, under the same delivery ids, and dropped downstream.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from msgspec import Struct

from config.model import SPOOL_BYTES
from ingress.delivery.publisher import Published, Publisher, Report, Unpublished
from ingress.delivery.spool_file import Row, SpoolFile, unpack
from ingress.settings import Settings

BATCH, BATCH_BYTES = 500, 8 * 1024 * 1024
PATIENCE_S = 30.0  # without a single acknowledgement; electing a leader takes 2 to 6 s


class Drained(Struct, frozen=True):
    """What became of one spool: deliveries published, still in it, and put aside because Kafka takes no record of their size."""

    file: str
    published: int
    left: int
    refused: int
    reason: str = ""  # why some are left


def drain(path: Path, settings: Settings, patience_s: float = PATIENCE_S) -> Drained:
    """Publish a spool and say how that went; it stops where Kafka does not go on.

    Raises `SpoolHeld` while an ingress uses the spool, `SpoolUnusable` where it cannot be opened, and `ProducerError`.
    """
    file = SpoolFile(path)
    try:
        return asyncio.run(_drained(file, settings, patience_s))
    finally:
        file.close()


async def _drained(file: SpoolFile, settings: Settings, patience_s: float) -> Drained:
    faults: list[str] = []
    # With a spool the producer gives no record up, so none can be overtaken by a later one of its resource. Its own lines
    # would go to a person's screen.
    quiet = replace(settings, spool_bytes=SPOOL_BYTES, kafka={**settings.kafka, "log_level": "0"})
    publisher = Publisher(quiet, faults.append, lambda _: None)
    publisher.start()
    published = 0
    while not faults and (rows := file.rows(0, BATCH, BATCH_BYTES)):
        reports = await _reports(publisher, rows, patience_s)
        taken = [row.seq for row, report in zip(rows, reports, strict=True) if isinstance(report, Published)]
        file.change([], taken)
        published += len(taken)
        too_large = [row for row, report in zip(rows, reports, strict=True) if _is_too_large(report)]
        for row in too_large:
            file.refuse(row.seq, "record_too_large")
        if len(taken) + len(too_large) < len(rows):
            faults += [report.detail for report in reports if isinstance(report, Unpublished)][:1]
            faults.append(f"Kafka has acknowledged nothing for {patience_s:g} s")
    publisher.producer.purge(blocking=False)  # else the end of the process waits for what Kafka does not take
    depth = file.depth()
    reason = faults[0] if faults and depth.deliveries else ""
    return Drained(file.path.name, published, depth.deliveries, depth.refused, reason)


async def _reports(publisher: Publisher, rows: Sequence[Row], patience_s: float) -> list[Report | None]:
    """Hand rows over and return what Kafka says of each, None where it has said nothing while nothing else moved either."""
    futures = [publisher.enqueue(row.key, row.value, unpack(row.headers)) for row in rows]
    late = {future for future in futures if not future.done()}
    while late:
        done, late = await asyncio.wait(late, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            break
    return [future.result() if future.done() else None for future in futures]


def _is_too_large(report: Report | None) -> bool:
    return isinstance(report, Unpublished) and report.reason == "record_too_large"

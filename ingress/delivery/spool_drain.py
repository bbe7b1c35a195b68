"""Publishes the spool that a stopped ingress left, in order of arrival.

It holds the ingress's own lock, so nothing else uses the spool. Deliveries are deleted after Kafka has acknowledged them, up to
500 at once. If it is killed in between, the next run publishes those again, under the same delivery ids: dropped downstream.
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
STALL_TIMEOUT_S = 30.0  # without a single acknowledgement; electing a leader takes 2 to 6 s


class Drained(Struct, frozen=True):
    """The result of a drain: deliveries published, left in the spool, and refused because Kafka takes no record of their size."""

    file: str
    published: int
    left: int
    refused: int
    reason: str = ""  # why some are left


def drain(path: Path, settings: Settings, stall_timeout_s: float = STALL_TIMEOUT_S) -> Drained:
    """Publish a spool and return the result; stop when Kafka no longer acknowledges.

    Raises `SpoolHeld` while an ingress uses the spool, `SpoolUnusable` if it cannot be opened, and `ProducerError`.
    """
    file = SpoolFile(path)
    try:
        return asyncio.run(_drained(file, settings, stall_timeout_s))
    finally:
        file.close()


async def _drained(file: SpoolFile, settings: Settings, stall_timeout_s: float) -> Drained:
    faults: list[str] = []
    # With a spool the producer expires no record, so a later one of the same resource cannot overtake it. No log: it would go to
    # the operator's terminal.
    quiet = replace(settings, spool_bytes=SPOOL_BYTES, kafka={**settings.kafka, "log_level": "0"})
    publisher = Publisher(quiet, faults.append, lambda _: None)
    publisher.start()
    published = 0
    while not faults and (rows := file.rows(0, BATCH, BATCH_BYTES)):
        reports = await _reports(publisher, rows, stall_timeout_s)
        taken = [row.seq for row, report in zip(rows, reports, strict=True) if isinstance(report, Published)]
        file.change([], taken)
        published += len(taken)
        too_large = [
            row
            for row, report in zip(rows, reports, strict=True)
            if isinstance(report, Unpublished) and report.reason == "record_too_large"
        ]
        for row in too_large:
            file.refuse(row.seq, "record_too_large")
        if len(taken) + len(too_large) < len(rows):
            faults += [report.detail for report in reports if isinstance(report, Unpublished)][:1]
            faults.append(f"Kafka has acknowledged nothing for {stall_timeout_s:g} s")
    publisher.producer.purge(
        blocking=False
    )  # otherwise the process would wait at exit for records that Kafka does not take
    depth = file.depth()
    reason = faults[0] if faults and depth.deliveries else ""
    return Drained(file.path.name, published, depth.deliveries, depth.refused, reason)


async def _reports(publisher: Publisher, rows: Sequence[Row], stall_timeout_s: float) -> list[Report | None]:
    """Enqueue rows and return the report on each, None for those left when no report came for `stall_timeout_s`."""
    futures = [publisher.enqueue(row.key, row.value, unpack(row.headers)) for row in rows]
    late = {future for future in futures if not future.done()}
    while late:
        done, late = await asyncio.wait(late, timeout=stall_timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            break
    return [future.result() if future.done() else None for future in futures]

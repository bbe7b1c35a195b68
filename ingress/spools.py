"""Which spool belongs to a process: that of its port and slot, so that a restart finds what it left.

    <directory>/8080.sqlite      slot 0 of port 8080, also without --workers
    <directory>/8080-1.sqlite    slot 1

Slot 0 also takes over the spools of slots that no longer exist since --workers was lowered.
"""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import structlog
from msgspec.structs import replace

from ingress.delivery.spool import Spool
from ingress.delivery.spool_file import Row, SpoolFile, SpoolHeld
from ingress.observability.metrics import Metrics
from ingress.processes import Slot
from ingress.settings import Settings

HELD_S = 10.0  # As long as the processes of a killed parent need to drain and end.
POLL_S = 0.1
BATCH, BATCH_BYTES = 500, 8 * 1024 * 1024
_NAME = re.compile(r"(\d+)(?:-(\d+))?\.sqlite")

T = TypeVar("T")
log = structlog.get_logger("ingress")


def opened_spool(settings: Settings, port: int, slot: Slot) -> Spool | None:
    """Return the spool of a port's slot, None where there is none; raise `SpoolUnusable` where it cannot be opened.

    The bound is for the port: each slot has its share.
    """
    directory = settings.spool_directory
    if directory is None:
        return None
    path = directory / (f"{port}.sqlite" if slot.number == 0 else f"{port}-{slot.number}.sqlite")
    if slot.number == 0:
        orphaned = list(_orphaned(directory, port, slot.processes))
        if orphaned:
            _unheld(lambda: take_over(orphaned, path))
        _note_others(directory, port)
    limit_bytes = settings.spool_bytes // slot.processes
    if slot.processes == 1:
        return Spool(path, limit_bytes)
    return _unheld(lambda: Spool(path, limit_bytes))


def take_over(orphaned: list[Path], path: Path) -> None:
    """Move the deliveries of other spools behind those of one, and remove what is empty then.

    Killed in between, a batch may lie in both and be published twice, under the same delivery ids. What Kafka refused
    stays where it is, for people to look at.
    """
    into = SpoolFile(path)
    try:
        for orphan in orphaned:
            taken = _take_over(orphan, into)
            log.info("spool_taken_over", file=str(orphan), deliveries=taken)
    finally:
        into.close()


def watch_spool(metrics: Metrics, spool: Spool) -> None:
    """Show a spool among the metrics."""
    metrics.watch("penstock_spool_deliveries", "Deliveries in the spool.", lambda: spool.deliveries)
    metrics.watch("penstock_spool_bytes", "Bytes of the deliveries in the spool.", lambda: spool.bytes)
    metrics.watch("penstock_spool_limit_bytes", "ingress.spool_bytes.", lambda: spool.limit_bytes)
    metrics.watch("penstock_spool_oldest_age_seconds", "Age of the oldest delivery in the spool.", spool.oldest_age_s)
    metrics.watch("penstock_spool_refused", "Deliveries put aside: Kafka will never take them.", lambda: spool.refused)
    metrics.watch_count("penstock_spool_spooled", "Deliveries written to the spool.", lambda: spool.spooled)
    metrics.watch_count("penstock_spool_drained", "Deliveries gone from the spool to Kafka.", lambda: spool.drained)


def _take_over(orphan: Path, into: SpoolFile) -> int:
    source = SpoolFile(orphan)
    try:
        seq = first_seq = into.depth().last_seq + 1
        while rows := source.rows(0, BATCH, BATCH_BYTES):
            into.change(_renumbered(rows, seq), [])
            source.change([], [row.seq for row in rows])
            seq += len(rows)
        is_empty = source.depth().refused == 0
    finally:
        source.close()
    if is_empty:
        for suffix in (".sqlite", ".sqlite-wal", ".sqlite-shm", ".lock"):
            orphan.with_suffix(suffix).unlink(missing_ok=True)
    return seq - first_seq


def _renumbered(rows: list[Row], first_seq: int) -> list[Row]:
    return [replace(row, seq=first_seq + place) for place, row in enumerate(rows)]


def _orphaned(directory: Path, port: int, processes: int) -> Iterator[Path]:
    for path in sorted(directory.glob("*.sqlite")):
        known = _NAME.fullmatch(path.name)
        if known and int(known[1]) == port and int(known[2] or 0) >= processes:
            yield path


def _note_others(directory: Path, port: int) -> None:
    for path in sorted(directory.glob("*.sqlite")):
        known = _NAME.fullmatch(path.name)
        if known is None or int(known[1]) != port:
            log.info("other_spool", file=str(path), advice="penstock spool shows it; its port's process publishes it")


def _unheld(open_spool: Callable[[], T]) -> T:
    """Open what the last processes of a killed parent may still hold: they need some seconds to drain."""
    deadline = time.monotonic() + HELD_S
    while True:
        try:
            return open_spool()
        except SpoolHeld:
            if time.monotonic() > deadline:
                raise
        time.sleep(POLL_S)

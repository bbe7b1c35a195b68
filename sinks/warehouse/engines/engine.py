"""What the loader needs of an engine."""

from pathlib import Path
from typing import Final, Protocol

from msgspec import Struct

from sinks.warehouse.rows.batch import Batch, Offsets, Partition


class TableStatus(Struct, frozen=True):
    """One table: its rows, the deleted ones among them, and when its newest change was emitted and written."""

    schema: str
    table: str
    rows: int
    deleted: int
    newest: str | None
    synced: str | None


class Compaction(Struct, frozen=True):
    """What a compaction did: how many files of data, or of what else an engine keeps, there were before and after it."""

    files_before: int
    files_after: int
    unit: str = "files of data"


class Warehouse(Protocol):
    """Keeps rows. Rows and offsets are committed together, so a batch is applied whole or not at all."""

    def offsets(self) -> dict[Partition, int]:
        """Return the stored offset of each partition: that of the next record to read."""

    def apply(self, batch: Batch) -> None:
        """Write a batch in one transaction; raise `Refused`, `Fenced` or `Unavailable`."""

    def reopen(self) -> None:
        """Drop every connection, after `Unavailable`; the next call opens a new one."""

    def compact(self, keep_s: float) -> Compaction:
        """Rewrite small files and drop what no snapshot of the last `keep_s` seconds needs."""

    def backup(self, target: Path) -> None:
        """Write a copy that can be opened as a warehouse into an empty folder."""

    def empty(self) -> None:
        """Remove all rows and offsets in one transaction, and note `REBUILD`; what is rebuilt beside itself refuses."""

    def filled(self) -> None:
        """Take the note `REBUILD` away: everything is loaded again."""

    def close(self) -> None:
        """Release the warehouse."""


REBUILD: Final[Partition] = ("_rebuild", 0)
"""The offset that stands for a rebuild which has begun: a killed one goes on, and the loader refuses what is not complete."""


def expected_offsets(stored: Offsets, batch: Batch) -> bool:
    """Say whether the stored offsets are those that a batch follows."""
    return all(stored.get(partition) == batch.starts.get(partition) for partition in batch.ends)

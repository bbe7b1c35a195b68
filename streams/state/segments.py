"""The table *seen* in time segments, so that old rows are removed by unlinking files, not deleted one by one.

A segment is a column family that holds the rows written until its end. The time of a row is that of its delivery on
`webhooks.raw`, or the latest before it on that partition. It never decreases, so a row's newest copy is always in the newest
segment that has the key. The changelog record carries the same time, so a restore fills the same segments.

A lookup of a missing version reads every segment (2 to 3 us each, all of it call overhead), so there are few segments: each
spans half of the retention in days. At most three are open, and rows are kept for one to one and a half times the retention
(decision 0013).
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import structlog

from streams.state.rocksdb_store import Store

PER_WINDOW: Final = 2
_PREFIX: Final = "seen-"

Get = Callable[[bytes], bytes | None]

log = structlog.get_logger()


class Segments:
    """The segments of one partition, in the order of their ends."""

    def __init__(self, store: Store, kept_ms: int) -> None:
        self._store = store
        self._kept_ms = kept_ms
        self._length_ms = max(1, kept_ms // PER_WINDOW)
        self._gets: list[Get] = []
        self._ends = sorted(int(name.removeprefix(_PREFIX)) for name in store.columns if name.startswith(_PREFIX))
        self._changed()

    def get(self, key: bytes) -> bytes | None:
        """Return the newest row under a key, None if no segment has one."""
        for get in self._gets:
            row = get(key)
            if row is not None:
                return row
        return None

    def handle(self, time_ms: int) -> Any:
        """Return the handle that a batch needs to write rows of a time, which is never before that of existing rows."""
        if not self._ends or self._ends[-1] <= time_ms:
            end = (time_ms // self._length_ms + 1) * self._length_ms
            self._store.add(_name(end))
            self._ends.append(end)
            self._changed()
        return self._store.handle(_name(self._ends[-1]))

    def delete(self, batch: Any, key: bytes) -> None:
        """Add the deletion of a key from every segment to a batch."""
        for name in self.names():
            batch.delete(key, self._store.handle(name))

    def drop_old(self, time_ms: int) -> None:
        """Drop the segments whose last row is older than the retention."""
        while self._ends and self._ends[0] + self._kept_ms <= time_ms:
            self._gets.clear()  # RocksDB unlinks the files only once no reader is left
            self._store.remove(_name(self._ends[0]))
            log.info("seen_segment_dropped", directory=str(self._store.directory), until_ms=self._ends.pop(0))
            self._changed()

    def names(self) -> list[str]:
        """Return the column families, oldest first."""
        return [_name(end) for end in self._ends]

    def rows(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield all rows; for a key in several segments the newest row comes last."""
        for name in self.names():
            yield from self._store.columns[name].items()

    def close(self) -> None:
        """Release the column families."""
        self._gets.clear()

    def _changed(self) -> None:
        self._gets = [self._store.columns[name].get for name in reversed(self.names())]


def _name(end_ms: int) -> str:
    return f"{_PREFIX}{end_ms}"

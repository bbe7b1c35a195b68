"""The initial states of resources in raw partitions that retention has truncated, for a replay (decision 0012).

The earlier history of such a resource is missing. Its initial row is the `before` of its first change in the topic, and
deliveries before that change are not judged. Without such a change it is the row stored now.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from schemas import codec
from schemas.records import Document, LatestState
from schemas.topics import RAW

_NEVER: Final = 2**62  # an offset beyond all: no change in the topic shows the whole document


class _Start(Struct, frozen=True, array_like=True):
    """The first change of a resource in the raw topic, with the document before it."""

    partition: int
    offset: int
    before: bytes | None


_pack = msgspec.msgpack.Encoder().encode
_start = msgspec.msgpack.Decoder(_Start).decode


class TruncatedLog:
    """Initial states, kept in two columns of a store: `starts`, and `rows`, the rows stored now.

    `firsts` maps each raw partition that retention has truncated to its first remaining offset.
    """

    def __init__(self, starts: Any, rows: Any, firsts: Mapping[int, int]) -> None:
        self._starts = starts
        self._rows = rows
        self._firsts = firsts

    def is_cut(self, partition: int) -> bool:
        """Say whether the earlier history of a partition's resources is missing."""
        return partition in self._firsts

    def covers(self, record: Document) -> bool:
        """Say whether the delivery of a change is still in the raw topic."""
        source = record["source"]
        return bool(source["topic"] == RAW and source["offset"] >= self._firsts.get(source["partition"], 0))

    def add_change(self, record: Document, *, is_whole: bool) -> None:
        """Load an emitted change; `is_whole` if no route projected it."""
        partition, offset = record["source"]["partition"], record["source"]["offset"]
        if not self.is_cut(partition):
            return
        before = record["before"].encode() if is_whole and record["before"] is not None else None
        start, key = _Start(partition, offset if is_whole else _NEVER, before), record["resource_key"].encode()
        known = self._starts.get(key)
        if known is None or start.offset < _start(known).offset:
            self._starts[key] = _pack(start)

    def unknown_at(self, keys: Iterable[bytes], partition: int, offset: int) -> frozenset[str]:
        """Return the resources whose known history starts at a later change."""
        if not self.is_cut(partition):
            return frozenset()
        starts = {key: self._starts.get(key) for key in keys}
        return frozenset(
            key.decode() for key, start in starts.items() if start is not None and offset < _start(start).offset
        )

    def is_unknown(self, key: bytes) -> bool:
        """Say whether no change in the topic shows the whole document of a resource."""
        start = self._starts.get(key)
        return start is not None and _start(start).offset == _NEVER

    def document(self, key: bytes) -> bytes | None:
        """Return the document of a resource before its first change in the topic."""
        start = self._starts.get(key)
        return None if start is None else _start(start).before

    def row(self, key: bytes, partition: int) -> bytes | None:
        """Return the initial row of *latest* of a resource."""
        start = self._starts.get(key)
        if start is None or self.is_unknown(key):
            stored: bytes | None = self._rows.get(key)
            return stored
        before = _start(start).before
        if before is None or _start(start).partition != partition:
            return None
        return codec.encode_row(LatestState(None, None, b"", before))


class TruncatedStart:
    """The table *latest* of a truncated partition: a missing row is the initial row."""

    def __init__(self, latest: Any, truncated_log: TruncatedLog, partition: int) -> None:
        self._latest = latest
        self._truncated_log = truncated_log
        self._partition = partition

    def get(self, key: bytes, /) -> bytes | None:
        """Return the row under a key."""
        row: bytes | None = self._latest.get(key)
        return self._truncated_log.row(key, self._partition) if row is None else row

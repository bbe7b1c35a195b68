"""What is stored of every resource, and what a list has shown of it so far: on this machine's disk, made anew by each process.

The rows come from the changelog of *latest*, which lies on all partitions while an account's resources do too. It is read whole
once, then only what is new. It may lag behind the tables: then a resource is read in vain, which changes nothing.
"""

import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import rocksdict
from confluent_kafka import Message

from broker import topic_reader
from broker.topic_reader import Range, key_of, offset_of, partition_of
from providers.listing import Listed
from schemas.codec import decode_latest
from schemas.records import NO_RESOURCE, key_parts, resource_key
from streams.reconcile.absences import most_absent, question
from streams.reconcile.comparison import Stored, is_absent, stored_of
from streams.reconcile.walks import Absent
from streams.state.rocksdb_store import Home, Store, clear, judging

BATCH: Final = 2_000
MOST_ASKED: Final = 50_000  # absent resources that one run looks for, once a person has agreed
_ROWS, _IDS = "rows", "ids"
_SEEN, _ASKED = "seen", "asked"
_row = struct.Struct(">qB")
_NO_TIME: Final = -(2**63)

Kind = tuple[str, str, str, str]
"""Provider, source, tenant, resource type."""


class Index:
    """The resources of one pipeline. `kinds` counts those that live, by kind; a kind stays when its last one is gone."""

    def __init__(self, kafka: Mapping[str, str], changelog: str, directory: Path) -> None:
        self._kafka, self._changelog = kafka, changelog
        clear(directory)
        self._store = Store(Home(directory, "reconcile", 0, 0), (_ROWS, _IDS))
        self._next: dict[int, int] = {}
        self.kinds: Counter[Kind] = Counter()

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def refresh(self) -> None:
        """Read what was stored since the last time."""
        with topic_reader.consumer(self._kafka) as reader:
            found = topic_reader.ranges(reader, self._changelog)
            left = [
                Range(one.topic, one.partition, max(one.low, self._next.get(one.partition, 0)), one.high)
                for one in found
            ]
            batch: dict[bytes, Stored | None] = {}
            for message in topic_reader.read(reader, left):
                _take(message, batch)
                self._next[partition_of(message)] = offset_of(message) + 1
                if len(batch) >= BATCH:
                    self._write(batch)
                    batch = {}
            self._write(batch)
            self._next.update({one.partition: one.high for one in found})

    def stored(self, key: str) -> Stored | None:
        """Return what is stored of a resource."""
        return self._stored(key.encode())

    def types(self, provider: str, source: str) -> frozenset[str]:
        """Return the resource types of a source of which anything is or was stored."""
        return frozenset(kind[3] for kind in self.kinds if kind[:2] == (provider, source))

    def tenants(self, provider: str, source: str) -> frozenset[str]:
        """Return the tenants of a source of which anything is or was stored."""
        return frozenset(kind[2] for kind in self.kinds if kind[:2] == (provider, source))

    # --- what the pages of a walk have shown, and what was asked for

    def saw(self, walk: str, keys: Iterable[str]) -> None:
        """Note what a page of a walk shows."""
        self._note(_SEEN, walk, keys)

    def asked(self, walk: str, keys: Iterable[str]) -> None:
        """Note what a walk asks to be read."""
        self._note(_ASKED, walk, keys)

    def is_asked(self, walk: str, key: str) -> bool:
        """Say whether a walk has asked for a resource; a log of events shows it on several pages, and one read is enough."""
        with judging(self._store.directory):
            return _mark(_ASKED, walk, key) in self._store.columns[_IDS]

    def forget(self, walk: str) -> None:
        """Forget a walk that has ended."""
        batch, handle = rocksdict.WriteBatch(raw_mode=True), self._store.handle(_IDS)
        for kind in (_SEEN, _ASKED):
            start = _mark(kind, walk, "")
            batch.delete_range(start, start + b"\xff", handle)
        self._store.write_unlogged(batch)

    def absent(self, walk: str, kind: Kind, started_us: int, *, is_agreed: bool) -> Absent:
        """Return what is stored of a kind, is older than a walk, and was on none of its pages."""
        seen, count, ids = self._store.columns[_IDS], 0, list[str]()
        most = MOST_ASKED if is_agreed else most_absent(self.kinds[kind])
        for key, stored in self._rows_of(kind):
            if is_absent(stored, started_us) and _mark(_SEEN, walk, "") + key not in seen:
                count += 1
                if len(ids) < most:
                    ids.append(key_parts(key.decode()).resource_id)
        asked = "" if is_agreed else question(count, self.kinds[kind], kind[3])
        return Absent(count, self.kinds[kind], () if asked else ids, asked)

    def _note(self, kind: str, walk: str, keys: Iterable[str]) -> None:
        batch, handle = rocksdict.WriteBatch(raw_mode=True), self._store.handle(_IDS)
        for key in keys:
            batch.put(_mark(kind, walk, key), b"", handle)
        self._store.write_unlogged(batch)

    def _rows_of(self, kind: Kind) -> Iterator[tuple[bytes, Stored]]:
        start = resource_key(*kind, "").encode()
        with judging(self._store.directory):
            for key, row in self._store.columns[_ROWS].items(from_key=start):
                if not key.startswith(start):
                    return
                yield key, _decoded(row)

    def _stored(self, key: bytes) -> Stored | None:
        with judging(self._store.directory):
            row = self._store.columns[_ROWS].get(key)
        return None if row is None else _decoded(row)

    def _write(self, rows: Mapping[bytes, Stored | None]) -> None:
        batch, handle = rocksdict.WriteBatch(raw_mode=True), self._store.handle(_ROWS)
        for key, stored in rows.items():
            before, parts = self._stored(key), key_parts(key.decode(errors="replace"))
            self.kinds[parts[:4]] += _lives(stored) - _lives(before)
            if stored is None:
                batch.delete(key, handle)
            else:
                batch.put(key, _encoded(stored), handle)
        self._store.write_unlogged(batch)


def listed_key(kind: Kind, listed: Listed) -> str:
    """Return the key of a listed resource of an account."""
    return resource_key(*kind[:3], listed.resource_type, listed.resource_id)


def _mark(kind: str, walk: str, key: str) -> bytes:
    return f"{kind}\0{walk}\0{key}".encode()


def _take(message: Message, batch: dict[bytes, Stored | None]) -> None:
    key, value = key_of(message), message.value()
    if key.startswith(NO_RESOURCE):
        return
    batch[key] = None if value is None else stored_of(decode_latest(topic_reader.value_of(message)))


def _lives(stored: Stored | None) -> int:
    return int(stored is not None and not stored.is_deleted)


def _encoded(stored: Stored) -> bytes:
    at_us = _NO_TIME if stored.at_us is None else stored.at_us
    return _row.pack(at_us, stored.is_deleted | stored.is_whole << 1)


def _decoded(row: bytes) -> Stored:
    at_us, flags = _row.unpack(row)
    return Stored(None if at_us == _NO_TIME else at_us, bool(flags & 1), bool(flags & 2))

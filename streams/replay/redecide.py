"""Decides stored deliveries again with the current code and compares the results with the original decisions.

It does not depend on Kafka. The caller passes in the original results (`add_*`), then every delivery in partition order
(`decide`), and then reads the resources whose documents at consumers are wrong (`wrong_states`). All state is in one
RocksDB in its own directory, so memory stays bounded however much is replayed. Decision 0012.
"""

import struct
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from schemas import codec
from schemas.records import Correction, Document, LatestState, RawDelivery, key_parts
from streams.pipeline import Result, Tables, broken, process
from streams.replay.differences import Decided, DeliveryDifference, Event, StateDifference, compared, events_of
from streams.replay.truncated_log import TruncatedLog, TruncatedStart
from streams.state.rocksdb_store import Home, Store
from streams.steps import waiting
from streams.steps.child_index import Rows
from streams.steps.correction import is_correction
from streams.steps.diff import diff
from streams.steps.routing import RoutedChange, Routes

QUIET: Final = frozenset({"duplicate", "stale", "unchanged", "filtered"})
_FAMILIES: Final = ("outcomes", "events", "starts", "names", "right", "state", "former", "row", "latest", "seen")
_position = struct.Struct(">iq").pack
_pack = msgspec.msgpack.Encoder().encode


class Window(Struct, frozen=True):
    """The deliveries to compare: those received since a time, of one source or of all."""

    since: datetime
    source: str | None = None

    def holds(self, received_at: datetime, source: str) -> bool:
        """Say whether a delivery is compared."""
        return received_at >= self.since and self.source in {None, source}


class Tally(Struct):
    """The numbers of deliveries that were decided again, compared, are corrections, or could not be judged."""

    decided: int = 0
    compared: int = 0
    corrections: int = 0
    unjudged: int = 0


class _Name(Struct, frozen=True, array_like=True):
    """A compared resource, with the raw partition and event type of the last delivery that changed it."""

    partition: int
    event_type: str
    resource_type: str
    resource_id: str
    parent_key: str | None


class _Right(Struct, frozen=True, array_like=True):
    """The document that consumers should have, the event type of the delivery that showed it, and its volatile fields."""

    document: bytes | None
    event_type: str = ""
    volatile: frozenset[str] = frozenset()


_outcome = msgspec.msgpack.Decoder(tuple[str, str, str]).decode
_events = msgspec.msgpack.Decoder(tuple[Event, ...]).decode
_name = msgspec.msgpack.Decoder(_Name).decode
_right = msgspec.msgpack.Decoder(_Right).decode


class Replay:
    """One replay. `firsts` maps each raw partition that retention has truncated to its first remaining offset."""

    def __init__(self, directory: Path, routes: Routes, window: Window, firsts: Mapping[int, int]) -> None:
        self._store = Store(Home(directory, "replay", 0, 0), _FAMILIES)
        columns = self._store.columns
        self._outcomes, self._events, self._names = columns["outcomes"], columns["events"], columns["names"]
        self._right, self._state, self._row = columns["right"], columns["state"], columns["row"]
        self._seen, self._latest, self._former = columns["seen"], columns["latest"], columns["former"]
        self._pauses, self._has_children = routes.pauses, routes.children
        self._paused_sources = {source for source, _, _ in routes.paused}
        self._routes = replace(routes, paused=frozenset())  # deliveries held by a pause are known from the outcomes
        self._window = window
        self._truncated_log = TruncatedLog(columns["starts"], self._row, firsts)
        self._agreed: set[bytes] = set()  # both are bounded by what the workers decide during the replay
        self._moved: set[bytes] = set()
        self.tally = Tally()

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    # --- original decisions

    def add_outcome(self, record: Document) -> None:
        """Load a record of `deliveries.outcomes`; of several for one delivery the last counts."""
        if self._window.holds(record["received_at"], record["source"]):
            known = (record["delivery_id"], record["outcome"], record["reason"])
            self._outcomes[_position(record["partition"], record["offset"])] = _pack(known)

    def add_change(self, topic: str, record: Document, *, is_whole: bool) -> None:
        """Load an emitted change; `is_whole` if no route projected it."""
        if not self._truncated_log.covers(record):
            return
        self._truncated_log.add_change(record, is_whole=is_whole)
        source, key = record["source"], record["resource_key"]
        if self._window.holds(record["received_at"], source["source"]):
            after = None if record["after"] is None else record["after"].encode()
            event = Event(topic, record["event_id"], record["op"], key, tuple(record["changed"]), after)
            position = _position(source["partition"], source["offset"])
            known = self._events.get(position)
            self._events[position] = _pack((*(() if known is None else _events(known)), event))
            named = (source["event_type"], record["resource_type"], record["resource_id"], record["parent_key"])
            self._names[key.encode()] = _pack(_Name(source["partition"], *named))

    def add_row(self, key: bytes, row: bytes | None) -> None:
        """Load a record of the changelog of *latest*.

        Load all of them before the first state. A correction applies only while the row is the one that was read. If the row is
        older than the state, the correction is stale; if it were newer, a correction could start from an outdated document.
        """
        _put(self._row, key, row)

    def add_state(self, topic: str, key: bytes, document: bytes | None) -> None:
        """Load a record of `state.*`: the document of a resource at consumers.

        If a resource type has gained or lost its own topics since, its documents remain on the former topic, where nothing
        replaces or deletes them any more. They count only for resources that have not changed since.
        """
        named = key_parts(key.decode())
        is_former = topic != self._routes.state_topic(named.provider, named.source, named.resource_type)
        _put(self._former if is_former else self._state, key, document)

    # --- replayed decisions

    def decide(self, delivery: RawDelivery, *, is_moving: bool = False) -> DeliveryDifference | None:
        """Decide the next delivery of a partition again and return the difference from the original decision.

        `is_moving`: it may have been decided while the originals were read, so the result may be missing from them.
        """
        self.tally.decided += 1
        was = self._was(delivery)
        if is_correction(delivery):
            self.tally.corrections += 1
            self._take_correction(delivery)
            return None
        if was is not None and self._is_taken_over(was, delivery):
            return None
        result = self._decided(delivery)
        unjudged = self._truncated_log.unknown_at(result.writes.latest, delivery.partition, delivery.offset)
        self._store_result(result, delivery, unjudged, is_moving)
        if result.outcome.outcome == "pending":  # its changes are those of the read that answers it, which is compared
            return None
        if not self._window.holds(delivery.received_at, delivery.source) or (was is None and is_moving):
            return None
        return self._judged(delivery, was, result, unjudged)

    def wrong_states(self) -> Iterator[StateDifference]:
        """Yield the resources with wrong documents at consumers, among those changed within the window on either side."""
        for key, packed in self._names.items():
            name, have, right = _name(packed), self._have(key), self._right_of(key)
            if not self._is_left(key, name, right) and not _is_same(have, right):
                yield self._wrong(key.decode(), name, have, right)

    def unsettled(self) -> int:
        """Return the number of resources that changed while the originals were read and had wrong documents at consumers."""
        return sum(not self._is_right(key) for key in self._moved - self._agreed)

    # --- helpers

    def _have(self, key: bytes) -> bytes | None:
        """Return the document of a resource at consumers."""
        state: bytes | None = self._state.get(key)
        former: bytes | None = self._former.get(key) if state is None else None
        if former is None:
            return state
        row = self._row.get(key)  # compaction removes tombstones after a while; the row still shows the deletion
        return None if row is not None and codec.decode_latest(row).is_deleted else former

    def _was(self, delivery: RawDelivery) -> Decided | None:
        position = _position(delivery.partition, delivery.offset)
        known = self._outcomes.get(position)
        if known is None:
            return None
        known_id, outcome, reason = _outcome(known)
        if known_id != delivery.delivery_id:  # of an earlier topic of the same name
            return None
        events = self._events.get(position)
        return Decided(outcome, reason, () if events is None else _events(events))

    def _is_taken_over(self, was: Decided, delivery: RawDelivery) -> bool:
        """Say whether to keep the original decision: its records were too large, or an active pause held the delivery."""
        return was.reason == "too_large" or (was.reason == "paused" and delivery.source in self._paused_sources)

    def _decided(self, delivery: RawDelivery) -> Result:
        is_cut = self._truncated_log.is_cut(delivery.partition)
        latest = TruncatedStart(self._latest, self._truncated_log, delivery.partition) if is_cut else self._latest
        try:
            return process(delivery, Tables(self._seen, latest), self._routes)
        except Exception as error:  # noqa: BLE001  # as in the worker: one bad delivery must not stop all others
            return broken(error)

    def _store_result(self, result: Result, delivery: RawDelivery, unjudged: frozenset[str], is_moving: bool) -> None:
        for key, row in result.writes.seen.items():
            self._seen[key] = row
        for key, row in result.writes.latest.items():
            if key.decode() not in unjudged:
                self._latest[key] = row
        for routed in result.routed_changes:
            if routed.change.resource_key not in unjudged:
                self._store_change(routed, delivery, is_moving)

    def _store_change(self, routed: RoutedChange, delivery: RawDelivery, is_moving: bool) -> None:
        change, key = routed.change, routed.change.resource_key.encode()
        right = _Right(change.after, delivery.event_type, routed.volatile)
        if is_moving:
            (self._agreed if self._is_right(key) else self._moved).add(key)
        self._right[key] = _pack(right)
        if self._window.holds(delivery.received_at, delivery.source):
            named = (change.resource_type, change.resource_id, change.parent_key)
            self._names[key] = _pack(_Name(delivery.partition, delivery.event_type, *named))

    def _judged(
        self, delivery: RawDelivery, was: Decided | None, result: Result, unjudged: frozenset[str]
    ) -> DeliveryDifference | None:
        events = tuple(event for event in events_of(result) if event.resource_key not in unjudged)
        would_be = Decided(result.outcome.outcome, result.outcome.reason, events)
        if unjudged or self._is_beyond(delivery, was, would_be):
            self.tally.unjudged += 1
            return None
        self.tally.compared += 1
        return compared(delivery, was, would_be)

    def _is_beyond(self, delivery: RawDelivery, was: Decided | None, would_be: Decided) -> bool:
        """Say whether two decisions differ only in why nothing was emitted, which depends on rows older than the raw topic."""
        if was is None or was == would_be or not self._truncated_log.is_cut(delivery.partition):
            return False
        return {was.outcome, would_be.outcome} <= QUIET

    def _take_correction(self, delivery: RawDelivery) -> None:
        """Ignore a correction, because it came from a replay like this one, unless its deliveries are no longer available."""
        if self._truncated_log.is_cut(delivery.partition) and self._right.get(delivery.key.encode()) is None:
            result = self._decided(delivery)
            for key, row in result.writes.latest.items():
                self._latest[key] = row
            for routed in result.routed_changes:
                self._right[routed.change.resource_key.encode()] = _pack(_Right(routed.change.after))

    def _is_right(self, key: bytes) -> bool:
        return _is_same(self._have(key), self._right_of(key))

    def _right_of(self, key: bytes) -> _Right:
        right = self._right.get(key)
        return _Right(self._truncated_log.document(key)) if right is None else _right(right)

    def _is_left(self, key: bytes, name: _Name, right: _Right) -> bool:
        """Say whether a resource is not corrected.

        It changed during the replay, its history is unknown, it waits for a read, it is paused, or it is a child missing only
        because children are disabled.
        """
        if key in self._agreed or key in self._moved or self._truncated_log.is_unknown(key):
            return True
        if waiting.listed(key.decode(), Rows(self._latest.get, {})):
            return True
        owner = key_parts(key.decode())
        is_paused = self._pauses(owner.source, owner.tenant, name.resource_type)
        return is_paused or (right.document is None and name.parent_key is not None and not self._has_children)

    def _wrong(self, key: str, name: _Name, have: bytes | None, right: _Right) -> StateDifference:
        row, stored = self._latest.get(key.encode()), self._row.get(key.encode())
        state = LatestState(None, None, b"", None) if row is None else codec.decode_latest(row)
        owner = key_parts(key)
        parent = None if name.parent_key is None else key_parts(name.parent_key)
        correction = Correction(
            name.resource_type,
            name.resource_id,
            None if parent is None else (parent.resource_type, parent.resource_id),
            right.event_type or name.event_type,
            "" if stored is None else codec.decode_latest(stored).event_id,
            None if have is None else have.decode(),
            None if right.document is None else right.document.decode(),
            codec.us_time(state.version_us),
            codec.us_time(state.event_time_us),
            state.state_rank,
            tuple(sorted(right.volatile)),
        )
        return StateDifference(key, owner.provider, owner.source, owner.tenant, name.partition, correction)


def _is_same(have: bytes | None, right: _Right) -> bool:
    """Say whether consumers have the right document, apart from formatting and values of volatile fields."""
    if have is None or right.document is None:
        return have is right.document
    return have == right.document or not diff(have, right.document, right.volatile)


def _put(column: Any, key: bytes, value: bytes | None) -> None:
    if value is None:
        del column[key]
    else:
        column[key] = value

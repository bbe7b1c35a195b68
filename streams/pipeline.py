"""The core: one pure function from a delivery and the stored state to an outcome, events and table writes.

The agent, the unit tests, the replay and the oracle of the broker tests all call `process`. It reads tables only through `get`,
so it works the same on a dict, an overlay over RocksDB and a recomputation from `webhooks.raw`.
"""

import hashlib
import traceback
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from providers.api import Wanted
from providers.base import Handshake, Parsed, Provider, TestDelivery, Unparsed
from providers.fetched import parse_fetched
from schemas import codec
from schemas.codec import time_us, us_time
from schemas.fetches import FetchRequest, FetchResult
from schemas.records import (
    Change,
    Document,
    LatestState,
    Operation,
    Outcome,
    RawDelivery,
    SeenVersion,
    Snapshot,
    resource_key,
)
from schemas.typed.resource import TypedResource, typed_resource
from streams.steps import child_index, echoes, hydration, renderings, waiting
from streams.steps.child_index import Child, Parent, Rows
from streams.steps.correction import Refused, is_correction, read_correction
from streams.steps.dedup import DedupVerdict, dedup, remember, times_shown, version_tag, without_last_delivery
from streams.steps.diff import diff
from streams.steps.drift import Drift, drifts, first_seen
from streams.steps.event_id import uuid5
from streams.steps.origin import given_up, is_listed, origin_of
from streams.steps.outcome import summarise, with_notes
from streams.steps.partial_documents import merged, merged_partial
from streams.steps.routing import RoutedChange, Routes, UnroutedChange, fanout
from streams.steps.typed_records import with_records

KNOWN_DELIVERY: Final = frozenset({"delivery_id", "other_rendering"})  # nothing new to remember
DELETED: Final = b"deleted"  # the fingerprint of a deleted resource


class Table(Protocol):
    """Anything that returns the bytes stored under a key, or None if there are none."""

    def get(self, key: bytes, /) -> bytes | None:
        """Return the row stored under a key."""


class Tables(Struct, frozen=True):
    """The two tables a decision reads: *seen* by resource and version, *latest* by resource."""

    seen: Table
    latest: Table


class Writes(Struct, frozen=True):
    """Rows to store, keyed as in the tables; a later row of the same key replaces an earlier one."""

    seen: dict[bytes, bytes]
    latest: dict[bytes, bytes]


class Answered(Struct, frozen=True):
    """A delivery that waited, and how it ends through the read that was decided."""

    delivery: RawDelivery
    outcome: Outcome


class Result(Struct, frozen=True):
    """The full result of one delivery. Nothing is written yet: the caller writes it in one transaction.

    `request` asks for a read if the outcome is `pending`; `answers` are the deliveries that end through this one.
    """

    outcome: Outcome
    routed_changes: tuple[RoutedChange, ...]
    writes: Writes
    drifts: tuple[Drift, ...] = ()
    request: FetchRequest | None = None
    answers: tuple[Answered, ...] = ()


class _Subject(Struct, frozen=True):
    """One snapshot with its keys, its content and the stored state of its resource.

    `is_merged`: `text` has fields of the stored document that the snapshot does not show.
    """

    delivery: RawDelivery
    snapshot: Snapshot
    key: str
    tag: str
    text: bytes | None
    fingerprint: bytes
    seen: SeenVersion | None
    latest: LatestState | None
    is_merged: bool = False


class _Decision(Struct, frozen=True):
    """The decision about one resource."""

    outcome: Outcome
    routed: RoutedChange | None = None
    drifts: tuple[Drift, ...] = ()


def process(delivery: RawDelivery, tables: Tables, routes: Routes) -> Result:
    """Decide one delivery: return its outcome, the routed changes, and the rows to store."""
    if is_correction(delivery):
        return _correct(delivery, tables, routes)
    if hydration.is_fetch(delivery):
        return _answer(delivery, tables, routes)
    writes = Writes({}, {})
    dropped = given_up(delivery)
    if dropped is not None:
        return Result(dropped, (), writes)
    if echoes.is_declaration(delivery):
        outcome = echoes.keep(delivery, routes.echoes.get(delivery.source), Rows(tables.latest.get, writes.latest))
        return Result(outcome, (), writes)
    parsed = parse(delivery, routes.provider(delivery.provider, delivery.source))
    if not isinstance(parsed, Parsed):
        return Result(_without_resource(parsed), (), writes)
    reads = routes.hydrations.get(delivery.source)
    wanted = None if reads is None else reads.wanted(parsed.snapshots, delivery)
    if wanted is not None:
        return _wait(_subject(delivery, parsed.snapshots[0], tables, routes, writes), wanted, tables, routes)
    return _decide_all(delivery, parsed, tables, routes)


def _decide_all(delivery: RawDelivery, parsed: Parsed, tables: Tables, routes: Routes) -> Result:
    """Decide all resources that a delivery shows; none if one of them is dead."""
    writes, decisions = Writes({}, {}), list[_Decision]()
    for snapshot in parsed.snapshots:
        found = _decide(_subject(delivery, snapshot, tables, routes, writes), tables, routes, writes)
        if found[0].outcome.outcome == "dead":
            outcome = with_notes(found[0].outcome, parsed.notes)
            return Result(outcome, (), Writes({}, {}))  # all or none: a dead letter is a whole delivery
        decisions += found
    routed_changes = tuple(decision.routed for decision in decisions if decision.routed is not None)
    outcome = summarise([decision.outcome for decision in decisions])
    told = tuple(chain.from_iterable(decision.drifts for decision in decisions))
    return Result(with_notes(outcome, parsed.notes), routed_changes, writes, told)


def _without_resource(parsed: Unparsed | Handshake | TestDelivery) -> Outcome:
    if isinstance(parsed, Unparsed):
        return Outcome("dead", parsed.reason, parsed.detail)
    return Outcome("filtered", "handshake" if isinstance(parsed, Handshake) else "test", parsed.detail)


def _wait(subject: _Subject, wanted: Wanted, tables: Tables, routes: Routes) -> Result:
    """Let a delivery wait for a read, unless its resource is paused or it was seen before.

    A retry of a dead letter was seen, and waits again: the read that failed was never decided.
    """
    delivery, snapshot, writes = subject.delivery, subject.snapshot, Writes({}, {})
    if routes.pauses(delivery.source, delivery.tenant, snapshot.resource_type):
        return Result(_paused(snapshot), (), writes)
    verdict = dedup(snapshot, subject.fingerprint, delivery, subject.seen, None)
    if verdict is not None and origin_of(delivery) != "retry":
        return Result(Outcome(verdict.outcome, verdict.reason, verdict.detail), (), writes)
    if verdict is None:
        _remember(subject, writes)
    request = hydration.request_for(delivery, snapshot, wanted)
    waiting.add(request.resource_key, delivery, Rows(tables.latest.get, writes.latest))
    return Result(hydration.WAITS, (), writes, request=request)


def _answer(delivery: RawDelivery, tables: Tables, routes: Routes) -> Result:
    """Decide what a read brought, and with it the deliveries that waited for it."""
    read = hydration.result_of(delivery)
    if read is None:
        return dead("unreadable", "expected what a read brought in the header of a delivery that Penstock wrote")
    if read.status == "failed":
        return give_up(delivery, tables, Outcome("dead", "not_read", read.detail))
    document = codec.document(delivery.body) if read.status == "found" else None
    read_at = us_time(read.read_at_us) or delivery.received_at
    parsed = parse_fetched(delivery.provider, read.resource_type, read.resource_id, document, read_at)
    if isinstance(parsed, Unparsed):
        return give_up(delivery, tables, _without_resource(parsed))
    result = _decide_all(delivery, parsed, tables, routes)
    if result.outcome.outcome == "dead":
        return give_up(delivery, tables, result.outcome)
    waited = waiting.take(_read_key(delivery, read), read.answers, Rows(tables.latest.get, result.writes.latest))
    answers = tuple(Answered(one, hydration.answered(result.outcome, number)) for number, one in enumerate(waited))
    return replace(result, answers=answers)


def give_up(delivery: RawDelivery, tables: Tables, outcome: Outcome) -> Result:
    """Return the result of a read that cannot be decided: the deliveries that it answers become dead letters."""
    writes, read = Writes({}, {}), hydration.result_of(delivery)
    waited: Sequence[RawDelivery] = ()
    if read is not None:
        waited = waiting.take(_read_key(delivery, read), read.answers, Rows(tables.latest.get, writes.latest))
    answers = tuple(Answered(one, outcome) for one in waited)
    own = Outcome("unchanged", "not_read", outcome.detail) if outcome.reason == "not_read" else outcome
    return Result(own, (), writes, answers=answers)


def _read_key(delivery: RawDelivery, read: FetchResult) -> str:
    return resource_key(delivery.provider, delivery.source, delivery.tenant, read.resource_type, read.resource_id)


def _paused(snapshot: Snapshot) -> Outcome:
    return Outcome("filtered", "paused", f"{snapshot.resource_type} is paused for this source; its stored state stays")


def _subject(delivery: RawDelivery, snapshot: Snapshot, tables: Tables, routes: Routes, writes: Writes) -> _Subject:
    key = resource_key(
        delivery.provider, delivery.source, delivery.tenant, snapshot.resource_type, snapshot.resource_id
    )
    tag = version_tag(snapshot, delivery.delivery_id)
    text = None if snapshot.is_deleted or snapshot.document is None else codec.document_json(snapshot.document)
    fingerprint = DELETED if text is None else hashlib.sha256(text).digest()[:16]
    latest_row = _row(key.encode(), tables.latest, writes.latest)
    latest = None if latest_row is None else codec.decode_latest(latest_row)
    if latest is not None and latest.shown_by == "reference" and hydration.is_fetch(delivery):
        # A callback is later than the change that it tells of, which the read shows.
        latest = replace(latest, version_us=None, event_time_us=None)
    is_merged = False
    if text is not None and latest is not None and latest.document is not None and latest.document != text:
        declared = routes.api_versions.get(delivery.source)
        is_merged = renderings.is_merged(snapshot, latest, delivery.api_version, declared)
        if is_merged:
            text = (
                merged_partial(latest.document, text, snapshot)
                if snapshot.is_partial
                else merged(latest.document, text)
            )
    return _Subject(
        delivery,
        snapshot,
        key,
        tag,
        text,
        fingerprint,
        _seen(f"{key}\0{tag}".encode(), tables.seen, writes.seen),
        latest,
        is_merged,
    )


def _as_stored(subject: _Subject, latest: LatestState, text: bytes) -> _Subject:
    """Return a subject of the stored time and rank: what an older document adds to the newer one does not make it older."""
    version, event_time = us_time(latest.version_us), us_time(latest.event_time_us)
    snapshot = replace(subject.snapshot, version=version, event_time=event_time, state_rank=latest.state_rank)
    return replace(subject, snapshot=snapshot, text=text, is_merged=True)


def _seen(key: bytes, table: Table, written: Mapping[bytes, bytes]) -> SeenVersion | None:
    """Return the *seen* row of a version without the current delivery, which may show a resource more than once."""
    if key in written:
        return without_last_delivery(codec.decode_seen(written[key]))
    row = table.get(key)
    return None if row is None else codec.decode_seen(row)


def _row(key: bytes, table: Table, written: Mapping[bytes, bytes]) -> bytes | None:
    return written[key] if key in written else table.get(key)


def _decide(subject: _Subject, tables: Tables, routes: Routes, writes: Writes) -> list[_Decision]:
    """Decide a resource that the delivery shows, and its children."""
    snapshot = subject.snapshot
    if routes.pauses(subject.delivery.source, subject.delivery.tenant, snapshot.resource_type):
        return [_Decision(_paused(snapshot))]
    rows, parent_key = Rows(tables.latest.get, writes.latest), _parent_key(subject)
    verdict = hydration.known_already(snapshot, subject.latest) or dedup(
        snapshot, subject.fingerprint, subject.delivery, subject.seen, subject.latest
    )
    if verdict is None or verdict.reason not in KNOWN_DELIVERY:
        _remember(subject, writes)
    if verdict is not None and verdict.outcome == "stale" and subject.latest is not None:
        completed = renderings.completed(snapshot, subject.latest, subject.delivery.api_version)
        if completed is not None:
            subject, verdict = _as_stored(subject, subject.latest, completed), None
    if verdict is None and parent_key is not None and child_index.is_orphan(snapshot, parent_key, rows):
        verdict = DedupVerdict("stale", "parent_deleted", "its parent was deleted after this was shown")
    if isinstance(verdict, DedupVerdict):
        return [_Decision(Outcome(verdict.outcome, verdict.reason, verdict.detail))]
    decision = _conclude(subject, rows, routes, writes)
    if parent_key is not None:
        child_index.remember(Child(subject.key, subject.snapshot, subject.text, subject.latest), parent_key, rows)
    return [decision, *_decide_children(subject, rows, routes, writes)]


def _remember(subject: _Subject, writes: Writes) -> None:
    delivery = subject.delivery
    row = remember(subject.seen, subject.fingerprint, delivery.delivery_id, delivery.api_version)
    writes.seen[f"{subject.key}\0{subject.tag}".encode()] = codec.encode_row(row)


def _decide_children(subject: _Subject, rows: Rows, routes: Routes, writes: Writes) -> Iterator[_Decision]:
    """Decide the children that a stored snapshot lists or no longer lists, or that its deletion orphans.

    Called only after the parent was found to be new: the lists of a stale or duplicate delivery are ignored.
    """
    delivery, snapshot = subject.delivery, subject.snapshot
    if subject.text is not None and not (routes.children and child_index.has_lists(snapshot)):
        return
    owner = f"{delivery.provider}|{delivery.source}|{delivery.tenant}"
    parent = Parent(owner, subject.key, snapshot, subject.text, subject.latest)
    if subject.text is None:
        for child in child_index.orphans(parent, rows):
            orphan = _child_subject(subject, child)
            yield _conclude(orphan, rows, routes, writes)
            yield from _decide_children(orphan, rows, routes, writes)
    else:
        paused = frozenset(
            rule.resource_type
            for rule in snapshot.children
            if routes.pauses(delivery.source, delivery.tenant, rule.resource_type)
        )
        lists = child_index.Lists(parent, rows, paused)
        for child in lists.children():
            listed = _child_subject(subject, child)
            yield _conclude(listed, rows, routes, writes)
            if child.text is None:
                yield from _decide_children(listed, rows, routes, writes)
        lists.finish()


def _child_subject(parent: _Subject, child: Child) -> _Subject:
    """Return a child to decide. It has no row in *seen*: the parent's row shows that this content is new.

    For the same reason the child's event id is built from the parent's version, content and flips.
    """
    flips = times_shown(parent.seen, parent.fingerprint)
    tag = f"{parent.tag}\0{parent.fingerprint.hex()}\0{flips}"
    fingerprint = DELETED if child.text is None else hashlib.sha256(child.text).digest()[:16]
    return _Subject(parent.delivery, child.snapshot, child.key, tag, child.text, fingerprint, None, child.latest)


def _correct(delivery: RawDelivery, tables: Tables, routes: Routes) -> Result:
    """Decide a correction: skip dedup and diff, and check only that the stored state is still the one it replaces."""
    writes, correction = Writes({}, {}), read_correction(delivery.body)
    if isinstance(correction, Refused):
        return Result(Outcome("dead", "unreadable", correction.detail), (), writes)
    subject = _subject(delivery, correction.snapshot, tables, routes, writes)
    is_paused = routes.pauses(delivery.source, delivery.tenant, subject.snapshot.resource_type)
    outcome = correction.outcome(delivery, subject.latest, is_paused=is_paused)
    if outcome is not None:
        return Result(outcome, (), writes)
    change = correction.change(delivery.delivery_id, subject.key, subject.text, _parent_key(subject))
    change = replace(change, origin="replay")
    writes.latest[subject.key.encode()] = codec.encode_row(_state(subject, change))
    if subject.snapshot.version is not None:  # so that the provider's next retry is a duplicate
        _remember(subject, writes)
    if change.parent_key is not None:  # like a delivery for the child itself: the parent's list is out of date now
        shown = replace(subject.snapshot, is_shared=True)
        rows = Rows(tables.latest.get, writes.latest)
        child_index.remember(Child(subject.key, shown, subject.text, subject.latest), change.parent_key, rows)
    routed = fanout(change, replace(delivery, event_type=correction.event_type), routes, subject.snapshot.volatile)
    if isinstance(routed, UnroutedChange):
        return Result(Outcome("filtered", routed.reason, routed.detail), (RoutedChange(change, ()),), writes)
    return Result(Outcome("changed", "corrected", "", (change.event_id,)), (routed,), writes)


def _conclude(subject: _Subject, rows: Rows, routes: Routes, writes: Writes) -> _Decision:
    """Return the decision about a new snapshot, and store its state."""
    change = _change(subject)
    typed = typed_resource(subject.delivery.provider, subject.snapshot.resource_type)
    told: tuple[Drift, ...] = ()
    if change is not None and typed is not None:
        change, encoded = with_records(change, _document(subject), subject.latest, typed)
        if encoded is not None:
            found = drifts(
                subject.snapshot, encoded, change.changed, subject.latest, typed.names, is_merged=subject.is_merged
            )
            told = (
                first_seen(found, subject.delivery, subject.snapshot.resource_type, subject.key, rows) if found else ()
            )
    writes.latest[subject.key.encode()] = codec.encode_row(_state(subject, change, typed))
    if change is None:
        reason = "already_deleted" if subject.text is None else "no_difference"
        return _Decision(Outcome("unchanged", reason, "the stored state says the same; its version was advanced"))
    change = echoes.with_origin(change, subject.delivery, routes.echoes.get(subject.delivery.source), rows)
    routed = fanout(change, subject.delivery, routes, subject.snapshot.volatile)
    if isinstance(routed, UnroutedChange):
        unsent = RoutedChange(change, (), (), subject.snapshot.volatile)
        return _Decision(Outcome("filtered", routed.reason, routed.detail), unsent, told)
    return _Decision(Outcome("changed", _REASONS[change.op], "", (change.event_id,)), routed, told)


def _document(subject: _Subject) -> Document | None:
    if subject.text is None:
        return None
    shown = None if subject.is_merged else subject.snapshot.document
    return codec.document(subject.text) if shown is None else shown


_REASONS: Final[Mapping[Operation, str]] = {"c": "created", "u": "updated", "d": "deleted", "r": "read"}


def _change(subject: _Subject) -> Change | None:
    """Return the change, or None if nothing changed. The operation follows from the stored state, not from the event type."""
    before = None if subject.latest is None else subject.latest.document
    pointers: tuple[str, ...] = ()
    if subject.text is None:
        if subject.latest is not None and subject.latest.is_deleted:
            return None
        op: Operation = "d"
    elif before is None:
        op = "r" if subject.latest is None and is_listed(subject.delivery) else "c"
    else:
        pointers = diff(before, subject.text, subject.snapshot.volatile)
        if not pointers:
            return None
        op = "u"
    snapshot = subject.snapshot
    return Change(
        _event_id(subject, op),
        op,
        subject.key,
        snapshot.resource_type,
        snapshot.resource_id,
        pointers,
        before,
        subject.text,
        snapshot.version,
        snapshot.event_time,
        _parent_key(subject),
    )


def _event_id(subject: _Subject, op: Operation) -> str:
    """Return an id that is the same for the same change in every run, and different for every flip back within a version."""
    earlier = times_shown(subject.seen, subject.fingerprint)
    return uuid5(f"{subject.key}\0{subject.tag}\0{subject.fingerprint.hex()}\0{op}\0{earlier}")


def _parent_key(subject: _Subject) -> str | None:
    if subject.snapshot.parent is None:
        return None
    delivery = subject.delivery
    return resource_key(delivery.provider, delivery.source, delivery.tenant, *subject.snapshot.parent)


def _state(subject: _Subject, change: Change | None, typed: TypedResource | None = None) -> LatestState:
    """Return the row of *latest*. A snapshot without a time keeps the stored time, so that older versions stay stale.

    So does a partial snapshot without a version, or one that may be partial and lacks the version that the stored state has: its
    event time is later than the update time that a whole rendering of the same change has, and would make that rendering stale.
    """
    snapshot, latest = subject.snapshot, subject.latest
    version_us, event_time_us, event_id = time_us(snapshot.version), time_us(snapshot.event_time), ""
    if latest is not None:
        event_id = latest.event_id
    if version_us is None and (event_time_us is None or snapshot.is_partial or _lacks_version(snapshot, latest)):
        version_us, event_time_us = (None, None) if latest is None else (latest.version_us, latest.event_time_us)
    if change is not None:
        event_id = change.event_id
    return LatestState(
        version_us,
        event_time_us,
        subject.fingerprint,
        subject.text,
        subject.text is None,
        event_id,
        state_rank=snapshot.state_rank,
        api_version=renderings.stored_version(latest, subject.delivery.api_version, subject.is_merged),
        record=None if change is None else change.record_after,
        columns=b"" if typed is None else typed.fingerprint,
        shown_by=hydration.shown_by(subject.delivery, snapshot),
    )


def _lacks_version(snapshot: Snapshot, latest: LatestState | None) -> bool:
    return snapshot.may_be_partial and latest is not None and latest.version_us is not None and not latest.is_deleted


def parse(delivery: RawDelivery, provider: Provider | None) -> Parsed | Unparsed | Handshake | TestDelivery:
    """Step 1 of 5: return the delivery as parsed by its provider; `unknown_shape` if the provider is unknown."""
    if provider is None:
        return Unparsed("unknown_shape", f"expected a delivery of a known provider, got {delivery.provider[:80]!r}")
    return provider.parse(delivery)


def dead(reason: str, detail: str) -> Result:
    """Return the decision to make a delivery a dead letter."""
    return Result(Outcome("dead", reason, detail), (), Writes({}, {}))


def broken(error: Exception) -> Result:
    """Return the decision about a delivery on which the code itself failed: the place in the code, never the content."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    file = frame.filename.rpartition("/")[2]
    return dead("internal_error", f"{type(error).__name__} in {frame.name} ({file}:{frame.lineno})")

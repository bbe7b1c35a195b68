"""Between steps 3 and 4 of 5: says whether the user's own program caused a change, so that routes can leave it out.

Stripe and GitHub say who caused an event (`providers.authors`). Elsewhere the program declares a write before it makes it
(`schemas.writes`); the declaration is a delivery of its own on the partition of the resource, so it is decided before the change,
and rests in a row of *latest* until the change uses it up. In doubt a change is no echo: one too many is a round more for the
user's program, one too few is a change that it never hears of (decision 0025).
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from providers.authors import Author, author_of
from schemas import codec
from schemas.codec import time_us
from schemas.records import NO_RESOURCE, Change, ChangeOrigin, Document, Outcome, RawDelivery, resource_key
from schemas.writes import LIFETIME, DeclaredWrite, Malformed, value_at, write_of
from streams.steps.child_index import Rows
from streams.steps.diff import diff
from streams.steps.hydration import is_fetch
from streams.steps.origin import origin_of

WRITES: Final = NO_RESOURCE + b"writes\0"  # prefix of keys: persisted
MAX_KEPT: Final = 20
"""Declarations kept per resource: two a minute. Of more, the oldest are forgotten, and their changes are no echoes."""

MAX_KEPT_BYTES: Final = 256 * 1024
"""Of the declarations of one resource together: four of the largest. The newest is always kept."""

_LIFETIME_US: Final = LIFETIME // timedelta(microseconds=1)
_SKEW_US: Final = 5_000_000  # between the clocks of two ingresses, which may receive a declaration and its delivery


class Echoes(Struct, frozen=True):
    """How a source's echoes are recognised: by GitHub's senders, by prefixes of Stripe's idempotency keys, by declarations."""

    sender_ids: frozenset[int] = frozenset()
    installation_ids: frozenset[int] = frozenset()
    idempotency_key_prefixes: tuple[str, ...] = ()
    has_declarations: bool = False


class _Kept(Struct, frozen=True, array_like=True):
    """One declaration: its delivery's id, when it was received, its text, and whether a change has used it up."""

    delivery_id: str
    at_us: int
    body: bytes
    is_used: bool = False


def is_declaration(delivery: RawDelivery) -> bool:
    """Say whether a delivery declares a write; the ingress marks it, and no sender can."""
    return origin_of(delivery) == "write"


def keep(delivery: RawDelivery, echoes: Echoes | None, rows: Rows) -> Outcome:
    """Keep a declaration until its change comes, and return how its delivery ends."""
    write = write_of(delivery.body)
    if isinstance(write, Malformed):
        return Outcome("dead", "unreadable", write.detail)
    if echoes is None or not echoes.has_declarations:
        return Outcome(
            "filtered", "write_ignored", f"source {delivery.source} has no token in [sources.echoes] any more"
        )
    key, at_us = _declared_key(delivery, write), time_us(delivery.received_at) or 0
    known = _row(key, rows)
    if any(kept.delivery_id == delivery.delivery_id for kept in known):
        return Outcome("duplicate", "delivery_id", "this write was declared before")
    _put(key, [*_lasting(known, at_us), _Kept(delivery.delivery_id, at_us, delivery.body)], rows)
    return Outcome("filtered", "write_declared", "a change that shows this write carries origin self")


def with_origin(change: Change, delivery: RawDelivery, echoes: Echoes | None, rows: Rows) -> Change:
    """Return a change with how it came; a declaration that it shows is used up."""
    origin: ChangeOrigin = origin_of(delivery)  # type: ignore[assignment]  # neither a drop nor a write has changes
    if echoes is not None and _is_echo(change, delivery, echoes, rows):
        origin = "self"
    return change if origin == change.origin else replace(change, origin=origin)


def _is_echo(change: Change, delivery: RawDelivery, echoes: Echoes, rows: Rows) -> bool:
    # A read may show more than what it answers: what others did since. Only what it shows can tell.
    author = None if is_fetch(delivery) else author_of(delivery)
    if author is not None and _is_by_us(author, delivery, echoes, rows) and _is_all_by(author, change):
        return True
    return echoes.has_declarations and _use_up(change, delivery, rows)


def _is_by_us(author: Author, delivery: RawDelivery, echoes: Echoes, rows: Rows) -> bool:
    if author.idempotency_key.startswith(echoes.idempotency_key_prefixes):
        return True
    is_here = not echoes.installation_ids or author.installation_id in echoes.installation_ids
    if author.sender_id in echoes.sender_ids and is_here:
        return True
    return echoes.has_declarations and _is_declared_request(author, delivery, rows)


def _is_declared_request(author: Author, delivery: RawDelivery, rows: Rows) -> bool:
    """Say whether a program declared the request; one may cause several events of a resource, so nothing is used up."""
    if not author.idempotency_key and not author.request_id:
        return False
    at_us = time_us(delivery.received_at) or 0
    writes = (_valid(kept, at_us) for kept in _row(WRITES + delivery.key.encode(), rows))
    return any(
        (write.idempotency_key and write.idempotency_key == author.idempotency_key)
        or (write.request_id and write.request_id == author.request_id)
        for write in writes
        if write is not None
    )


def _is_all_by(author: Author, change: Change) -> bool:
    """Say whether the author changed all that differs: after a lost or late delivery a change shows what others did, too."""
    if author.fields is None or change.op != "u" or change.parent_key is not None:
        return True
    return author.fields.issuperset(
        pointer.split("/")[1].replace("~1", "/").replace("~0", "~") for pointer in change.changed
    )


def _use_up(change: Change, delivery: RawDelivery, rows: Rows) -> bool:
    """Mark the declared writes that a change shows as used, and say whether they are all that it shows."""
    key, at_us = WRITES + change.resource_key.encode(), time_us(delivery.received_at) or 0
    known = _row(key, rows)
    if not known:
        return False
    lasting = list(_lasting(known, at_us))
    writes = [_valid(kept, at_us) for kept in lasting]
    sides = _sides(change)
    shown = [number for number, write in enumerate(writes) if write is not None and _is_shown(write, change, sides)]
    if not shown:
        return False
    covered = {pointer for number in shown for pointer in _pointers(writes[number])}
    for number, write in enumerate(writes):
        # An older write of the same fields was overwritten before it was shown.
        is_past = number < shown[-1] and write is not None and bool(write.values) and _pointers(write) <= covered
        if number in shown or is_past:
            lasting[number] = replace(lasting[number], is_used=True)
    _put(key, lasting, rows)
    return change.op == "d" or all(_is_covered(pointer, covered) for pointer in change.changed)


def _is_shown(write: DeclaredWrite, change: Change, sides: tuple[Document, Document] | None) -> bool:
    """Say whether a change brought about what was written: it is so after it, and was not before.

    A creation and a first sight show all of a resource, of which no write can be told.
    """
    if write.is_deletion or sides is None:
        return write.is_deletion and change.op == "d"
    before, after = sides
    return bool(write.values) and _has(after, write) and not _has(before, write)


def _has(document: Document, write: DeclaredWrite) -> bool:
    try:
        return all(_is_equal(value_at(document, pointer), value) for pointer, value in write.values.items())
    except (LookupError, RecursionError):  # nested some 500 deep
        return False


def _is_equal(found: Any, written: Any) -> bool:
    """Compare as step 3 does: numbers by value, everything else exactly."""
    return not diff(codec.document_json({"value": found}), codec.document_json({"value": written}))


def _sides(change: Change) -> tuple[Document, Document] | None:
    if change.op != "u" or change.before is None or change.after is None:
        return None
    return codec.document(change.before), codec.document(change.after)


def _pointers(write: DeclaredWrite | None) -> set[str]:
    return set() if write is None else {*write.values, *write.derived}


def _is_covered(pointer: str, declared: Iterable[str]) -> bool:
    return any(pointer == one or pointer.startswith(f"{one}/") for one in declared)


def _declared_key(delivery: RawDelivery, write: DeclaredWrite) -> bytes:
    key = resource_key(delivery.provider, delivery.source, delivery.tenant, write.resource_type, write.resource_id)
    return WRITES + key.encode()


def _valid(kept: _Kept, at_us: int) -> DeclaredWrite | None:
    """Return the write of a declaration that can still be shown at a time, None for any other."""
    if kept.is_used or not -_SKEW_US <= at_us - kept.at_us <= _LIFETIME_US:
        return None
    write = write_of(kept.body)
    return None if isinstance(write, Malformed) else write


def _lasting(known: Sequence[_Kept], at_us: int) -> Sequence[_Kept]:
    return [kept for kept in known if at_us - kept.at_us <= _LIFETIME_US]


_decode = msgspec.msgpack.Decoder(tuple[_Kept, ...]).decode


def _row(key: bytes, rows: Rows) -> tuple[_Kept, ...]:
    row = rows.get(key)
    return () if row is None else _decode(row)


def _put(key: bytes, known: Sequence[_Kept], rows: Rows) -> None:
    """Store the newest declarations within the limits; used ones stay until they expire, so that a repetition is recognised."""
    newest: list[_Kept] = []
    size = 0
    for kept in reversed(known[-MAX_KEPT:]):
        size += len(kept.body)
        if newest and size > MAX_KEPT_BYTES:
            break
        newest.insert(0, kept)
    rows.put(key, codec.encode_row(tuple(newest)))

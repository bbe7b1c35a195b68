"""Says how a delivery came to `webhooks.raw`, and which delivery it answers, from headers that only Penstock writes.

The ingress drops such headers from senders (`providers.received.OUR_OWN`). A retried dead letter, its edited copy, a given-up
letter and a correction are deliveries of Penstock's own: each has an outcome like any other.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final, get_args

from schemas.records import Lineage, OriginName, Outcome, RawDelivery
from streams.steps.correction import HEADER as CORRECTION

ORIGIN: Final = "penstock_origin"
CAUSE: Final = "penstock_cause"
ATTEMPT: Final = "penstock_attempt"
FIRST_AT: Final = "penstock_first_at"
BY: Final = "penstock_by"
AT: Final = "penstock_at"
EDITED_BY: Final = "penstock_edited_by"
HEADERS: Final = (ORIGIN, CAUSE, ATTEMPT, FIRST_AT, BY, AT, EDITED_BY)

MAX_REASON_BYTES: Final = 500
"""Of the reason for which a letter is given up: a sentence."""

LISTED: Final = frozenset({"reconcile", "backfill"})
"""The origins of reads that a list of the provider led to."""

_EDITED: Final = ".edited-"  # persisted in delivery ids
_DROPPED: Final = ".dropped-"
DERIVED_MARKS: Final = (_EDITED, _DROPPED)
"""What stands in the id of a delivery that was derived from another's."""

_VERBS: Final[Mapping[str, str]] = {"retry": "retried", "edited": "edited", "drop": "dropped"}
_NAMES: Final = frozenset(get_args(OriginName))
_WEBHOOK: Final = Lineage()
_REPLAY: Final = Lineage("replay")


def origin_of(delivery: RawDelivery) -> OriginName:
    """Return how a delivery came: posted by its provider, unless a header of Penstock's own says otherwise."""
    name = delivery.headers.get(ORIGIN)
    if name in _NAMES:
        return name  # type: ignore[return-value]  # it is one of them
    return "replay" if CORRECTION in delivery.headers else "webhook"


def is_first_sight(delivery: RawDelivery) -> bool:
    """Say whether a resource that nothing is stored of was only seen, in a list of the provider, and not created just now."""
    return origin_of(delivery) in LISTED


def cause_of(delivery: RawDelivery) -> str | None:
    """Return the position or id of the delivery that this one answers, None for a delivery of the provider."""
    return delivery.headers.get(CAUSE)


def lineage_of(delivery: RawDelivery) -> Lineage:
    """Return what outcomes and dead letters say about a delivery's origin. A value that is none counts as missing."""
    origin, headers = origin_of(delivery), delivery.headers
    if origin == "webhook":
        return _WEBHOOK
    if origin == "replay":
        return _REPLAY
    first_at, edited_by = _time(headers.get(FIRST_AT)), headers.get(EDITED_BY)
    return Lineage(origin, cause_of(delivery), _attempt(headers), first_at, edited_by)


def notes_of(delivery: RawDelivery) -> tuple[str, ...]:
    """Return what the outcome's detail adds about a delivery that a person sent: who did it, and when."""
    headers = delivery.headers
    verb = _VERBS.get(origin_of(delivery))
    return () if verb is None else (f"{verb} by {headers.get(BY, 'unknown')} at {headers.get(AT, 'an unknown time')}",)


def given_up(delivery: RawDelivery) -> Outcome | None:
    """Return the outcome of a delivery that only says that a dead letter is given up, None for any other.

    Its body is the person's reason. It has no resource, so nothing is stored or emitted.
    """
    if origin_of(delivery) != "drop":
        return None
    text = delivery.body[:MAX_REASON_BYTES].decode(errors="replace")
    return Outcome("filtered", "dropped", f"a dead letter was given up: {text}")


def position_text(topic: str, partition: int, offset: int) -> str:
    """Return a position as headers, causes and the command line name it."""
    return f"{topic}-{partition}-{offset}"


def edited_id(delivery_id: str, body: bytes) -> str:
    """Return the id of an edited copy: the original's can be read from it, and the same edit always has the same id.

    It is not the original's own: under that id another content was, or will be, decided (see step 2).
    """
    return f"{original_id(delivery_id)}{_EDITED}{hashlib.sha256(body).hexdigest()[:12]}"


def dropped_id(delivery_id: str, cause: str) -> str:
    """Return the id of the delivery that says that a dead letter is given up."""
    return f"{original_id(delivery_id)}{_DROPPED}{cause}"


def original_id(delivery_id: str) -> str:
    """Return the id of the delivery that an edited copy comes from, or that was given up; any other id stays as it is."""
    return delivery_id.partition(_EDITED)[0].partition(_DROPPED)[0]


def lineage_headers(lineage: Lineage, by: str, now: datetime) -> dict[str, str]:
    """Return the headers that mark a delivery of Penstock's own; `by` is who wanted it, at `now`."""
    headers = {ORIGIN: lineage.origin, ATTEMPT: str(lineage.attempt), BY: by, AT: now.isoformat(timespec="seconds")}
    if lineage.cause is not None:
        headers[CAUSE] = lineage.cause
    if lineage.first_at is not None:
        headers[FIRST_AT] = lineage.first_at.isoformat()
    if lineage.edited_by is not None:
        headers[EDITED_BY] = lineage.edited_by
    return headers


def _attempt(headers: Mapping[str, str]) -> int:
    text = headers.get(ATTEMPT, "")
    # Nine digits fit the schema's int.
    return max(int(text), 1) if text.isascii() and text.isdecimal() and len(text) <= 9 else 1


def _time(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return None if time.tzinfo is None else time

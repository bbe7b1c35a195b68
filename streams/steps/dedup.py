"""Step 2 of 5: says whether a snapshot is news, known already, or older than what is stored.

The rules, each with the mistake it prevents (docs/semantics.md):
same delivery id                       duplicate   the provider tried again
same version, same content as last     duplicate   two subscriptions, or a retry under a new id
same version, other content            news        providers stamp whole seconds; the later arrival wins
same version, an earlier content again news        a real flip back within one second
older version than stored              stale       deliveries overtake each other
no version                             ordered by event time, then arrival; only the delivery id makes a duplicate
"""

from typing import Literal

from msgspec import Struct

from schemas.codec import time_us
from schemas.records import LatestState, SeenVersion, Snapshot

MAX_KEPT = 100  # contents and deliveries remembered per version; the most patient provider retries 11 times


class Known(Struct, frozen=True):
    """The snapshot goes no further, and why."""

    outcome: Literal["duplicate", "stale"]
    reason: str
    detail: str


def version_tag(snapshot: Snapshot, delivery_id: str) -> str:
    """Return what tells versions of one resource apart.

    Without a version the provider's event time stands for it, since a redelivery repeats it; without either, the delivery id.
    """
    if snapshot.version is not None:
        return f"v{time_us(snapshot.version)}"
    if snapshot.event_time is not None:
        return f"t{time_us(snapshot.event_time)}"
    return f"d{delivery_id}"


def dedup(
    snapshot: Snapshot, fingerprint: bytes, delivery_id: str, seen: SeenVersion | None, latest: LatestState | None
) -> Known | None:
    """Return why a snapshot is no news, None when it goes on to the next step."""
    if seen is not None:
        if delivery_id in seen.delivery_ids:
            return Known("duplicate", "delivery_id", "this delivery id was decided before")
        if snapshot.version is not None and seen.fingerprints[-1] == fingerprint:
            return Known(
                "duplicate", "same_version_and_content", "another delivery showed this version with this content"
            )
    if latest is not None and is_older(snapshot, latest):
        return Known("stale", "older_than_stored", "a newer version of this resource was decided before")
    return None


def is_older(snapshot: Snapshot, latest: LatestState) -> bool:
    """Say whether a snapshot shows a time before the stored state; where one of them has no time, arrival decides.

    After a delete a tie is older too: an update stamped with the second of the delete came before it.
    """
    shown_us, stored_us = order_us(snapshot), latest.version_us or latest.event_time_us
    if shown_us is None or stored_us is None:
        return False
    if latest.is_deleted and not snapshot.is_deleted:
        return shown_us <= stored_us
    return shown_us < stored_us


def order_us(snapshot: Snapshot) -> int | None:
    """Return the time that orders a snapshot among those of its resource: its version, else its event time."""
    return time_us(snapshot.version or snapshot.event_time)


def remember(seen: SeenVersion | None, fingerprint: bytes, delivery_id: str) -> SeenVersion:
    """Return the row of *seen* after one more delivery; a content that follows itself is not written twice."""
    if seen is None:
        return SeenVersion((fingerprint,), (delivery_id,))
    fingerprints = seen.fingerprints if seen.fingerprints[-1] == fingerprint else (*seen.fingerprints, fingerprint)
    return SeenVersion(fingerprints[-MAX_KEPT:], (*seen.delivery_ids, delivery_id)[-MAX_KEPT:])

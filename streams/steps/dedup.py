"""Step 2 of 5: says whether a snapshot is news, known already, or older than what is stored.

The rules, each with the mistake it prevents (docs/semantics.md):
same delivery id, known content        duplicate   the provider tried again
same delivery id, unknown content      dead        a replay under a known id, or ids used twice: neither applied nor lost
same version, same content as last     duplicate   two subscriptions, or a retry under a new id
same version, other content            news        providers stamp whole seconds; the later arrival wins
same version, an earlier content again news        a real flip back within one second
older version than stored              stale       deliveries overtake each other
same time, an earlier stage            stale       what is paid is not open again: the other order of a tie
no version                             ordered by event time, then arrival; only the delivery id makes a duplicate
"""

from typing import Literal

from msgspec import Struct

from schemas.codec import time_us
from schemas.records import LatestState, SeenVersion, Snapshot

MAX_KEPT = 100  # contents and deliveries remembered per version; the most patient provider retries 11 times


class DedupVerdict(Struct, frozen=True):
    """The snapshot goes no further, and why."""

    outcome: Literal["duplicate", "stale", "dead"]
    reason: str
    detail: str


def version_tag(snapshot: Snapshot, delivery_id: str) -> str:
    """Return what tells versions of one resource apart.

    Without a version it is the delivery id, never the event time: some senders stamp each attempt anew.
    """
    return f"d{delivery_id}" if snapshot.version is None else f"v{time_us(snapshot.version)}"


def dedup(
    snapshot: Snapshot, fingerprint: bytes, delivery_id: str, seen: SeenVersion | None, latest: LatestState | None
) -> DedupVerdict | None:
    """Return why a snapshot is no news, None when it goes on to the next step."""
    if seen is not None:
        if delivery_id in seen.delivery_ids:
            return _under_known_id(fingerprint in seen.fingerprints)
        if snapshot.version is not None and seen.fingerprints[-1] == fingerprint:
            return DedupVerdict(
                "duplicate", "same_version_and_content", "another delivery showed this version with this content"
            )
    if latest is not None and is_older(snapshot, latest):
        return DedupVerdict("stale", "older_than_stored", "a newer version of this resource was decided before")
    return None


def _under_known_id(is_known_content: bool) -> DedupVerdict:
    if is_known_content:
        return DedupVerdict("duplicate", "delivery_id", "this delivery id was decided before")
    detail = (
        "this delivery id was decided before with another content: a sender that uses ids twice, or a forged header"
    )
    return DedupVerdict("dead", "reused_delivery_id", detail)


def is_older(snapshot: Snapshot, latest: LatestState) -> bool:
    """Say whether a snapshot shows a time before the stored state; where one of them has no time, arrival decides.

    After a delete a tie is older too: an update stamped with the second of the delete came before it. In any other tie the
    later arrival is the newer one, unless it shows a stage that the stored state has left for ever.
    """
    shown_us = order_us(snapshot)
    stored_us = latest.event_time_us if latest.version_us is None else latest.version_us
    if shown_us is None or stored_us is None:
        return False
    if snapshot.is_deleted:
        return shown_us < stored_us
    if latest.is_deleted:
        return shown_us <= stored_us
    return (shown_us, snapshot.state_rank) < (stored_us, latest.state_rank)


def order_us(snapshot: Snapshot) -> int | None:
    """Return the time that orders a snapshot among those of its resource: its version, else its event time."""
    return time_us(snapshot.version or snapshot.event_time)


def remember(seen: SeenVersion | None, fingerprint: bytes, delivery_id: str) -> SeenVersion:
    """Return the row of *seen* after one more delivery; a content that follows itself is not written twice."""
    if seen is None:
        return SeenVersion((fingerprint,), (delivery_id,))
    fingerprints = seen.fingerprints if seen.fingerprints[-1] == fingerprint else (*seen.fingerprints, fingerprint)
    dropped = seen.dropped + max(0, len(fingerprints) - MAX_KEPT)
    return SeenVersion(fingerprints[-MAX_KEPT:], (*seen.delivery_ids, delivery_id)[-MAX_KEPT:], dropped)


def times_shown(seen: SeenVersion | None, fingerprint: bytes) -> int:
    """Return a number that grows with every flip back to a content within one version; 0 when it is new.

    Forgotten contents count as this one: what matters is that two flips never share a number, for event ids hold it.
    """
    return 0 if seen is None else seen.fingerprints.count(fingerprint) + seen.dropped


def without_last_delivery(seen: SeenVersion) -> SeenVersion:
    """Return a row that the present delivery has written already, as if its id were not in it.

    A delivery may show one resource twice (a wiki page edited twice in one push); its id must not make the second state
    a duplicate.
    """
    return SeenVersion(seen.fingerprints, seen.delivery_ids[:-1], seen.dropped)

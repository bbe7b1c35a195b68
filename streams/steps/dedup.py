"""Step 2 of 5: says whether a snapshot is new, a duplicate, or older than the stored state.

The rules, each with its cause (docs/semantics.md):
same delivery id, known content        duplicate   the provider retried
same delivery id, another API version  duplicate   two endpoints show one event in two renderings
same delivery id, unknown content      dead        a replay under a known id, or a reused id: neither applied nor lost
same version, same content as last     duplicate   two subscriptions, or a retry under a new id
same version, other content            new         providers stamp whole seconds; the later arrival wins
same version, an earlier content again new         a real flip back within one second
older version than stored              stale       deliveries overtake each other
same time, a lower rank                stale       a paid invoice is not open again: the tie arrived in reverse order
any time, an earlier phase             stale       a completed job does not run again, whatever its times say
no version                             ordered by event time, then arrival; only the delivery id makes a duplicate
no time at all                         ordered by rank, then arrival
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from schemas.codec import time_us
from schemas.records import PHASE, LatestState, RawDelivery, SeenVersion, Snapshot

MAX_KEPT = 100  # contents and deliveries kept per version; a provider retries at most 11 times


class DedupVerdict(Struct, frozen=True):
    """The reason why a snapshot stops at this step."""

    outcome: Literal["duplicate", "stale", "unchanged", "dead"]
    reason: str
    detail: str


def version_tag(snapshot: Snapshot, delivery_id: str) -> str:
    """Return a tag that distinguishes versions of one resource.

    Without a version it is the delivery id, never the event time: some senders stamp each attempt with a new time.
    """
    return f"d{delivery_id}" if snapshot.version is None else f"v{time_us(snapshot.version)}"


def dedup(
    snapshot: Snapshot,
    fingerprint: bytes,
    delivery: RawDelivery,
    seen: SeenVersion | None,
    latest: LatestState | None,
) -> DedupVerdict | None:
    """Return why a snapshot is not new, None if it continues to the next step."""
    if seen is not None:
        if delivery.delivery_id in seen.delivery_ids:
            return _under_known_id(seen, fingerprint, delivery.api_version)
        if snapshot.version is not None and seen.fingerprints[-1] == fingerprint:
            return DedupVerdict(
                "duplicate", "same_version_and_content", "another delivery showed this version with this content"
            )
    if latest is not None and is_older(snapshot, latest):
        return DedupVerdict("stale", "older_than_stored", "a newer version of this resource was decided before")
    return None


def _under_known_id(seen: SeenVersion, fingerprint: bytes, api_version: str | None) -> DedupVerdict:
    if fingerprint in seen.fingerprints:
        return DedupVerdict("duplicate", "delivery_id", "this delivery id was decided before")
    if api_version is not None and seen.api_versions and api_version not in seen.api_versions:
        detail = f"this delivery id was decided before, as API version {seen.api_versions[0]} shows it"
        return DedupVerdict("duplicate", "other_rendering", detail)
    detail = (
        "this delivery id was decided before with another content: a sender that uses ids twice, or a forged header"
    )
    return DedupVerdict("dead", "reused_delivery_id", detail)


def is_older(snapshot: Snapshot, latest: LatestState) -> bool:
    """Say whether a snapshot is older than the stored state; if either has no time, rank and arrival decide.

    An earlier phase is older whatever the times are. After a delete without a rank a tie is older too: an update stamped with the
    second of the delete came before it. In any other tie the later arrival is newer, unless it has a lower rank than the stored
    state. What a subscription without the update time has shown is ordered by the event's time, and so is what follows: an
    update time is earlier than the event of its change.
    """
    if snapshot.state_rank >= PHASE <= latest.state_rank:
        phase, stored_phase = snapshot.state_rank // PHASE, latest.state_rank // PHASE
        if phase != stored_phase:
            return phase < stored_phase
    shown_us = order_us(snapshot)
    stored_us = latest.event_time_us if latest.version_us is None else latest.version_us
    if snapshot.may_be_partial and snapshot.event_time and latest.version_us is None and not latest.is_deleted:
        shown_us = time_us(snapshot.event_time)
    if shown_us is None or stored_us is None:
        return 0 < snapshot.state_rank < latest.state_rank
    if snapshot.is_deleted:
        return shown_us < stored_us
    if latest.is_deleted and not latest.state_rank:
        return shown_us <= stored_us
    return (shown_us, snapshot.state_rank) < (stored_us, latest.state_rank)


def order_us(snapshot: Snapshot) -> int | None:
    """Return the time that orders the snapshots of a resource: the version, else the event time."""
    return time_us(snapshot.version or snapshot.event_time)


def remember(
    seen: SeenVersion | None, fingerprint: bytes, delivery_id: str, api_version: str | None = None
) -> SeenVersion:
    """Return the row of *seen* after one more delivery; a repeated content is not stored twice in a row."""
    if seen is None:
        return SeenVersion((fingerprint,), (delivery_id,), 0, () if api_version is None else (api_version,))
    fingerprints = seen.fingerprints if seen.fingerprints[-1] == fingerprint else (*seen.fingerprints, fingerprint)
    dropped = seen.dropped + max(0, len(fingerprints) - MAX_KEPT)
    api_versions = seen.api_versions
    if api_version is not None and api_version not in api_versions:
        api_versions = (*api_versions, api_version)[-MAX_KEPT:]
    return SeenVersion(fingerprints[-MAX_KEPT:], (*seen.delivery_ids, delivery_id)[-MAX_KEPT:], dropped, api_versions)


def times_shown(seen: SeenVersion | None, fingerprint: bytes) -> int:
    """Return a number that grows with every flip back to a content within one version; 0 if it is new.

    Discarded contents count as this one: two flips must never share a number, because event ids contain it.
    """
    return 0 if seen is None else seen.fingerprints.count(fingerprint) + seen.dropped


def without_last_delivery(seen: SeenVersion) -> SeenVersion:
    """Return a row that the current delivery has already written, without its id.

    A delivery may show one resource twice (a wiki page edited twice in one push); its id must not make the second state
    a duplicate.
    """
    return replace(seen, delivery_ids=seen.delivery_ids[:-1])

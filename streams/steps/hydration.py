"""Before step 2: a delivery that only names its resource waits until the resource was read.

Its changes would carry the notification instead of the resource. It ends when the read is decided: as the read does, for the
oldest of the deliveries that one read answers, and as `unchanged` for those behind it, because one read makes one change.
"""

from collections.abc import Collection, Sequence
from typing import Final

from msgspec import Struct

from providers.api import Wanted
from providers.fetched import wanted_for
from schemas.codec import time_us
from schemas.fetches import HEADER, FetchRequest, FetchResult, decode_result
from schemas.records import LatestState, Outcome, RawDelivery, ShownBy, Snapshot
from streams.steps.dedup import DedupVerdict


class Hydration(Struct, frozen=True):
    """What a source reads: resource types (None: all that can be read), of the tenants with credentials (None: of all)."""

    resource_types: frozenset[str] | None = None
    tenants: Collection[str] | None = None

    def wanted(self, snapshots: Sequence[Snapshot], delivery: RawDelivery) -> Wanted | None:
        """Return what has to be read for a delivery, None if it is decided as it is: it tells enough, or of several resources."""
        if len(snapshots) > 1 or (self.tenants is not None and delivery.tenant not in self.tenants):
            return None
        wanted = wanted_for(snapshots[0], delivery)
        is_read = wanted is not None and (self.resource_types is None or wanted.resource_type in self.resource_types)
        return wanted if is_read else None


def known_already(snapshot: Snapshot, latest: LatestState | None) -> DedupVerdict | None:
    """Return why a snapshot stops that only names a resource of which more is stored: it must not replace that."""
    if not snapshot.is_reference or latest is None or latest.document is None or latest.shown_by != "read":
        return None
    detail = "it only names its resource, whose document was read before; nothing reads it again without credentials"
    return DedupVerdict("unchanged", "reference", detail)


def shown_by(delivery: RawDelivery, snapshot: Snapshot) -> ShownBy:
    """Return how a document came that is stored now."""
    return "read" if is_fetch(delivery) else "reference" if snapshot.is_reference else ""


def is_fetch(delivery: RawDelivery) -> bool:
    """Say whether the hydration wrote a delivery."""
    return HEADER in delivery.headers


def result_of(delivery: RawDelivery) -> FetchResult | None:
    """Return what a read brought, None for a header that is none of the hydration's."""
    try:
        return decode_result(delivery.headers[HEADER])
    except ValueError:  # msgspec's errors are ValueErrors
        return None


def request_for(delivery: RawDelivery, snapshot: Snapshot, wanted: Wanted) -> FetchRequest:
    """Return the request to read what a delivery needs.

    The time is that of the event only if it is about the resource that is read: stock that changes is no change of its product.
    """
    return FetchRequest(
        delivery.provider,
        delivery.source,
        delivery.tenant,
        wanted.resource_type,
        wanted.resource_id,
        delivery.key,
        delivery.partition,
        delivery.offset,
        time_us(delivery.received_at) or 0,
        time_us(snapshot.event_time) if wanted.resource_type == snapshot.resource_type else None,
        wanted.reference,
        wanted.context,
        wanted.api_version,
    )


WAITS: Final = Outcome("pending", "awaits_read", "it only names its resource, which is being read")


def answered(fetched: Outcome, number: int) -> Outcome:
    """Return the outcome of a delivery by that of the read which answers it; `number` counts from the oldest."""
    if fetched.outcome == "dead":
        return Outcome("dead", fetched.reason, fetched.detail)
    if fetched.outcome == "changed" and number:
        return Outcome(
            "unchanged", "same_read", "the read that answered an earlier delivery shows what this one tells of"
        )
    if fetched.outcome == "duplicate":
        return Outcome("unchanged", "no_difference", "the read showed the state that was stored")
    return fetched

"""By the provider's rules: what has to be read for a delivery, and what a document that was read shows. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from providers.api import Wanted
from providers.base import Parsed, Unparsed
from providers.bigcommerce.fetched import fetched_snapshot as bigcommerce_snapshot
from providers.bigcommerce.reads import wanted as wanted_of_bigcommerce
from providers.github import fetched as github
from providers.shopify import fetched as shopify
from providers.stripe import fetched as stripe
from schemas.records import Document, RawDelivery, Snapshot

Wants = Callable[[Snapshot, RawDelivery], Wanted | None]
Parses = Callable[[str, str, Document, datetime], Parsed | Unparsed]
"""From resource type, resource id, document and the time at which the read started."""

WANTS: Final[Mapping[str, Wants]] = {
    "bigcommerce": lambda snapshot, _: wanted_of_bigcommerce(snapshot),
    "github": lambda snapshot, delivery: github.wanted(snapshot, delivery) if github.needs_read(snapshot) else None,
    "shopify": lambda snapshot, delivery: shopify.wanted(snapshot, delivery) if shopify.needs_read(snapshot) else None,
    "stripe": lambda snapshot, delivery: stripe.wanted(snapshot, delivery) if stripe.needs_read(snapshot) else None,
}
PARSES: Final[Mapping[str, Parses]] = {
    "bigcommerce": lambda kind, resource_id, document, _: Parsed((bigcommerce_snapshot(kind, resource_id, document),)),
    "github": lambda kind, _, document, read_at: github.parse_fetched(kind, document, read_at),
    "shopify": lambda kind, _, document, read_at: shopify.parse_fetched(kind, document, read_at),
    "stripe": lambda kind, _, document, read_at: stripe.parse_fetched(kind, document, read_at),
}


def wanted_for(snapshot: Snapshot, delivery: RawDelivery) -> Wanted | None:
    """Return what has to be read because a delivery only names it or shows it in part; None if nothing has to, or can."""
    wants = WANTS.get(delivery.provider)
    if wants is not None:
        return wants(snapshot, delivery)
    return Wanted(snapshot.resource_type, snapshot.resource_id) if snapshot.is_reference else None


def parse_fetched(
    provider: str, resource_type: str, resource_id: str, document: Document | None, read_at: datetime
) -> Parsed | Unparsed:
    """Return what a read shows, the resource first; the end of the resource if there is no document.

    What has no time of its own is ordered by that of the read: whatever was told before is older.
    """
    if document is None:
        return Parsed((Snapshot(resource_type, resource_id, None, event_time=read_at, is_deleted=True),))
    parses = PARSES.get(provider)
    if parses is None:
        return Parsed((Snapshot(resource_type, resource_id, document, event_time=read_at),))
    parsed = parses(resource_type, resource_id, document, read_at)
    if isinstance(parsed, Unparsed):
        return parsed
    return Parsed(tuple(_ordered(snapshot, read_at) for snapshot in parsed.snapshots), parsed.notes)


def _ordered(snapshot: Snapshot, read_at: datetime) -> Snapshot:
    has_time = snapshot.version is not None or snapshot.event_time is not None
    return snapshot if has_time else replace(snapshot, event_time=read_at)

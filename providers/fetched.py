"""By the provider's rules: what has to be read for a delivery, and what a document that was read shows of its resource. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from providers.api import Wanted
from providers.bigcommerce import fetched as bigcommerce_fetched
from providers.bigcommerce import reads as bigcommerce_reads
from schemas.records import Document, RawDelivery, Snapshot

Rule = Callable[[str, str, Document, datetime], Snapshot]
"""From resource type, resource id, document and the time at which the read started."""

RULES: Final[Mapping[str, Rule]] = {
    "bigcommerce": lambda kind, resource_id, document, _: bigcommerce_fetched.fetched_snapshot(
        kind, resource_id, document
    ),
}
WANTED: Final[Mapping[str, Callable[[Snapshot, RawDelivery], Wanted | None]]] = {
    "bigcommerce": lambda snapshot, _: bigcommerce_reads.wanted(snapshot),
}


def wanted_for(snapshot: Snapshot, delivery: RawDelivery) -> Wanted | None:
    """Return what has to be read because a delivery only names it or shows it in part; None if nothing has to, or can."""
    rule = WANTED.get(delivery.provider)
    if rule is not None:
        return rule(snapshot, delivery)
    return Wanted(snapshot.resource_type, snapshot.resource_id) if snapshot.is_reference else None


def fetched_snapshot(
    provider: str, resource_type: str, resource_id: str, document: Document | None, read_at: datetime
) -> Snapshot:
    """Return what a read shows: a whole document, or the end of the resource if there is none.

    Without a rule of the provider the time of the read orders it: whatever was told before is older.
    """
    if document is None:
        return Snapshot(resource_type, resource_id, None, event_time=read_at, is_deleted=True)
    rule = RULES.get(provider)
    shown = Snapshot(resource_type, resource_id, document)
    if rule is not None:
        shown = rule(resource_type, resource_id, document, read_at)
    return shown if shown.version is not None or shown.event_time is not None else replace(shown, event_time=read_at)

"""Turns a document that was read at a provider into the snapshot of its resource, by the provider's rules."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from schemas.records import Document, Snapshot

Rule = Callable[[str, str, Document, datetime], Snapshot]
"""From resource type, resource id, document and the time at which the read started."""

RULES: Final[Mapping[str, Rule]] = {}


def fetched_snapshot(
    provider: str, resource_type: str, resource_id: str, document: Document | None, read_at: datetime
) -> Snapshot:
    """Return what a read shows: a whole document, or the end of the resource if there is none.

    Without a rule of the provider the time of the read orders it: whatever was told before is older.
    """
    if document is None:
        return Snapshot(resource_type, resource_id, None, event_time=read_at, is_deleted=True)
    rule = RULES.get(provider)
    if rule is not None:
        return rule(resource_type, resource_id, document, read_at)
    return Snapshot(resource_type, resource_id, document, event_time=read_at)

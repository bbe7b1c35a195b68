"""Which dead letters a person means: by id or position, or by what the letters say. Pure."""

from datetime import datetime

from msgspec import Struct

from console.selecting import is_one_of
from schemas.records import Document
from streams.steps.origin import original_id, position_text


class Selection(Struct, frozen=True):
    """A letter is selected if it has one of the ids, and one of the values of each field that is given.

    `ids` are delivery ids, or positions such as `webhooks.raw-0-17`. `text` is looked for in the body and in the error,
    in upper and lower case.
    """

    ids: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()
    event_types: frozenset[str] = frozenset()
    since: datetime | None = None
    text: str | None = None

    @property
    def is_everything(self) -> bool:
        """Say whether nothing is selected by."""
        return self == Selection()

    def matches(self, record: Document) -> bool:
        """Say whether a record of `deliveries.dead` is selected."""
        return (
            is_one_of(self.reasons, record["reason"])
            and is_one_of(self.sources, record["source"])
            and is_one_of(self.tenants, record.get("tenant", ""))
            and is_one_of(self.event_types, record["event_type"])
            and (self.since is None or record["decided_at"] >= self.since)
            and (not self.ids or not self.ids.isdisjoint(_names(record)))
            and (self.text is None or _contains(record, self.text))
        )


def _names(record: Document) -> set[str]:
    """Return what a person may call a letter; a GitHub GUID names the delivery of any hook with that GUID (`hook:GUID`)."""
    delivery_id = record["delivery_id"]
    original = original_id(delivery_id)
    own = position_text(record["topic"], record["partition"], record["offset"])
    return {delivery_id, original, original.rpartition(":")[2], own, record.get("cause") or own}


def _contains(record: Document, text: str) -> bool:
    wanted = text.lower()
    return wanted.encode() in record["body"].lower() or wanted in record["error"].lower()

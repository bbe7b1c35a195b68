"""The times that order Shopify's snapshots: the resource's own update time, else that of the event."""

from datetime import datetime, timedelta

from providers.reading import instant
from schemas.records import Document, RawDelivery

MAX_AHEAD = timedelta(minutes=5)  # the tolerated clock difference; the same as for signed times
VERSION_FIELDS = ("updated_at", "occurredAt", "lastEditDate")
VOLATILE = frozenset(VERSION_FIELDS)


def believed_time(delivery: RawDelivery) -> datetime | None:
    """Return the event time from the header, None if it is in the future.

    It is not signed, and a time in the far future would make every later delivery without a version stale.
    """
    time = delivery.event_time
    return None if time is not None and time - delivery.received_at > MAX_AHEAD else time


def first_instant(document: Document, names: tuple[str, ...]) -> datetime | None:
    """Return the time in the first of these fields that has one."""
    for name in names:
        value = document.get(name)
        time = None if value is None else instant(value)
        if time is not None:
            return time
    return None

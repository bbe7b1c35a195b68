"""Compares what a list shows of a resource with what is stored of it. Pure."""

from datetime import datetime

from msgspec import Struct

from providers.listing import Listed
from schemas.codec import time_us
from schemas.records import LatestState


class Stored(Struct, frozen=True):
    """What *latest* has of one resource: its version, else the time of the event that showed it, microseconds since 1970, UTC.

    `is_whole`: the document was delivered or read; otherwise a delivery has only named the resource.
    """

    at_us: int | None
    is_deleted: bool = False
    is_whole: bool = True


def stored_of(state: LatestState) -> Stored:
    """Return what matters of a row of *latest*."""
    at_us = state.event_time_us if state.version_us is None else state.version_us
    return Stored(at_us, state.is_deleted, state.shown_by != "reference")


def is_missed(listed: Listed, stored: Stored | None, *, is_logged: bool = False) -> bool:
    """Say whether a resource has to be read: the list shows it newer than stored, or it is unknown, or that cannot be told.

    A list may lag behind: an older version, and a resource that was deleted since, are no news. `is_logged`: the provider has a
    log of all changes, so a list without times has to show only what is unknown.
    """
    if stored is None:
        return not listed.is_deleted
    if listed.is_deleted:
        return not stored.is_deleted
    shown_us = shown_time_us(listed)
    if shown_us is None and is_logged:
        return stored.is_deleted
    if shown_us is None or stored.at_us is None or not stored.is_whole:
        return True
    return shown_us > stored.at_us


def shown_time_us(listed: Listed) -> int | None:
    """Return the time that a list gives for a resource's state: its version, else when the event happened that lists it."""
    shown: datetime | None = listed.version or listed.at
    return time_us(shown)


def is_absent(stored: Stored, started_us: int) -> bool:
    """Say whether a resource that a complete list lacks may be gone: it lives, and is older than the list.

    What is stored without any time might be newer, so it stays.
    """
    return not stored.is_deleted and stored.at_us is not None and stored.at_us < started_us

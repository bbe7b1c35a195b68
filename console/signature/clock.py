"""The time at which a captured request is verified, and the origin of that time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from console.errors import Misused
from providers.times import any_instant, of_unix_seconds


@dataclass(frozen=True, slots=True)
class Clock:
    """A time, aware UTC, and its origin in words."""

    time: datetime
    origin: str


def clock(now: str | None, headers: Mapping[str, str], machine_time: datetime) -> Clock:
    """Return the time for the verification: as given, else the request's own Date, else this machine's.

    Raises `Misused` for an invalid time.
    """
    if now is not None:
        return Clock(_time(now), "--now")
    sent_at = any_instant(headers.get("date"))
    return Clock(machine_time, "this machine's clock") if sent_at is None else Clock(sent_at, "the file's Date header")


def _time(text: str) -> datetime:
    time = of_unix_seconds(text) or any_instant(text)
    if time is None:
        raise Misused("--now: expected a time such as 2026-11-21T10:00:00Z, or Unix seconds")
    return time

"""GitHub's log of deliveries: which events never arrived, and what a delivery contained. Pure; no network.

GitHub does not retry: an event that met an outage is delivered again only on request. All attempts of one event have its GUID.
The log has three days, the newest first.
Source: GitHub's REST API 2022-11-28, "Handling failed webhook deliveries", "Get a delivery for a repository webhook".
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from providers.api import Malformed, Quota
from providers.base import SignedRequest
from providers.outline import at
from providers.reading import instant, text_id
from schemas.codec import document_json
from schemas.records import Document

DAYS: Final = 3
DELIVERED: Final = "OK"
_SIGNATURES: Final = frozenset({"x-hub-signature", "x-hub-signature-256"})


class Attempt(Struct, frozen=True):
    """One attempt to deliver an event. `action` is "" for an event without one, `status` GitHub's words (`OK`, `timed out`)."""

    delivery_id: str
    guid: str
    event: str
    action: str
    at: datetime
    status: str
    is_redelivery: bool = False


class MissedDelivery(Struct, frozen=True):
    """An event of which no attempt arrived. `delivery_id` and `status` are its newest attempt's, `at` the time of its first."""

    guid: str
    delivery_id: str
    event: str
    action: str
    at: datetime
    attempts: int
    status: str


class Missed(Struct, frozen=True):
    """The missed deliveries of one hook, the oldest first.

    `since` is how far back the log was read: later than asked if it is too long to be read at once. What lies before is unknown.
    """

    deliveries: tuple[MissedDelivery, ...]
    since: datetime
    requests: int
    quota: Quota | None = None


class RecordedDelivery(Struct, frozen=True):
    """What a delivery contained, as a request without a signature: its JSON is written anew, so that none could be checked.

    It comes from the API, not from a post: whoever ingests it marks it `origin=api`.
    """

    attempt: Attempt
    request: SignedRequest


class Groups:
    """The attempts of a log by their event, in any order. Of an event that arrived only the GUID is kept."""

    def __init__(self) -> None:
        self._delivered: set[str] = set()
        self._missed: dict[str, MissedDelivery] = {}

    def add(self, attempts: Iterable[Attempt]) -> None:
        """Add attempts, each once."""
        for attempt in attempts:
            if attempt.status == DELIVERED:
                self._delivered.add(attempt.guid)
                self._missed.pop(attempt.guid, None)
            elif attempt.guid not in self._delivered:
                self._missed[attempt.guid] = _with(self._missed.get(attempt.guid), attempt)

    def missed(self, since: datetime) -> tuple[MissedDelivery, ...]:
        """Return the events that failed at a time or later and of which no attempt arrived, the oldest first."""
        missed = (each for each in self._missed.values() if each.at >= since)
        return tuple(sorted(missed, key=lambda each: (each.at, each.guid)))


def attempt_of(document: Document) -> Attempt | None:
    """Return an entry of the log, None if it is not what GitHub documents."""
    delivery_id, guid = text_id(document.get("id")), text_id(document.get("guid"))
    when = instant(document.get("delivered_at"))
    if delivery_id is None or guid is None or when is None:
        return None
    return Attempt(
        delivery_id,
        guid,
        _text(document.get("event")),
        _text(document.get("action")),
        when,
        _text(document.get("status")),
        document.get("redelivery") is True,
    )


def recorded(document: Document, hook_id: str) -> RecordedDelivery | Malformed:
    """Return a delivery of the log with its content; `hook_id` is "" for the hook of an app, which the headers name."""
    attempt, headers, payload = attempt_of(document), at(document, "request.headers"), at(document, "request.payload")
    if attempt is None or not isinstance(headers, dict) or not isinstance(payload, dict):
        return Malformed("expected a delivery with id, guid, delivered_at, request.headers and request.payload")
    sent = {name.lower(): value for name, value in headers.items() if isinstance(value, str)}
    named = {"x-github-event": attempt.event, "x-github-delivery": attempt.guid}
    named |= {"x-github-hook-id": hook_id} if hook_id else {}
    kept = {name: value for name, value in (named | sent).items() if name not in _SIGNATURES}
    return RecordedDelivery(attempt, SignedRequest(kept | {"content-type": "application/json"}, document_json(payload)))


def _with(missed: MissedDelivery | None, attempt: Attempt) -> MissedDelivery:
    if missed is None:
        return MissedDelivery(
            attempt.guid, attempt.delivery_id, attempt.event, attempt.action, attempt.at, 1, attempt.status
        )
    is_newer = _number(attempt) > _number(missed)
    return MissedDelivery(
        missed.guid,
        attempt.delivery_id if is_newer else missed.delivery_id,
        missed.event,
        missed.action,
        min(missed.at, attempt.at),
        missed.attempts + 1,
        attempt.status if is_newer else missed.status,
    )


def _number(each: Attempt | MissedDelivery) -> tuple[int, str]:
    """Return what orders ids as numbers; no attempt is older than one with a smaller id."""
    return len(each.delivery_id), each.delivery_id


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

"""Who caused what a delivery tells of, where a provider says it: Stripe names the request, GitHub the account. Pure.

Stripe: `request{id, idempotency_key}` of an event, the `Request-Id` and `Idempotency-Key` of the call that caused it (thin events
have it in `reason.request`); `data.previous_attributes` names what it changed. Source: Stripe, "The Event object", 2026-06.
GitHub: `sender.id` is the account that acted, an app's bot too. `installation.id` is the installation that gets the delivery,
whoever acted, so alone it proves nothing. Source: GitHub, "Webhook events and payloads", 2026-11.
"""

from typing import Any

import msgspec
from msgspec import Struct

from providers.base import Unparsed
from providers.github.provider import json_bytes
from schemas.records import RawDelivery


class Author(Struct, frozen=True):
    """What a delivery says about its cause; None and "" where it says nothing.

    `fields` are the top-level fields that the cause changed, None if they are not named.
    """

    request_id: str = ""
    idempotency_key: str = ""
    sender_id: int | None = None
    installation_id: int | None = None
    fields: frozenset[str] | None = None


NOBODY = Author()


class _Request(Struct):
    id: str | None = None
    idempotency_key: str | None = None


class _Reason(Struct):
    request: _Request | None = None


class _Data(Struct):
    previous_attributes: dict[str, msgspec.Raw] | None = None


class _Event(Struct):
    request: _Request | str | None = None  # before API version 2017-05-25 it was the id alone
    reason: _Reason | None = None
    data: _Data | None = None


class _Account(Struct):
    id: int | None = None


class _Payload(Struct):
    sender: _Account | None = None
    installation: _Account | None = None


_event = msgspec.json.Decoder(_Event).decode
_payload = msgspec.json.Decoder(_Payload).decode


def author_of(delivery: RawDelivery) -> Author:
    """Return who caused what a delivery tells of; `NOBODY` where the provider does not say, and for an unreadable body."""
    try:
        match delivery.provider:
            case "stripe":
                return _stripe(_event(delivery.body))
            case "github":
                text = json_bytes(delivery.body, delivery.content_type)
                return NOBODY if isinstance(text, Unparsed) else _github(_payload(text))
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return NOBODY
    return NOBODY


def _stripe(event: _Event) -> Author:
    request: Any = event.request or (None if event.reason is None else event.reason.request)
    previous = None if event.data is None else event.data.previous_attributes
    fields = None if previous is None else frozenset(previous)
    if isinstance(request, str):
        return Author(request, fields=fields)
    if request is None:
        return NOBODY
    return Author(request.id or "", request.idempotency_key or "", fields=fields)


def _github(payload: _Payload) -> Author:
    sender, installation = payload.sender or _Account(), payload.installation or _Account()
    return Author(sender_id=sender.id, installation_id=installation.id)

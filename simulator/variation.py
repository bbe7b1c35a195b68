"""Makes many deliveries from one payload: each a new event, or each a new version of the resource."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import msgspec

from providers.reading import read_object
from providers.times import EPOCH
from schemas.codec import document_json
from schemas.records import Document

UPDATE_TIMES = frozenset({"updated_at", "updatedAt", "date_modified", "timestamp"})
"""Keys under which providers write the update time of a resource; `created` of a Stripe event is the event's own time."""
MARK = "penstock_variation"


def renewed(provider: str, body: bytes, delivery_id: str) -> bytes:
    """Return the body of another delivery of the same content: unchanged, unless the body itself holds the id."""
    if provider != "stripe":
        return body
    document = read_object(body)
    return document_json({**document, "id": delivery_id}) if isinstance(document, dict) else body


def varied(provider: str, body: bytes, number: int, now: datetime) -> bytes:
    """Return the body as the `number`th new version: later by that many microseconds than `now`, and with other content.

    A body that is not a JSON object is returned unchanged.
    """
    document = read_object(body)
    if not isinstance(document, dict):
        return body
    moment_us = (now.astimezone(UTC) - EPOCH) // (datetime.resolution) + number
    moment = datetime.fromtimestamp(moment_us // 1_000_000, UTC).replace(microsecond=moment_us % 1_000_000)
    updated = _updated(document, moment, 0)
    if provider in {"stripe", "bigcommerce"}:
        updated["created" if provider == "stripe" else "created_at"] = int(moment.timestamp())
    _resource(updated)[MARK] = number
    return document_json(updated)


def _updated(document: Document, moment: datetime, depth: int) -> Document:
    """Return an object with its update times, and those of the objects one level below, set to a moment."""
    return {key: _updated_value(key, value, moment, depth) for key, value in document.items()}


def _updated_value(key: str, value: object, moment: datetime, depth: int) -> object:
    if isinstance(value, dict) and depth < 2:
        return _updated(value, moment, depth + 1)
    if key not in UPDATE_TIMES:
        return value
    if isinstance(value, str):
        return moment.isoformat().replace("+00:00", "Z")
    return int(moment.timestamp()) if isinstance(value, int) and not isinstance(value, bool) else value


def _resource(document: Document) -> Document:
    """Return the object where a change should appear: the resource inside its envelope, or the body itself."""
    inner = document.get("data")
    if isinstance(inner, dict):
        deeper = inner.get("object")
        return deeper if isinstance(deeper, dict) else inner
    with_times = [value for value in document.values() if isinstance(value, dict) and UPDATE_TIMES.intersection(value)]
    return with_times[0] if with_times and not UPDATE_TIMES.intersection(document) else document


def new_delivery_id(provider: str, unique: str) -> str:
    """Return a delivery id in the provider's format, made from a unique text."""
    forms: Mapping[str, Callable[[str], str]] = {"stripe": "evt_{}".format, "standard": "msg_{}".format}
    return forms.get(provider, str)(unique)


def first_delivery_id(provider: str, body: bytes, unique: str) -> str:
    """Return the id of a payload's first delivery: the one in a Stripe event, else a new one."""
    if provider == "stripe":
        try:
            return msgspec.json.decode(body, type=_WithId).id
        except msgspec.MsgspecError:
            pass
    return new_delivery_id(provider, unique)


class _WithId(msgspec.Struct):
    id: str

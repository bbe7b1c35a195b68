"""Reads providers' formats: JSON without loss of digits, instants in every notation, names valid in topics.

No input makes these functions raise.
"""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
from msgspec import Struct

from providers.base import Unparsed
from schemas.records import Document, resource_key

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_UNIX_S = 253_402_300_799  # 9999-12-31, the last second `datetime` can hold
MALFORMED = (msgspec.DecodeError, ValueError, InvalidOperation)  # no decimal has an exponent of 20 digits
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BETWEEN_NAMES = re.compile(r"[./:]+")
_DELETIONS = frozenset({"delete", "deleted", "remove", "removed", "destroy", "destroyed"})
_VERBS = _DELETIONS | {
    "create",
    "created",
    "add",
    "added",
    "update",
    "updated",
    "change",
    "changed",
    "paid",
    "cancelled",
}
MAX_TIME_CHARS = 64  # the longest notation in use, RFC 2822 with a comment, takes about 45
MAX_NAME_CHARS = 80  # a topic name may have 249 characters; prefix, provider and suffix need the rest


class ResourceNames(Struct, frozen=True):
    """The type and id of one resource; `parent` is the (type, id) of its root, None for a root."""

    resource_type: str
    resource_id: str
    parent: tuple[str, str] | None


def root_key(provider: str, source: str, found: ResourceNames) -> str:
    """Return the key of a resource's root, by which its deliveries are partitioned."""
    resource_type, resource_id = found.parent or (found.resource_type, found.resource_id)
    return resource_key(provider, source, resource_type, resource_id)


def read_json(body: bytes) -> Any:
    """Return the parsed JSON value, or `Unparsed` with the reason; integers and decimals keep every digit.

    Of duplicate keys the last is used (RFC 8259 leaves this open; every provider's own library does the same).
    """
    if not body.strip():
        return Unparsed("unreadable", "expected a JSON object, got an empty body")
    try:
        return _decode(body)
    except RecursionError:
        return Unparsed("unreadable", "expected a JSON object, got one nested deeper than this process can read")
    except MALFORMED as error:
        return Unparsed("unreadable", f"expected a JSON object: {error}")


def read_object(body: bytes) -> Document | Unparsed:
    """Return the parsed JSON object, or `Unparsed` if the body is something else."""
    value = read_json(body)
    if isinstance(value, dict | Unparsed):
        return value
    return Unparsed("unknown_shape", f"expected a JSON object, got {_json_type(value)}")


def instant(value: object) -> datetime | None:
    """Return a provider's value as an aware UTC time, None if it is not a time.

    Supported: ISO 8601 with `Z` or an offset, RFC 2822 dates (BigCommerce v2), Unix seconds as a number.
    """
    if isinstance(value, str):
        return _instant_of_text(value) if len(value) <= MAX_TIME_CHARS else None
    if isinstance(value, int | Decimal) and not isinstance(value, bool) and 0 < value <= MAX_UNIX_S:
        return EPOCH + timedelta(seconds=float(value))
    return None


def _instant_of_text(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        try:
            time = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def text_id(value: object) -> str | None:
    """Return an id as text, None unless it is a non-empty string of at most 255 characters or an integer."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value) if abs(value) < 10**40 else None
    return value if isinstance(value, str) and 0 < len(value) <= 255 else None


def topic_name(text: str, default: str = "unknown") -> str:
    """Return text as lower_snake_case valid in a topic name: `Price List` and `priceList` become `price_list`."""
    name = _NOT_IN_A_NAME.sub("_", _CAMEL.sub("_", text[: 4 * MAX_NAME_CHARS]).lower()).strip("_")
    return name[:MAX_NAME_CHARS].strip("_") or default


def resource_of_event(event_type: str) -> str:
    """Return the resource type in an event name: `invoice.paid` and `invoice-created` are about `invoice`."""
    parts = [topic_name(part, "") for part in _BETWEEN_NAMES.split(event_type[: 4 * MAX_NAME_CHARS]) if part]
    if len(parts) > 1:
        return topic_name("_".join(parts[:-1]))
    words = topic_name(event_type).split("_")
    return "_".join(words[:-1] if len(words) > 1 and words[-1] in _VERBS else words)


def is_deletion(event_type: str) -> bool:
    """Return whether an event name ends in a word that means that the resource is gone."""
    return topic_name(event_type[-MAX_NAME_CHARS:]).rsplit("_", 1)[-1] in _DELETIONS


def body_digest(body: bytes) -> str:
    """Return the delivery id for a delivery without one: a digest of its exact bytes."""
    return "sha256:" + hashlib.sha256(body).hexdigest()[:32]


def _json_type(value: object) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")

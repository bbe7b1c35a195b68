"""Reads providers' formats: JSON without loss of digits, names valid in topics. Times are in `providers/times.py`.

No input makes these functions raise.
"""

import hashlib
import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from providers import times
from providers.base import Unparsed
from providers.repair import candidates, declared_charset, is_known
from schemas.records import Document, resource_key

instant = times.instant
MALFORMED = (msgspec.DecodeError, ValueError, InvalidOperation)  # InvalidOperation: no decimal has such an exponent
TOO_DEEP = Unparsed("unreadable", "expected a JSON object, got one nested deeper than this process can read")
_NOTHING = b"\xef\xbb\xbf\x00 \t\r\n\v\f"
_PLACE = re.compile(r"\(byte (\d+)\)$")
_NO_NUMBER = re.compile(rb"(?<![0-9A-Za-z_\"])([+-]?(?:NaN|Infinity))(?![0-9A-Za-z_\"])")
_NUMBER_CHARS = 10  # of `-Infinity` and what stands before it
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BETWEEN_NAMES = re.compile(r"[./:]+")
_DELETIONS = frozenset({"delete", "deleted", "deletion", "remove", "removed", "destroy", "destroyed"})
_CREATIONS = frozenset({"create", "created", "creation"})
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
_ANY_RESOURCE = frozenset({"entity", "entry", "object", "record", "resource"})
MAX_NAME_CHARS = 80  # a topic name may have 249 characters; prefix, provider and suffix need the rest


class ResourceNames(Struct, frozen=True):
    """The type and id of one resource; `parent` is the (type, id) of its root, None for a root."""

    resource_type: str
    resource_id: str
    parent: tuple[str, str] | None


def root_key(provider: str, source: str, tenant: str, found: ResourceNames) -> str:
    """Return the key of a resource's root, by which its deliveries are partitioned."""
    resource_type, resource_id = found.parent or (found.resource_type, found.resource_id)
    return resource_key(provider, source, tenant, resource_type, resource_id)


def tenant_name(value: object) -> str:
    """Return an account's name or number as a tenant: without `|`, at most 255 characters; "" if it is neither."""
    return (text_id(value) or "").replace("|", "%7C")


def read_json(body: bytes, content_type: str = "") -> Any:
    """Return the JSON value of a body, or `Unparsed` with the reason; integers and decimals keep every digit.

    Of duplicate keys the last is used (RFC 8259 leaves this open; every provider's own library does the same).
    """
    return _read(body, content_type)[0]


def read_object(body: bytes, content_type: str = "") -> Document | Unparsed:
    """Return the JSON object of a body, or `Unparsed` if the body is something else."""
    return read_noted(body, content_type)[0]


def read_noted(body: bytes, content_type: str = "") -> tuple[Document | Unparsed, tuple[str, ...]]:
    """Return what `read_object` does, and the notes on how the body was repaired (see `providers.repair`)."""
    value, notes = _read(body, content_type)
    if isinstance(value, dict | Unparsed):
        return value, notes
    return Unparsed("unknown_shape", f"expected a JSON object, got {_json_type(value)}"), notes


def _read(body: bytes, content_type: str) -> tuple[Any, tuple[str, ...]]:
    charset = declared_charset(content_type)
    if charset is not None:
        return _read_repaired(body, charset, f"expected its bytes to be {charset}")
    try:
        return _decode(body), ()
    except RecursionError:
        return TOO_DEEP, ()
    except MALFORMED as error:
        return _read_repaired(body, None, _fault(body, error))


def _read_repaired(body: bytes, charset: str | None, fault: str) -> tuple[Any, tuple[str, ...]]:
    """Return the value of a body that is not strict UTF-8 JSON; `fault` says what is wrong with it as it is."""
    if not body.strip(_NOTHING):
        return Unparsed("unreadable", "expected a JSON object, got an empty body"), ()
    for repaired in candidates(body, charset):
        if charset is None and not repaired.repairs:
            continue  # that is the body as it is
        try:
            return _decode(repaired.body), repaired.notes
        except RecursionError:
            return TOO_DEEP, ()
        except MALFORMED as error:
            fault = _fault(repaired.body, error)
    if charset is not None and not is_known(charset):
        fault = f"expected a charset that is known, such as utf-8, got {charset!r}"
    return Unparsed("unreadable", f"expected a JSON object: {fault}"), ()


def _fault(text: bytes, error: Exception) -> str:
    """Return what is wrong with a JSON text, by its place and without its content, except for the numbers that JSON lacks."""
    message = str(error)
    place = _PLACE.search(message)
    if place is not None:
        start = max(0, int(place[1]) - _NUMBER_CHARS)
        found = _NO_NUMBER.search(text, start, start + 2 * _NUMBER_CHARS)
        if found is not None:
            number = found[1].decode()
            return (
                f"{number} at byte {found.start(1)} is no number of JSON (RFC 8259, section 6), which has null for it"
            )
    return message


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


def is_deletion(event_type: str, resource_type: str = "") -> bool:
    """Return whether an event name says that the resource is gone, by the last word after the last dot, slash or colon.

    What is before that word must name the resource: `customer.card_removed` and `pullrequest:comment_deleted` are updates of
    the customer and the pull request, for only a part of them is gone. `resource_type` is needed if it is not the name's own.
    """
    return _verb_of(event_type, resource_type) in _DELETIONS


def tie_rank(event_type: str, resource_type: str = "") -> int:
    """Return the rank of an event in its second, by its name: the creation of the resource before everything else."""
    return 1 if _verb_of(event_type, resource_type) in _CREATIONS else 2


@lru_cache(maxsize=1024)
def _verb_of(event_type: str, resource_type: str) -> str:
    """Return what an event name says has happened to the resource itself, "" if that is nothing or only to a part of it."""
    parts = _BETWEEN_NAMES.split(event_type[-MAX_NAME_CHARS:].rstrip("./:"))
    subject, _, verb = f"_{topic_name(parts[-1])}".rpartition("_")
    if verb not in _DELETIONS and verb not in _CREATIONS:
        return ""
    subject = subject.removeprefix("_")
    if not subject or (len(parts) == 1 and subject in _ANY_RESOURCE):
        return verb
    return verb if _names_same(subject, resource_type or resource_of_event(event_type)) else ""


def _names_same(name: str, other: str) -> bool:
    """Return whether two names end in the same word or words, in singular or plural: `line_item` and `order_line_items`."""
    words, other_words = name.split("_"), other.split("_")
    count = min(len(words), len(other_words))
    short, long = sorted(("_".join(words[-count:]), "_".join(other_words[-count:])), key=len)
    return long in {short, f"{short}s", f"{short}es"} or (short.endswith("y") and long == f"{short[:-1]}ies")


def body_digest(body: bytes) -> str:
    """Return the delivery id for a delivery without one: a digest of its exact bytes."""
    return "sha256:" + hashlib.sha256(body).hexdigest()[:32]


def _json_type(value: object) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")

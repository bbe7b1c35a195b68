"""Stripe's lists as data, and what their elements name. Pure; no network.

Objects have no update time and are listed by their creation only, so what changed is in the events; the lists of objects find
what is gone. Reading is by id: an event's object is as it was then, in the version of that time.
Source: Stripe's API reference 2026-06-24; its "Handle webhook event generation failures"; the list parameters of stripe-python.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from providers.base import Unparsed
from providers.listing import Listed, Listing
from providers.outline import at
from providers.reading import instant, text_id
from providers.stripe.names import object_id, resource_type_of
from providers.stripe.paths import path_of
from providers.stripe.provider import found_in, is_deletion
from providers.stripe.types import RESOURCE_TYPE_OF
from schemas.records import Document

EVENT_DAYS: Final = 30
EVENTS: Final = Listing("events", None, "changes", days=EVENT_DAYS, has_deletions=True)
UNGENERATED: Final = Listing("ungenerated_events", None, "changes", days=EVENT_DAYS)
"""Objects of which Stripe failed to make an event, and said so afterwards by an event of `FAILURE`."""

FAILURE: Final = "v2.core.health.event_generation_failure.resolved"

# Lists that need no other object's id and can be filtered by creation. `status=all`: else cancelled subscriptions are left out,
# and would count as gone.
_PARAMETERS: Final[Mapping[str, Mapping[str, str]]] = {
    "charge": {},
    "coupon": {},
    "credit_note": {},
    "customer": {},
    "dispute": {},
    "invoice": {},
    "invoiceitem": {},
    "payment_intent": {},
    "payout": {},
    "plan": {},
    "price": {},
    "product": {},
    "promotion_code": {},
    "refund": {},
    "setup_intent": {},
    "shipping_rate": {},
    "subscription": {"status": "all"},
    "subscription_schedule": {},
    "tax_rate": {},
    "topup": {},
    "transfer": {},
}
OBJECTS: Final = tuple(Listing(f"all_{name}", name, "complete") for name in _PARAMETERS)
LISTINGS: Final = (EVENTS, UNGENERATED, *OBJECTS)


class Seconds(Struct, frozen=True):
    """A span of whole seconds since 1970, `end` excluded: Stripe's events have no finer time."""

    begin: int
    end: int

    @property
    def query(self) -> dict[str, str]:
        """Return the parameters that ask for what was created in it."""
        return {"created[gte]": str(self.begin), "created[lt]": str(self.end)}


def seconds_of(since: datetime | None, until: datetime) -> Seconds:
    """Return the span of a window, the seconds of both ends rounded down so that adjacent windows have each event once.

    Without a beginning it is all that the log has, and a day more.
    """
    begin = since or until - timedelta(days=EVENT_DAYS + 1)
    return Seconds(int(begin.timestamp()), int(until.timestamp()))


def parameters_of(resource_type: str) -> Mapping[str, str]:
    """Return what the list of a type must be asked with, so that it has all objects."""
    return _PARAMETERS[resource_type]


def listed_by_event(event: Document, account: str) -> Listed | None:
    """Return the object that an event of `/v1/events` tells of, None if its id does not lead to it.

    A deleted object needs no read. An object without an id, or one that is only shown within another, cannot be read.
    """
    event_id = text_id(event.get("id")) or ""
    found = found_in(event, event_id)
    if isinstance(found, Unparsed) or found.is_occurrence:
        return None
    is_deleted = is_deletion(event, found.document)
    if not is_deleted and path_of(found.resource_type, found.resource_id) is None:
        return None
    return Listed(
        found.resource_type,
        found.resource_id,
        is_deleted=is_deleted,
        at=instant(event.get("created")),
        context=text_id(event.get("account")) or account,
        delivery_id=event_id,
        event_type=_text(event.get("type")),
    )


def listed_by_failure(event: Document, account: str) -> Listed | None:
    """Return the object of which Stripe made no event, None if nothing can read it. Whether it is deleted only a read tells.

    Until 2026 the event named the object by `related_object_id` alone; its type is then that in the type of the missing event.
    """
    event_type = _text(at(event, "data.impact.event_type"))
    own_id = text_id(at(event, "data.impact.related_object.id")) or text_id(at(event, "data.impact.related_object_id"))
    object_type = _text(at(event, "data.impact.related_object.type")) or _type_in(event_type)
    resource_type = resource_type_of(object_type.removeprefix("v1."))
    if own_id is None or path_of(resource_type, own_id) is None:
        return None
    context = _text(at(event, "data.impact.context")) or _text(at(event, "data.impact.account"))
    return Listed(
        resource_type,
        own_id,
        at=instant(event.get("created")),
        context=context.rpartition("/")[2] or account,
        event_type=event_type,
    )


def listed_object(stripe_object: Document, account: str) -> Listed | None:
    """Return an object of a list of its own type, None if it has no id."""
    object_type = _text(stripe_object.get("object"))
    resource_id = object_id(object_type, stripe_object)
    return None if resource_id is None else Listed(resource_type_of(object_type), resource_id, context=account)


def _type_in(event_type: str) -> str:
    """Return the object type in an event type: `subscription` for `customer.subscription.updated`."""
    parts = event_type.split(".")[:-1]
    names = (".".join(parts[start:]) for start in range(len(parts)))
    return next((name for name in names if name in RESOURCE_TYPE_OF), "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

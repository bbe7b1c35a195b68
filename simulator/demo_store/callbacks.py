"""Makes what a callback tells true in the demo's store, so that a read finds it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from msgspec import Struct

from providers.api import Wanted
from providers.base import Parsed, SignedRequest
from providers.bigcommerce.provider import BigCommerce
from providers.bigcommerce.reads import NUMBER, wanted
from providers.reading import instant
from schemas.records import Document, Snapshot
from simulator.demo_store.contents import made_product, with_fields
from simulator.providers.bigcommerce import documents
from simulator.providers.bigcommerce.fake import MODIFIED, FakeBigCommerce
from simulator.signing import raw_delivery
from simulator.variation import MARK


class Named(Struct, frozen=True):
    """One resource of one store."""

    store: str
    kind: str
    resource_id: str


_PROVIDER: Final = BigCommerce()
_NUMBERED: Final[Mapping[str, Callable[[int, int, datetime], Document]]] = {
    "category": lambda number, _, __: documents.category(number),
    "customer": lambda number, _, now: documents.customer(number, now),
    "customer_address": lambda number, customer, _: documents.customer_address(number, customer),
    "location": lambda number, _, __: documents.location(number),
    "order": lambda number, _, now: documents.order(number, now),
    "product": lambda number, _, now: made_product(number, now),
    "shipment": documents.shipment,
}
"""New resources of an id and, for those that belong to another, its id."""
_TEXTS: Final = {
    "cart": "email",
    "category": "description",
    "customer": "notes",
    "customer_address": "company",
    "location": "label",
    "order": "staff_notes",
    "shipment": "comments",
}
"""The field in which a variation (`penstock send --vary`) shows; of a product it is the price."""


def tenant_of(callback: bytes) -> str:
    """Return the store that a callback is of, "" if it does not say."""
    return _PROVIDER.identify("", SignedRequest({}, callback)).tenant


def apply_callback(fake: FakeBigCommerce, callback: bytes, fields: Document) -> list[Named]:
    """Create, change or delete what a callback names, with values for some fields; return what was changed.

    The callback's time becomes the update time; one that is older than the resource changes nothing, because it comes late. What
    the API does not show (an app, a price list, a body that cannot be read) is not changed either.
    """
    delivery = raw_delivery(_PROVIDER, "", SignedRequest({}, callback), fake.clock.now())
    parsed = _PROVIDER.parse(delivery)
    if not isinstance(parsed, Parsed):
        return []
    changed = (_applied(fake, delivery.tenant, snapshot, fields) for snapshot in parsed.snapshots)
    return [named for named in changed if named is not None]


def _applied(fake: FakeBigCommerce, store: str, snapshot: Snapshot, fields: Document) -> Named | None:
    read = wanted(snapshot)  # of a variant it is the product
    kind, resource_id = (snapshot if read is None else read).resource_type, (read or snapshot).resource_id
    known, told_at = fake.store.get(store, kind, resource_id), snapshot.event_time or fake.clock.now()
    if known is not None and told_at < (_modified(kind, known) or told_at):
        return None
    if read is None:
        if known is None or not snapshot.is_deleted:
            return None
        fake.delete(store, kind, resource_id)
        return Named(store, kind, resource_id)
    document = known or _made(read, told_at)
    if document is None:
        return None
    values = {**_variation(kind, snapshot, told_at), **fields, **_modified_at(kind, told_at)}
    fake.put(store, kind, with_fields(kind, document, values), resource_id)
    return Named(store, kind, resource_id)


def _modified(kind: str, document: Document) -> datetime | None:
    return instant(document[MODIFIED[kind][0]]) if kind in MODIFIED else None


def _modified_at(kind: str, time: datetime) -> Document:
    if kind not in MODIFIED:
        return {}
    name, written = MODIFIED[kind]
    return {name: written(time)}


def _made(read: Wanted, now: datetime) -> Document | None:
    """Return a new resource of this id, None for what the API does not show."""
    make = _NUMBERED.get(read.resource_type)
    if make is not None and NUMBER.fullmatch(read.resource_id):
        belongs_to = int(read.context) if NUMBER.fullmatch(read.context) else 0
        return make(int(read.resource_id), belongs_to, now)
    if read.resource_type == "cart":
        return documents.cart(read.resource_id, now)
    return None


def _variation(kind: str, snapshot: Snapshot, told_at: datetime) -> Document:
    """Return the field that makes a variation of a callback another state of its resource."""
    number = ((snapshot.document or {}).get("data") or {}).get(MARK)
    if not isinstance(number, int):
        return {}
    number += int(told_at.timestamp())
    if kind == "product":
        return {"price": Decimal(1_000 + number % 9_000) / 100}
    return {_TEXTS[kind]: f"variation {number}"} if kind in _TEXTS else {}

"""Collections of a shop that are created, renamed and deleted, so that a change that a consumer misses is missed for good.

Each collection is shown at most three times, and at any moment some are new: a gap of a few records cannot heal by later ones.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from providers.base import Sample
from providers.shopify.provider import Shopify
from schemas.records import Document, RawDelivery, resource_key
from simulator.signing import raw_delivery, signed

START = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = b"made-up"
TENANT = "example.myshopify.com"
RENAMED_AFTER, DELETED_AFTER = 40, 80  # collections created in between
RENAMED_EVERY, DELETED_EVERY = 2, 5
_SHOPIFY = Shopify()


def collections(source: str, first: int, count: int) -> Iterator[RawDelivery]:
    """Yield the deliveries of collections `first` to `first + count`: each created, some renamed, some of these deleted."""
    for number in range(first, first + count + DELETED_AFTER):
        renamed, deleted = number - RENAMED_AFTER, number - DELETED_AFTER
        if number < first + count:
            yield _delivery(source, number, 1, "update", {"title": f"collection {number}"})
        if first <= renamed < first + count and renamed % RENAMED_EVERY == 0:
            yield _delivery(source, renamed, 2, "update", {"title": f"renamed {renamed}"})
        if first <= deleted < first + count and deleted % DELETED_EVERY == 0:
            yield _delivery(source, deleted, 3, "delete", {})


def titles(source: str, count: int) -> dict[str, str]:
    """Return the title of each of the first collections that exists in the end, by its resource key."""
    kept = (number for number in range(count) if number % DELETED_EVERY)
    return {
        resource_key("shopify", source, TENANT, "collection", str(number)): (
            f"collection {number}" if number % RENAMED_EVERY else f"renamed {number}"
        )
        for number in kept
    }


def _delivery(source: str, number: int, second: int, verb: str, shown: Document) -> RawDelivery:
    moment = START + timedelta(seconds=second)
    document = {"id": number, **shown, **({"updated_at": moment.isoformat()} if shown else {})}
    sample = Sample(msgspec.json.encode(document), f"collections/{verb}", f"{source}-{number}-{second}", moment)
    return raw_delivery(_SHOPIFY, source, signed(_SHOPIFY, sample, SECRET), moment)

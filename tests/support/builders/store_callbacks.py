"""Deliveries of a fake BigCommerce's callbacks, as the ingress writes them to `webhooks.raw`."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import count

from providers.base import SignedRequest
from providers.bigcommerce.provider import BigCommerce
from schemas.records import RawDelivery
from simulator.providers.bigcommerce.notices import Notice

_numbers = count()


def callbacks(source: str, notices: Iterable[Notice]) -> Iterator[RawDelivery]:
    """Yield a delivery for each notice, each with an id of its own."""
    for notice in notices:
        yield callback(source, notice.body, f"{source}-{next(_numbers)}")


def callback(source: str, body: bytes, delivery_id: str) -> RawDelivery:
    """Return the delivery of a body."""
    headers = {"webhook-id": delivery_id, "content-type": "application/json"}
    envelope = BigCommerce().identify(source, SignedRequest(headers, body))
    return RawDelivery(
        envelope.delivery_id,
        "bigcommerce",
        source,
        envelope.event_type,
        datetime.now(UTC),
        envelope.key,
        body,
        event_time=envelope.event_time,
        tenant=envelope.tenant,
    )

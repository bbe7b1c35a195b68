"""Records of `deliveries.pending`, through the codec, as a worker writes them."""

from msgspec.structs import replace

from schemas import codec
from schemas.records import Document, RawDelivery, key_parts
from streams.steps.hydration import WAITS
from tests.support.builders.deliveries import delivery, second

PREFIX = codec.wire_prefix(1)
KEY = "bigcommerce|shop|s1|product|7"
_SCHEMA = codec.parse_schema(codec.schema_text("pending"))


def waiting_delivery(offset: int, key: str = KEY, partition: int = 0) -> RawDelivery:
    """Return a delivery that names the resource of a key."""
    provider, source, tenant, *_ = key_parts(key)
    return replace(
        delivery(),
        delivery_id=f"id-{offset}",
        provider=provider,
        source=source,
        tenant=tenant,
        key=key,
        partition=partition,
        offset=offset,
    )


def record(offset: int, key: str = KEY, partition: int = 0) -> Document:
    """Return the record of a delivery that waits since as many seconds after the start as its offset says."""
    since_us = codec.time_us(second(offset)) or 0
    return codec.decode(
        codec.encode_pending(PREFIX, WAITS, waiting_delivery(offset, key, partition), key, since_us), _SCHEMA
    )


def key_of(offset: int, partition: int = 0) -> bytes:
    """Return the key of its record."""
    return codec.pending_key(waiting_delivery(offset, partition=partition))

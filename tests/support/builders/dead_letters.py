"""Records of `deliveries.dead` and `deliveries.outcomes`, through the codec, as a worker writes them."""

from msgspec.structs import replace

from schemas import codec
from schemas.records import Document, Outcome, RawDelivery
from streams.steps.origin import lineage_of
from tests.support.builders.deliveries import delivery, second

PREFIX = codec.wire_prefix(1)
_DEAD, _OUTCOME = (codec.parse_schema(codec.schema_text(name)) for name in ("dead", "outcome"))


def received(offset: int, delivery_id: str = "", body: bytes = b"{broken", **fields: object) -> RawDelivery:
    """Return a delivery at an offset of partition 0, received at that second."""
    made = replace(delivery(), delivery_id=delivery_id or f"id-{offset}", body=body, received_at=second(offset))
    return replace(made, partition=0, offset=offset, **fields)


def death(of: RawDelivery, at_s: float, reason: str = "unreadable", error: str = "no JSON") -> Document:
    """Return the record of a delivery that died that many seconds after the start."""
    at_us = codec.time_us(second(at_s)) or 0
    return codec.decode(codec.encode_dead(PREFIX, Outcome("dead", reason, error), of, at_us, lineage_of(of)), _DEAD)


def decided(of: RawDelivery, at_s: float, outcome: Outcome) -> Document:
    """Return the outcome of a delivery that was decided that many seconds after the start."""
    at_us = codec.time_us(second(at_s)) or 0
    return codec.decode(codec.encode_outcome(PREFIX, outcome, of, at_us, lineage_of(of)), _OUTCOME)

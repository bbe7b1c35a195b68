"""Records to produce, and their way into a producer's queue; one form for workers, reads and commands."""

from collections.abc import Callable
from typing import Final

from confluent_kafka import KafkaError, Message, Producer
from msgspec import Struct

from schemas import codec
from schemas.records import RawDelivery
from schemas.topics import RAW

FULL_QUEUE_WAIT_S: Final = 0.1

Report = Callable[[KafkaError | None, Message], None]
"""Called once Kafka has stored a record, or has not."""


class Record(Struct, frozen=True):
    """One record to produce; the partition of -1 follows from the key."""

    topic: str
    key: bytes
    value: bytes | None
    headers: codec.Headers | None = None
    partition: int = -1


def raw_record(delivery: RawDelivery, partition: int = -1) -> Record:
    """Return the record of `webhooks.raw` for a delivery that Penstock writes itself."""
    return Record(RAW, delivery.key.encode(), delivery.body, codec.raw_headers(delivery), partition)


def queue(producer: Producer, record: Record, report: Report | None = None) -> None:
    """Put a record into a producer's queue, waiting while that is full; reports are made in here too."""
    headers: list[tuple[str, str | bytes | None]] = [*(record.headers or ())]
    while True:
        try:
            producer.produce(
                record.topic, record.value, record.key, record.partition, on_delivery=report, headers=headers
            )
        except BufferError:
            producer.poll(FULL_QUEUE_WAIT_S)
        else:
            producer.poll(0)
            return

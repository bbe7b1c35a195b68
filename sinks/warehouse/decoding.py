"""From a record of a topic to what the loader makes rows of. A record that cannot be decoded is a value, not an error."""

from collections.abc import Callable
from typing import Final

from confluent_kafka import Message

from broker.errors import RegistryError
from broker.schema_registry import NOT_AVRO, Registry
from broker.topic_reader import offset_of, partition_of, topic_of, value_of
from schemas.records import Document
from schemas.topics import OUTCOMES
from sinks.warehouse.rows.records import BadRecord, LoadedOutcome, Place, Record, change_of

KEPT_BYTES: Final = 1024 * 1024  # of a bad record's value; the topic has all of it

Decode = Callable[[bytes], Document]


def decoder(registry: Registry) -> Decode:
    """Return the function that decodes a value by the registry; it raises ValueError for a schema that the registry lacks."""

    def decode(value: bytes) -> Document:
        try:
            return registry.decode_typed(value)
        except RegistryError as error:
            registry.answers()  # raises if the registry is away, or refuses everything: then the record is not to blame
            raise ValueError("expected a schema that the registry knows") from error

    return decode


def record_of(message: Message, decode: Decode) -> Record:
    """Return the change, outcome or bad record in a message; raise `RegistryError` while the registry is away."""
    place = Place(topic_of(message), partition_of(message), offset_of(message))
    value = value_of(message)
    try:
        document = decode(value)
    except NOT_AVRO as error:
        return BadRecord(place, "not_avro", f"expected Avro: {type(error).__name__}", value[:KEPT_BYTES])
    try:
        if place.topic == OUTCOMES:
            return LoadedOutcome(place, {**document, "event_ids": tuple(document["event_ids"])})
        return change_of(place, document)
    except (KeyError, TypeError) as error:
        detail = f"expected a change or an outcome: {type(error).__name__}"
        return BadRecord(place, "unknown_record", detail, value[:KEPT_BYTES])

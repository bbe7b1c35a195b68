"""Records of `state.*` for a warehouse that is built anew, and which of them it may have."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, get_args

from confluent_kafka import Message
from msgspec.structs import replace

from broker.schema_registry import NOT_AVRO
from broker.topic_reader import key_of, offset_of, partition_of, topic_of, value_of
from config.model import Configuration, Operation, Route
from schemas.records import Document, KeyParts, key_parts
from sinks.warehouse.decoding import KEPT_BYTES, Decode
from sinks.warehouse.rows.records import BadRecord, LoadedChange, Place, Record
from sinks.warehouse.rows.states import Uses

STATES: Final = "state."
_TICK: Final = timedelta(milliseconds=1)  # Kafka's times have milliseconds, those of states microseconds


def is_state_topic(topic: str) -> bool:
    """Say whether a topic holds states."""
    return topic.startswith(STATES)


def uses(configuration: Configuration) -> Uses:
    """Return what says whether a state belongs into the warehouse.

    Without routes every state does. With routes the loader gets what they select and include, and a state has everything: it
    belongs only where some route takes all changes of its resource type, whole. Otherwise a rebuild would show what a filter or
    a projection keeps from the warehouse.
    """
    routes = [route for route in configuration.routes if route.mode == "changes"]
    if not routes:
        return lambda _state: True
    return partial(_is_whole, [route for route in routes if _takes_all(route)])


def state_of(message: Message, decode: Decode) -> Record:
    """Return a state as a change with `op` r, a tombstone as one with `op` d and no document, or a bad record.

    Raises `RegistryError` while the registry is away.
    """
    place = Place(topic_of(message), partition_of(message), offset_of(message))
    value = value_of(message)
    if not value:
        return _tombstone(place, message)
    try:
        return _state(place, decode(value))
    except NOT_AVRO as error:
        return BadRecord(place, "not_avro", f"expected a state in Avro: {type(error).__name__}", value[:KEPT_BYTES])


def _takes_all(route: Route) -> bool:
    has_all_operations = set(route.operations) == set(get_args(Operation))
    return has_all_operations and not (route.filter or route.include_fields or route.event_type)


def _is_whole(routes: Sequence[Route], state: LoadedChange) -> bool:
    return any(
        route.source in (None, state.source)
        and route.provider in (None, state.provider)
        and route.tenant in (None, state.tenant)
        and route.resource in (None, state.resource_type)
        for route in routes
    )


def _state(place: Place, record: Document) -> LoadedChange:
    key = record["resource_key"]
    made = _nothing_known(place, key, key_parts(key), record["emitted_at"])
    return replace(
        made,
        op="r",
        event_id=record["event_id"],
        parent_key=record.get("parent_key"),
        after=record["document"],
        version=record["version"],
    )


def _tombstone(place: Place, message: Message) -> Record:
    key = key_of(message).decode(errors="replace")
    named = key_parts(key)
    if not named.provider:
        return BadRecord(place, "unknown_record", "expected the key of a resource with a tombstone", b"")
    _, written_ms = message.timestamp()
    return _nothing_known(place, key, named, datetime.fromtimestamp(written_ms / 1000, UTC) + _TICK)


def _nothing_known(place: Place, key: str, named: KeyParts, emitted_at: datetime) -> LoadedChange:
    """Return the deletion of a resource of which only the key is known. It was received never, and stands nowhere."""
    return LoadedChange(
        place,
        event_id="",
        op="d",
        key=key,
        tenant=named.tenant,
        resource_type=named.resource_type,
        resource_id=named.resource_id,
        parent_key=None,
        changed=(),
        before=None,
        after=None,
        version=None,
        event_time=None,
        received_at=emitted_at,
        emitted_at=emitted_at,
        provider=named.provider,
        source=named.source,
        delivery_id="",
        event_type="",
        api_version=None,
        raw_partition=-1,
        raw_offset=-1,
    )

"""Encoding and decoding of records: the only module that defines how a record looks on a topic or in a table.

Pure. Values on public topics are Avro in Confluent's wire format (a zero byte, the schema's id in four bytes, the body).
The tables and their changelogs are private and use MessagePack.
"""

import io
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import resources
from typing import Any, Final, Literal, cast

import fastavro
import msgspec

from schemas.records import Change, Correction, Document, LatestState, Lineage, Outcome, RawDelivery, SeenVersion
from schemas.typed.envelope import Encode, envelope_encoder

SchemaName = Literal["change", "state", "outcome", "dead", "pending"]
SCHEMA_NAMES: Final[tuple[SchemaName, ...]] = ("change", "state", "outcome", "dead", "pending")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ONE_US = timedelta(microseconds=1)

AS_POSTED: Final = Lineage()

UNKNOWN: Final = "unknown"  # the provider and source of a record that no ingress wrote

Headers = list[tuple[str, bytes]]


# --- Documents -------------------------------------------------------------------------------------------------------

document_json = msgspec.json.Encoder(decimal_format="number", order="deterministic").encode
"""Return a document as canonical JSON text: sorted keys, no spaces, every digit kept."""

json_value = msgspec.json.Decoder(float_hook=Decimal).decode
"""Return the value, of any JSON type, that a text spells; numbers are exact, as in a `Document`."""


def document(text: bytes) -> Document:
    """Return the document in canonical JSON text."""
    return cast(Document, json_value(text))


def us_time(time: int | None) -> datetime | None:
    """Return the aware UTC time of a number of microseconds since 1970."""
    return None if time is None else EPOCH + time * ONE_US


def time_us(time: datetime | None) -> int | None:
    """Return an aware time as microseconds since 1970, UTC."""
    if time is None:
        return None
    age = time - EPOCH
    return (age.days * 86_400 + age.seconds) * 1_000_000 + age.microseconds  # a third of the time of dividing the age


# --- webhooks.raw: body and headers ----------------------------------------------------------------------------------


def raw_headers(delivery: RawDelivery) -> Headers:
    """Return the record headers of a delivery on `webhooks.raw`.

    Source: CloudEvents 1.0, Kafka protocol binding 3.2 (binary mode), and Penstock's own `penstock_*`.
    """
    received_at = delivery.received_at.isoformat()
    event_time = received_at if delivery.event_time is None else delivery.event_time.isoformat()
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", delivery.delivery_id.encode()),
        ("ce_source", f"/v1/{delivery.source}".encode()),
        ("ce_type", delivery.event_type.encode()),
        ("ce_time", event_time.encode()),
        ("ce_subject", delivery.key.encode()),
        ("content-type", delivery.content_type.encode()),
        ("penstock_provider", delivery.provider.encode()),
        ("penstock_source", delivery.source.encode()),
        ("penstock_tenant", delivery.tenant.encode()),
        ("penstock_delivery_id", delivery.delivery_id.encode()),
        ("penstock_received_at", received_at.encode()),
    ]
    if delivery.api_version is not None:
        headers.append(("penstock_api_version", delivery.api_version.encode()))
    headers.extend((name, value.encode()) for name, value in delivery.headers.items())
    return headers


def copied_headers(delivery: RawDelivery) -> Headers:
    """Return the record headers of a delivery that was read from `webhooks.raw`, each header once.

    `raw_delivery` leaves every header without a field of its own in `headers`, CloudEvents headers included.
    """
    return list(dict(raw_headers(delivery)).items())


def raw_delivery(
    key: bytes | None,
    body: bytes | None,
    headers: Sequence[tuple[str, bytes | None]] | None,
    position: tuple[str, int, int],
) -> RawDelivery:
    """Return the delivery in a record of `webhooks.raw`; `position` is (topic, partition, offset).

    Never raises: a record from another producer becomes a delivery of the provider `unknown`.
    """
    texts = _texts(headers or ())
    topic, partition, offset = position
    delivery_id = texts.pop("penstock_delivery_id", "") or f"{topic}-{partition}-{offset}"
    provider, source = texts.pop("penstock_provider", UNKNOWN), texts.pop("penstock_source", UNKNOWN)
    tenant = texts.pop("penstock_tenant", None)
    received_at = _time(texts.pop("penstock_received_at", None)) or EPOCH
    return RawDelivery(
        delivery_id,
        provider,
        source,
        texts.pop("ce_type", ""),
        received_at,
        (key or b"").decode(errors="replace"),
        body or b"",
        texts.pop("content-type", ""),
        _time(texts.pop("ce_time", None)),
        texts.pop("penstock_api_version", None),
        texts,
        topic,
        partition,
        offset,
        tenant or "",
        tenant is None and provider != UNKNOWN,
    )


encode_correction = msgspec.json.Encoder().encode
decode_correction = msgspec.json.Decoder(Correction).decode


def _texts(headers: Sequence[tuple[str, bytes | None]]) -> dict[str, str]:
    try:
        return {name: value.decode() for name, value in headers}  # type: ignore[union-attr]  # None is handled below
    except (AttributeError, UnicodeDecodeError):  # not written by an ingress; this path takes twice the time
        return {name: str(value or b"", "utf-8", "replace") for name, value in headers}


def _time(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time if time.tzinfo is not None else None


# --- Public topics: Avro in Confluent's wire format ------------------------------------------------------------------


def schema_text(name: SchemaName) -> str:
    """Return a schema as published: the text of its .avsc file."""
    return resources.files("schemas").joinpath(f"{name}.avsc").read_text(encoding="utf-8")


def parse_schema(text: str) -> Any:
    """Return a schema in the form that `decode` and the encoders take.

    Parsed once and marked as parsed: without fastavro's mark every write would parse it again (16 us instead of 8).
    """
    return fastavro.parse_schema(msgspec.json.decode(text))


encode_text_change, encode_text_state, _encode_outcome, _encode_dead, _encode_pending = (
    envelope_encoder(msgspec.json.decode(schema_text(name))) for name in SCHEMA_NAMES
)


def wire_prefix(schema_id: int) -> bytes:
    """Return the five bytes that precede every Avro body. Source: Confluent, "Wire format"."""
    return struct.pack(">bI", 0, schema_id)


def schema_id(message: bytes) -> int:
    """Return the id of the schema that a message was written with; ValueError when it is not in Confluent's wire format."""
    if len(message) < 5 or message[0] != 0:
        raise ValueError("expected Avro in Confluent's wire format: a zero byte and a schema id of four bytes")
    return int.from_bytes(message[1:5], "big")


def decode(message: bytes, schema: Any) -> Document:
    """Return the record in a wire-format message, read with the schema it was written with."""
    return cast(Document, fastavro.schemaless_reader(io.BytesIO(memoryview(message)[5:]), schema, None))


def encode_change(
    prefix: bytes, change: Change, delivery: RawDelivery, emitted_us: int, encode: Encode = encode_text_change
) -> bytes:
    """Return the message of `changes.*` for a change that a delivery showed.

    With the encoder of a typed resource, `before` and `after` are its records.
    """
    return encode(
        prefix,
        event_id=change.event_id,
        op=change.op,
        resource_key=change.resource_key,
        tenant=delivery.tenant,
        resource_type=change.resource_type,
        resource_id=change.resource_id,
        parent_key=change.parent_key,
        changed=change.changed,
        before=change.before,
        after=change.after,
        version=time_us(change.version),
        event_time=time_us(change.event_time),
        received_at=time_us(delivery.received_at),
        emitted_at=emitted_us,
        origin=change.origin,
        source=delivery,
    )


def encode_state(
    prefix: bytes, change: Change, delivery: RawDelivery, emitted_us: int, encode: Encode = encode_text_state
) -> bytes | None:
    """Return the message of `state.*` after a change: the document, or None (a tombstone) once deleted.

    With the encoder of a typed resource, `after` is its record.
    """
    if change.after is None:
        return None
    return encode(
        prefix,
        resource_key=change.resource_key,
        tenant=delivery.tenant,
        resource_type=change.resource_type,
        resource_id=change.resource_id,
        parent_key=change.parent_key,
        document=change.after,
        version=time_us(change.version),
        event_id=change.event_id,
        emitted_at=emitted_us,
    )


def encode_outcome(
    prefix: bytes, outcome: Outcome, delivery: RawDelivery, decided_us: int, lineage: Lineage = AS_POSTED
) -> bytes:
    """Return the message of `deliveries.outcomes` for a delivery."""
    return _encode_outcome(
        prefix,
        delivery_id=delivery.delivery_id,
        source=delivery.source,
        provider=delivery.provider,
        tenant=delivery.tenant,
        key=delivery.key,
        event_type=delivery.event_type,
        outcome=outcome.outcome,
        reason=outcome.reason,
        detail=outcome.detail,
        event_ids=outcome.event_ids,
        received_at=time_us(delivery.received_at),
        decided_at=decided_us,
        topic=delivery.topic,
        partition=delivery.partition,
        offset=delivery.offset,
        origin=lineage.origin,
        cause=lineage.cause,
    )


def encode_dead(
    prefix: bytes, outcome: Outcome, delivery: RawDelivery, decided_us: int, lineage: Lineage = AS_POSTED
) -> bytes:
    """Return the message of `deliveries.dead`: the delivery as received, and the reason."""
    return _encode_dead(
        prefix,
        delivery_id=delivery.delivery_id,
        source=delivery.source,
        provider=delivery.provider,
        tenant=delivery.tenant,
        event_type=delivery.event_type,
        reason=outcome.reason,
        error=outcome.detail,
        attempts=lineage.attempt,
        key=delivery.key,
        content_type=delivery.content_type,
        headers=delivery.headers,
        body=delivery.body,
        received_at=time_us(delivery.received_at),
        decided_at=decided_us,
        topic=delivery.topic,
        partition=delivery.partition,
        offset=delivery.offset,
        origin=lineage.origin,
        cause=lineage.cause,
        first_at=time_us(lineage.first_at) or decided_us,
        edited_by=lineage.edited_by,
    )


def encode_pending(prefix: bytes, outcome: Outcome, delivery: RawDelivery, resource_key: str, since_us: int) -> bytes:
    """Return the message of `deliveries.pending` for a delivery that waits; None under its key follows once it has ended."""
    return _encode_pending(
        prefix,
        delivery_id=delivery.delivery_id,
        source=delivery.source,
        provider=delivery.provider,
        tenant=delivery.tenant,
        key=delivery.key,
        event_type=delivery.event_type,
        resource_key=resource_key,
        reason=outcome.reason,
        detail=outcome.detail,
        received_at=time_us(delivery.received_at),
        since=since_us,
        topic=delivery.topic,
        partition=delivery.partition,
        offset=delivery.offset,
    )


def pending_key(delivery: RawDelivery) -> bytes:
    """Return the key of a delivery on `deliveries.pending`: its position, because a delivery id may come again."""
    return f"{delivery.topic}/{delivery.partition}/{delivery.offset}".encode()


# --- Tables and changelogs: MessagePack ------------------------------------------------------------------------------

encode_row = msgspec.msgpack.Encoder().encode
decode_seen = msgspec.msgpack.Decoder(SeenVersion).decode
decode_latest = msgspec.msgpack.Decoder(LatestState).decode

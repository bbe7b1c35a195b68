"""Records to bytes and back: every value survives unchanged."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas import codec
from schemas.records import Change, LatestState, Outcome, RawDelivery, SeenVersion
from tests.support.builders.deliveries import START, change, real_delivery

PREFIX = codec.wire_prefix(258)
SCHEMAS: Mapping[str, Any] = {name: codec.parse_schema(codec.schema_text(name)) for name in codec.SCHEMA_NAMES}

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
# Avro's timestamp-micros reads back as a datetime; 0001 and 9999 would leave its range when moved to UTC.
times = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  bounds are naive
documents = st.none() | st.dictionaries(texts, st.integers() | texts, max_size=3).map(codec.document_json)
changes = st.builds(
    Change,
    texts,
    st.sampled_from("cudr"),
    texts,
    texts,
    texts,
    st.lists(texts, max_size=3).map(tuple),
    documents,
    documents,
    st.none() | times,
    st.none() | times,
    st.none() | texts,
)
outcomes = st.builds(
    Outcome, st.sampled_from(["changed", "dead"]), texts, texts, st.lists(texts, max_size=3).map(tuple)
)
# A header's value is text without control characters; its name is in lower case.
headers = st.dictionaries(st.sampled_from(["x-shopify-topic", "x-github-event", "x-other"]), texts)
deliveries = st.builds(
    RawDelivery,
    delivery_id=texts.filter(bool),
    provider=texts,
    source=texts,
    event_type=texts,
    received_at=times,
    key=texts,
    body=st.binary(max_size=20),
    content_type=texts,
    event_time=times,
    api_version=st.none() | texts,
    headers=headers,
    topic=texts,
    partition=st.integers(0, 2**31 - 1),
    offset=st.integers(0, 2**63 - 1),
)


def text(document: bytes | None) -> str | None:
    """Return a document in the schemas' form."""
    return None if document is None else document.decode()


@given(changes, deliveries, times)
def test_change_survives_the_wire(shown: Change, by: RawDelivery, now: datetime) -> None:
    """Every field of the change and of its delivery is there, the times as instants."""
    message = codec.encode_change(PREFIX, shown, by, codec.time_us(now) or 0)

    record = codec.decode(message, SCHEMAS["change"])
    assert (record["before"], record["after"]) == (text(shown.before), text(shown.after))
    assert (record["version"], record["event_time"], record["emitted_at"]) == (shown.version, shown.event_time, now)
    for name in ("event_id", "op", "resource_key", "resource_type", "resource_id", "parent_key"):
        assert record[name] == getattr(shown, name)
    assert tuple(record["changed"]) == shown.changed
    for name, value in record["source"].items():
        assert value == getattr(by, name)


@given(changes, deliveries, times)
def test_state_survives_the_wire(shown: Change, by: RawDelivery, now: datetime) -> None:
    """The state is the document after the change; a deletion is Kafka's tombstone."""
    message = codec.encode_state(PREFIX, shown, by, codec.time_us(now) or 0)

    if shown.after is None or message is None:
        assert message is shown.after is None
        return
    record = codec.decode(message, SCHEMAS["state"])
    assert (record["document"], record["emitted_at"]) == (text(shown.after), now)
    assert record["tenant"] == by.tenant
    for name in ("event_id", "resource_key", "resource_type", "resource_id", "parent_key", "version"):
        assert record[name] == getattr(shown, name)


@given(outcomes, deliveries, times)
def test_outcome_survives_the_wire(outcome: Outcome, of: RawDelivery, now: datetime) -> None:
    """The outcome with the delivery it is about."""
    record = codec.decode(codec.encode_outcome(PREFIX, outcome, of, codec.time_us(now) or 0), SCHEMAS["outcome"])

    assert (record["outcome"], record["reason"], record["detail"]) == (outcome.outcome, outcome.reason, outcome.detail)
    assert (tuple(record["event_ids"]), record["decided_at"]) == (outcome.event_ids, now)
    for name in ("delivery_id", "source", "provider", "event_type", "received_at", "topic", "partition", "offset"):
        assert record[name] == getattr(of, name)


@given(outcomes, deliveries, times)
def test_dead_letter_survives_the_wire(outcome: Outcome, of: RawDelivery, now: datetime) -> None:
    """The delivery as received, body and headers included, so that it can be replayed."""
    record = codec.decode(codec.encode_dead(PREFIX, outcome, of, codec.time_us(now) or 0), SCHEMAS["dead"])

    assert (record["reason"], record["error"], record["decided_at"]) == (outcome.reason, outcome.detail, now)
    for name in (
        "delivery_id",
        "key",
        "content_type",
        "headers",
        "body",
        "received_at",
        "topic",
        "partition",
        "offset",
    ):
        assert record[name] == getattr(of, name)


@pytest.mark.parametrize(
    ("message", "schema_id"), [(b"\0\0\0\1\2rest", 258), (b"\0\xff\xff\xff\xff", 2**32 - 1), (PREFIX, 258)]
)
def test_schema_id_is_in_the_four_bytes_after_the_magic_one(message: bytes, schema_id: int) -> None:
    """Confluent's wire format, big-endian."""
    assert codec.schema_id(message) == schema_id


@pytest.mark.parametrize("message", [b"", b"\0", b"\0\0\0\0", b"{}{}{}{}", b"\1\0\0\0\1"])
def test_what_is_not_in_wire_format_is_refused(message: bytes) -> None:
    """The error says what was expected."""
    with pytest.raises(ValueError, match="expected Avro in Confluent's wire format"):
        codec.schema_id(message)


def test_wire_format_is_frozen() -> None:
    """The exact bytes of a small outcome, which any Avro reader of any language must read."""
    by = real_delivery("shopify", b"{}", "products/update")

    message = codec.encode_outcome(PREFIX, Outcome("stale", "older"), by, 1)

    assert message == (
        b"\0\0\0\1\2"
        b"\x0afirst\x08acme\x0eshopify\0\x2eshopify|acme||product|7\x1eproducts/update"
        b"\x0astale\x0aolder\0\0"
        b"\x80\xc0\xc9\xc4\xba\xeb\xa4\x06\x02\x18webhooks.raw\x01\x01\x0ewebhook\0"
    )


# --- webhooks.raw ----------------------------------------------------------------------------------------------------


@given(deliveries)
def test_delivery_survives_the_raw_topic(delivery: RawDelivery) -> None:
    """Key, body and headers carry everything."""
    kept = codec.raw_delivery(
        delivery.key.encode(),
        delivery.body,
        codec.raw_headers(delivery),
        (delivery.topic, delivery.partition, delivery.offset),
    )

    assert kept.headers.items() >= delivery.headers.items()
    for name in RawDelivery.__struct_fields__:
        if name != "headers":
            assert getattr(kept, name) == getattr(delivery, name), name


@given(
    st.none() | st.binary(max_size=9),
    st.none() | st.binary(max_size=9),
    st.none()
    | st.lists(
        st.tuples(
            st.sampled_from(["penstock_received_at", "ce_time", "penstock_delivery_id", "content-type", "x"]),
            st.none()
            | st.binary(max_size=9)
            | st.sampled_from([b"2026-01-31", b"2026-01-31T12:00:00", b"99999-01-01"]),
        ),
        max_size=6,
    ),
)
@example(None, None, None)
def test_foreign_record_becomes_a_delivery(
    key: bytes | None, body: bytes | None, foreign: list[tuple[str, bytes | None]] | None
) -> None:
    """Any record on the topic is read without an exception, with aware times and an id of its own."""
    delivery = codec.raw_delivery(key, body, foreign, ("webhooks.raw", 3, 14))

    assert (delivery.provider, delivery.source, delivery.topic, delivery.offset) == (
        "unknown",
        "unknown",
        "webhooks.raw",
        14,
    )
    assert delivery.delivery_id
    assert delivery.received_at.tzinfo is not None
    assert delivery.event_time is None or delivery.event_time.tzinfo is not None
    codec.encode_dead(PREFIX, Outcome("dead", "unknown_shape"), delivery, 0)


def test_record_without_an_id_is_named_by_its_place() -> None:
    """Its outcome and dead letter can still be found."""
    assert codec.raw_delivery(None, None, None, ("webhooks.raw", 3, 14)).delivery_id == "webhooks.raw-3-14"


# --- Documents and rows ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "json",
    [
        b'{"a":18446744073709551616}',
        b'{"a":-123456789012345678901234567890}',
        b'{"a":10.00}',
        b'{"a":0.1000000000000000055511151231257827}',
        b'{"a":12345678901234567890.12345678901234567890}',
        b'{"a":1E+400}',
        b'{"a":null,"b":[true,false],"c":{}}',
        '{"ä":"\u2028 😀"}'.encode(),
    ],
)
def test_document_keeps_every_digit(json: bytes) -> None:
    """Text to document to text is the same text."""
    assert codec.document_json(codec.document(json)) == json


def test_document_text_is_canonical() -> None:
    """Two notations of one object have one fingerprint: sorted names, no spaces."""
    assert codec.document_json(codec.document(b'{ "b": 1, "a": {"d": 1, "c": 1e0} }')) == b'{"a":{"c":1,"d":1},"b":1}'


def test_numbers_are_exact_types() -> None:
    """No float anywhere."""
    assert [type(number) for number in codec.document(b'{"a":[1,1.5,1e2]}')["a"]] == [int, Decimal, Decimal]


@given(
    st.lists(st.binary(max_size=16), max_size=5).map(tuple),
    st.lists(texts, max_size=5).map(tuple),
    st.integers(0, 2**40),
)
def test_seen_row_survives_the_table(fingerprints: tuple[bytes, ...], ids: tuple[str, ...], dropped: int) -> None:
    """MessagePack and back."""
    row = SeenVersion(fingerprints, ids, dropped)

    assert codec.decode_seen(codec.encode_row(row)) == row


@given(
    st.none() | st.integers(-(2**60), 2**60),
    st.none() | st.integers(-(2**60), 2**60),
    st.binary(max_size=16),
    documents,
    st.booleans(),
    texts,
)
def test_latest_row_survives_the_table(
    version_us: int | None, event_us: int | None, fingerprint: bytes, document: bytes | None, gone: bool, event_id: str
) -> None:
    """MessagePack and back."""
    row = LatestState(version_us, event_us, fingerprint, document, gone, event_id)

    assert codec.decode_latest(codec.encode_row(row)) == row


def test_rows_of_older_versions_are_read() -> None:
    """A table written before a field was added is still a table."""
    assert codec.decode_seen(b"\x92\x91\xc4\x01A\x91\xa11") == SeenVersion((b"A",), ("1",), 0)
    assert codec.decode_latest(b"\x94\x05\xc0\xc4\x01A\xc4\x02{}") == LatestState(5, None, b"A", b"{}")


@given(times)
def test_time_us_is_exact(time: datetime) -> None:
    """No microsecond is lost to a float."""
    assert codec.EPOCH + timedelta(microseconds=codec.time_us(time) or 0) == time


def test_builders_change_is_encodable() -> None:
    """The tests' builders use the types that the wire needs."""
    message = codec.encode_change(PREFIX, change(None, {"a": 1}), real_delivery("x", b""), codec.time_us(START) or 0)

    assert codec.decode(message, SCHEMAS["change"])["after"] == '{"a":1}'

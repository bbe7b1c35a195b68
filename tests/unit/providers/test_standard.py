"""Standard Webhooks: keys, versions of signatures, and the resource under `data`."""

import base64
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from config.model import Source
from providers.base import Envelope, Parsed, Refused, Sample, SignedRequest, Verified
from providers.registry import provider_of
from providers.signature import decoded_secret
from providers.standard import Standard
from schemas.records import RawDelivery, Snapshot
from tests.support.builders.provider_requests import NOW, raw_delivery

STANDARD = Standard()
SECRET = b"whsec_YSBtYWRlLXVwIHNlY3JldCBrZXk="
MS = NOW.replace(microsecond=123_000)
SOURCE = {"name": "acme", "provider": "standard", "secrets": ["text:x"]}
BODY = b'{"type":"invoice.paid","timestamp":"2026-01-31T12:00:00.123456Z","data":{"id":"in_7"}}'


@given(
    body=st.binary(max_size=100),
    key=st.binary(min_size=1, max_size=64),
    now=st.datetimes(datetime(1971, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds
    delivery_id=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="."), min_size=1),
)
def test_what_is_signed_is_verified(body: bytes, key: bytes, now: datetime, delivery_id: str) -> None:
    """`sign` and `verify` are one scheme, for any body, key, time and id."""
    secret = b"whsec_" + base64.b64encode(key)
    headers = STANDARD.sign(Sample(body, "any", delivery_id, now), secret)

    assert STANDARD.verify(SignedRequest(headers, body), [secret], now + timedelta(seconds=60)) == Verified(0)


@pytest.mark.parametrize("secret", [
    SECRET, SECRET.rstrip(b"="), SECRET.removeprefix(b"whsec_"), SECRET[6:-1], b"v1," + SECRET, b"v1," + SECRET[6:],
])  # fmt: skip
def test_prefix_and_padding_of_the_secret_are_optional(secret: bytes) -> None:
    """All spellings are one key; Supabase's begins with the version of its signatures."""
    assert decoded_secret(secret) == b"a made-up secret key"
    assert STANDARD.verify(_request(BODY), [secret], NOW) == Verified(0)


@pytest.mark.parametrize("secret", [b"", b"whsec_", b"not base64!", b"\xff", b"A"])
def test_secret_that_spells_no_key_never_matches(secret: bytes) -> None:
    """A wrongly pasted secret refuses; it must not become the empty key."""
    verdict = STANDARD.verify(_request(BODY), [secret], NOW)

    assert isinstance(verdict, Refused)
    assert verdict.reason == "wrong_signature"
    assert verdict.detail.startswith("1 secret configured, none usable: ")


@pytest.mark.parametrize("secret", [b"polar_whs_ovyN6cVH3wVq", SECRET, b"any text"])
def test_text_of_a_secret_is_the_key_where_the_source_says_so(secret: bytes) -> None:
    """As Polar signed until September 2026; then neither does the same secret verify as base64, nor the other way round."""
    options = {"key_encoding": "text"}
    by_text = provider_of(Source.model_validate({**SOURCE, "options": options}))
    headers = by_text.sign(Sample(BODY, "any", "msg_1", NOW), secret)
    digest = hmac.digest(secret, b"msg_1.%d." % NOW.timestamp() + BODY, "sha256")

    request = SignedRequest(headers, BODY)

    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert by_text.verify(request, [secret], NOW) == Verified(0)
    assert isinstance(STANDARD.verify(request, [secret], NOW), Refused)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        ("v1,{wrong} v1,{right}", None),
        ("v1a,{wrong} v1,{right} v2,{wrong}", None),
        ("v1,!!! v1,{right}", None),
        ("v1,{wrong}", "wrong_signature"),
        ("v1a,{right}", "malformed_signature"),
        ("v2,{right}", "malformed_signature"),
        ("{right}", "malformed_signature"),
        ("", "malformed_signature"),
    ],
)
def test_any_right_v1_counts_and_nothing_else(make: str, reason: str | None) -> None:
    """A broken entry does not stop the others; `v1a` and unknown versions are skipped."""
    request = _request(BODY)
    right = request.headers["webhook-signature"].removeprefix("v1,")
    wrong = base64.b64encode(bytes(32)).decode()
    headers = {**request.headers, "webhook-signature": make.format(right=right, wrong=wrong)}

    verdict = STANDARD.verify(replace(request, headers=headers), [SECRET], NOW)

    assert (verdict.reason if isinstance(verdict, Refused) else None) == reason


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_each_of_the_three_headers_is_needed(missing: str) -> None:
    """The refusal names the missing header."""
    request = _request(BODY)
    headers = {name: value for name, value in request.headers.items() if name != missing}

    verdict = STANDARD.verify(replace(request, headers=headers), [SECRET], NOW)

    assert isinstance(verdict, Refused)
    assert verdict.reason == "missing_signature"
    assert missing in verdict.detail


def test_id_with_a_dot_is_malformed() -> None:
    """With a dot, one signed text would fit two pairs of id and timestamp."""
    verdict = STANDARD.verify(_request(BODY, delivery_id="msg.1"), [SECRET], NOW)

    assert isinstance(verdict, Refused)
    assert verdict.reason == "malformed_signature"


def test_svix_names_are_the_same_scheme() -> None:
    """Svix sends `svix-*`."""
    request = _request(BODY)
    headers = {name.replace("webhook-", "svix-"): value for name, value in request.headers.items()}
    renamed = replace(request, headers=headers)

    assert STANDARD.verify(renamed, [SECRET], NOW) == Verified(0)
    assert STANDARD.identify("acme", renamed) == STANDARD.identify("acme", request)


def test_envelope_names_the_resource_under_data() -> None:
    """The delivery id is the header's, the rest the body's."""
    assert STANDARD.identify("acme", _request(BODY)) == Envelope(
        "msg_1", "invoice.paid", "standard|acme||invoice|in_7", NOW, None
    )


@pytest.mark.parametrize(
    ("body", "event_time", "version"),
    [
        (b"{}", None, None),  # the header's time is that of the attempt
        (b'{"timestamp":1769860800123,"data":{"id":"u","updated_at":1769860800123}}', MS, MS),  # Clerk
        (
            b'{"timestamp":"2026-01-31T12:00:00.123Z","data":{"id":"s","modified_at":"2026-01-31T12:00:00.123Z"}}',
            MS,
            MS,
        ),  # Polar
        (b'{"timestamp":"2026-01-31T12:00:00.123Z","data":{"id":"s","modified_at":null}}', MS, None),
        (
            b'{"created_at":"2026-01-31T12:00:00.123Z","data":{"id":"e","created_at":"2026-01-01T00:00:00Z"}}',
            MS,
            None,
        ),  # Resend
        (b'{"created_at":1769860800,"data":{"id":"resp_1"}}', MS.replace(microsecond=0), None),  # OpenAI
        (b'{"data":{"object":{"id":"x","updatedAt":"1769860800123"}}}', None, MS),
        (b'{"timestamp":true,"data":{"id":"x","last_modified":{"by":"me"}}}', None, None),
    ],
)
def test_times_are_those_of_the_event_and_the_resource(
    body: bytes, event_time: datetime | None, version: datetime | None
) -> None:
    """As known senders write them; the ingress and the pipeline read the same, and nothing is noted."""
    shown = _parsed(body)

    assert STANDARD.identify("acme", _request(body)).event_time == event_time
    assert (shown.snapshots[0].event_time, shown.snapshots[0].version, shown.notes) == (event_time, version, ())


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"timestamp":"2026-01-31T12:00:00Z","data":{"id":"u","updated_at":"yesterday"}}', "data.updated_at"),
        (b'{"timestamp":1,"data":{"id":"u"}}', "timestamp"),
        (b'{"data":{"object":{"id":"u","updatedAt":"0001-01-01T00:00:00Z"}}}', "data.object.updatedAt"),
    ],
)
def test_unreadable_time_is_told(body: bytes, path: str) -> None:
    """To the ingress, which counts it, and in the outcome, with the path and never with the value."""
    assert STANDARD.identify("acme", _request(body)).has_unread_time
    assert [note.partition(": ")[0] for note in _parsed(body).notes] == [f"time not read at {path}"]


def test_time_of_a_deletion_without_event_time_is_the_resources() -> None:
    """Otherwise an older update that arrives later would bring the resource back."""
    body = b'{"type":"user.deleted","data":{"id":"u","deletedAt":1769860800123,"updatedAt":1}}'

    assert _snapshot(body).event_time == MS


def test_configured_fields_are_volatile_besides_the_update_time() -> None:
    """The usual names of update times are always."""
    assert replace(STANDARD, volatile=frozenset({"seen.at"})).parse(_delivery(BODY)) == Parsed(
        (replace(_snapshot(BODY), volatile=_snapshot(BODY).volatile | {"seen.at"}),)
    )
    assert {"updated_at", "updatedAt", "modified_at"} <= _snapshot(BODY).volatile


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b'{"type":"invoice.paid","data":{"id":1,"updated_at":"2026-01-31T12:00:00.123456Z"}}',
            ("invoice", "1", {"id": 1, "updated_at": "2026-01-31T12:00:00.123456Z"}, NOW, False),
        ),
        (b'{"type":"a.b.updated","data":{"object":{"id":"x"}}}', ("a_b", "x", {"id": "x"}, None, False)),
        (b'{"type":"user.deleted","data":{"id":"u","name":"n"}}', ("user", "u", None, None, True)),
        (b'{"type":"user.deleted","data":{}}', ("user", "msg_1", {}, None, False)),
        (b'{"type":"ping"}', ("ping", "msg_1", {"type": "ping"}, None, False)),
        (b'{"data":[1]}', ("unknown", "msg_1", {"data": [1]}, None, False)),
        (b'{"type":{},"data":{"id":{}}}', ("unknown", "msg_1", {"id": {}}, None, False)),
    ],
)
def test_snapshot_is_what_data_shows(body: bytes, expected: tuple[object, ...]) -> None:
    """A deletion needs the id of a resource; without one, the delivery is a resource of its own."""
    shown = _snapshot(body)

    assert (shown.resource_type, shown.resource_id, shown.document, shown.version, shown.is_deleted) == expected


def _request(body: bytes, delivery_id: str = "msg_1") -> SignedRequest:
    return SignedRequest(STANDARD.sign(Sample(body, "any", delivery_id, NOW), SECRET), body)


def _delivery(body: bytes) -> RawDelivery:
    request = _request(body)
    return raw_delivery("standard", STANDARD.identify("acme", request), request)


def _parsed(body: bytes) -> Parsed:
    parsed = STANDARD.parse(_delivery(body))
    assert isinstance(parsed, Parsed)
    return parsed


def _snapshot(body: bytes) -> Snapshot:
    return _parsed(body).snapshots[0]

"""Bodies that are not strict JSON, for every provider: kept and verified as sent, read alike by ingress and pipeline."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from msgspec.structs import replace

from ingress.observability.metrics import Metrics
from ingress.receive import Receiver
from ingress.settings import Settings
from ingress.sources import Secret, Source
from providers.base import Handshake, Parsed, SignedRequest
from providers.registry import provider
from schemas import codec
from schemas.records import RawDelivery
from streams.pipeline import Tables, process
from streams.steps.routing import Routes
from tests.support.builders.provider_requests import NOW, SENDERS, Sender, assert_agreement, raw_delivery
from tests.support.kafka.memory_topic import MemoryTopic

BOM = b"\xef\xbb\xbf"
JSON = "application/json"
Spoil = Callable[[bytes], bytes]
SPOILT: dict[str, tuple[Spoil, str, str]] = {
    "mark": (lambda body: BOM + body, JSON, "byte-order mark skipped"),
    "nuls": (lambda body: body + b"\x00\x00", JSON, "trailing NULs dropped"),
    "utf-16": (lambda body: body.decode().encode("utf-16"), JSON, "read as utf-16-le"),
    "declared utf-16": (lambda body: body.decode().encode("utf-16-be"), f"{JSON}; charset=utf-16", "read as utf-16"),
    "declared latin-1": (
        lambda body: body.decode().encode("latin-1"),
        f"{JSON}; charset=iso-8859-1",
        "read as iso-8859-1",
    ),
}
spoilt = pytest.mark.parametrize(("spoil", "content_type", "repair"), SPOILT.values(), ids=SPOILT)
senders = pytest.mark.parametrize("sender", SENDERS, ids=lambda sender: sender.name)


def with_note(body: bytes) -> bytes:
    """Return an object's body with a field that is not ASCII."""
    return body[:-1] + ',"note":"é"}'.encode()


@senders
@spoilt
def test_spoilt_body_shows_the_same_resources(sender: Sender, spoil: Spoil, content_type: str, repair: str) -> None:
    """Key and snapshots are those of the strict body, and a note says what was repaired."""
    body = with_note(sender.body)
    requests = [
        SignedRequest({**sender.request().headers, "content-type": declared}, sent)
        for declared, sent in ((JSON, body), (content_type, spoil(body)))
    ]
    plain, repaired = ((sender.provider.identify("acme", request), request) for request in requests)

    assert repaired[0].key == plain[0].key
    expected, found = (sender.provider.parse(raw_delivery(sender.name, *shown)) for shown in (plain, repaired))
    assert isinstance(expected, Parsed)
    assert found == replace(expected, notes=(f"repaired: {repair}",))
    assert expected.notes == ()


@senders
@pytest.mark.parametrize(
    "body", [b"[]", b"", b'{"id":NaN}', b'{"id":1e99999999999999999999}', b'{"id":"\\ud83d"}', b"\xff"]
)
def test_spoilt_bodies_never_raise(sender: Sender, body: bytes) -> None:
    """Not even where the field that names the resource is what is wrong."""
    for spoil, _, _ in SPOILT.values():
        for shown in (body, spoil(body) if body != b"\xff" else body):
            assert_agreement(sender, sender.topic, shown)


def test_form_of_github_is_repaired_alike() -> None:
    """Its JSON is in the field `payload`; percent-encoding hides a mark and a charset as it does everything else."""
    (sender,) = (sender for sender in SENDERS if sender.name == "github")
    form_type = "application/x-www-form-urlencoded"
    body = with_note(sender.body)
    for spoil, content_type, repair in SPOILT.values():
        form = b"payload=" + quote_from_bytes(spoil(body)).encode()
        declared = content_type.replace(JSON, form_type)
        request = SignedRequest({**sender.request().headers, "content-type": declared}, form)
        envelope = sender.provider.identify("acme", request)

        parsed = sender.provider.parse(raw_delivery("github", envelope, request))

        assert envelope.key == "github|acme||issue|7"
        assert isinstance(parsed, Parsed)
        assert parsed.notes == (f"repaired: {repair}",)


# --- Case 15, from the post to the outcome ---------------------------------------------------------------------------


async def posted(body: bytes, content_type: str = JSON) -> RawDelivery:
    """Return what lies on `webhooks.raw` after a signed post."""
    (sender,) = (sender for sender in SENDERS if sender.name == "generic")
    source = Source("acme", provider("generic"), (Secret(sender.secret),))
    topic = MemoryTopic()
    receiver = Receiver(Settings({}), {"acme": source}, topic, Metrics([source]), lambda: NOW)
    headers = {**replace(sender, body=body).request().headers, "content-type": content_type}

    async def whole() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    answer = await receiver.receive("acme", [(n.encode(), v.encode()) for n, v in headers.items()], whole)
    assert answer.status == 200
    ((key, value, kept),) = topic.records
    return codec.raw_delivery(key, value, kept, ("webhooks.raw", 0, 0))


@pytest.mark.parametrize(("body", "content_type", "after", "repair"), [
    (BOM + b'{"id":1}', JSON, '{"id":1}', "byte-order mark skipped"),
    (b'{"id":1,"note":"Hi \\ud83d"}', JSON, '{"id":1,"note":"Hi \ufffd"}', "lone surrogates replaced by U+FFFD"),
    (b'{"id":1,"note":"\xe9"}', f"{JSON}; charset=iso-8859-1", '{"id":1,"note":"é"}', "read as iso-8859-1"),
])  # fmt: skip
async def test_repaired_delivery_is_a_change_and_says_so(
    body: bytes, content_type: str, after: str, repair: str
) -> None:
    """The raw topic has the bytes that were signed; the document is valid UTF-8; the outcome's detail names the repair."""
    delivery = await posted(body, content_type)

    result = process(delivery, Tables({}, {}), Routes({}))

    assert delivery.body == body
    assert delivery.key == "generic|acme||order|1"
    assert (result.outcome.outcome, result.outcome.detail) == ("changed", f"repaired: {repair}")
    assert result.routed_changes[0].change.after == after.encode()


async def test_repaired_and_strict_body_are_one_content() -> None:
    """A second subscription that adds a mark makes no second change; both details are kept."""
    strict = await posted(b'{"id":1,"updated_at":"2026-01-31T12:00:00Z"}')
    marked = replace(await posted(BOM + strict.body), delivery_id="other")
    first = process(strict, Tables({}, {}), Routes({}))

    second = process(marked, Tables(first.writes.seen, first.writes.latest), Routes({}))

    assert (second.outcome.outcome, second.outcome.reason) == ("duplicate", "same_version_and_content")
    assert second.outcome.detail.endswith("; repaired: byte-order mark skipped")


async def test_numbers_that_json_lacks_stay_dead() -> None:
    """The dead letter says which, and where."""
    result = process(await posted(b'{"id":1,"w":NaN}'), Tables({}, {}), Routes({}))

    assert (result.outcome.outcome, result.outcome.reason) == ("dead", "unreadable")
    assert "NaN at byte 12 is no number of JSON" in result.outcome.detail


def test_handshakes_are_read_repaired_too() -> None:
    """GitHub's ping with a mark is still no resource."""
    (sender,) = (sender for sender in SENDERS if sender.name == "github")
    headers = {**sender.request().headers, "x-github-event": "ping"}
    request = SignedRequest(headers, BOM + b'{"zen":"Keep it logically awesome.","hook_id":1}')

    parsed = sender.provider.parse(raw_delivery("github", sender.provider.identify("acme", request), request))

    assert isinstance(parsed, Handshake)

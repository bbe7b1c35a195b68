"""Shopery: the secret in the header, and the content of the body."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Handshake, Parsed, Refused, Sample, SignedRequest, Verified
from providers.shopery import Shopery
from tests.support.builders.provider_requests import NOW, raw_delivery

SHOPERY = Shopery()


@given(st.binary(min_size=1))
def test_secret_itself_is_the_signature(secret: bytes) -> None:
    """A secret of any bytes matches itself, and nothing else does."""
    headers = SHOPERY.sign(Sample(b"", "order-created", "unused", NOW), secret)

    assert SHOPERY.verify(SignedRequest(headers, b"{}"), [secret + b"x", secret], NOW) == Verified(secret_index=1)


@pytest.mark.parametrize(
    "given_secret", ["our awesome secret", "Our awesome secret ", "Our awesome secre", "x" * 10_000]
)
def test_almost_the_secret_is_wrong(given_secret: str) -> None:
    """Case, length and spaces count."""
    request = SignedRequest({"x-shopery-secret": given_secret}, b"{}")

    assert not isinstance(SHOPERY.verify(request, [b"Our awesome secret"], NOW), Verified)


def test_header_is_declared_secret() -> None:
    """Code that stores or shows headers removes it."""
    assert SHOPERY.secret_headers == {"x-shopery-secret"}


@pytest.mark.parametrize(
    ("body", "event_type", "resource", "is_deleted"),
    [
        (b'{"id":7}', "order", "order|7", False),
        (b'{"event":"orders-created","order":{"id":7}}', "orders-created", "order|7", False),
        (b'{"type":"order-created","data":{"id":"7"}}', "order-created", "order|7", False),
        (b'{"event":"product-deleted","id":7}', "product-deleted", "product|7", True),
    ],
)
def test_resource_is_read_from_the_body(body: bytes, event_type: str, resource: str, is_deleted: bool) -> None:
    """No header names the event; both spellings of the documentation are one resource."""
    request = SignedRequest({}, body)
    envelope = SHOPERY.identify("acme", request)
    parsed = SHOPERY.parse(raw_delivery("shopery", envelope, request))

    assert (envelope.event_type, envelope.key) == (event_type, f"shopery|acme|{resource}")
    assert isinstance(parsed, Parsed)
    assert parsed.snapshots[0].is_deleted == is_deleted


def test_same_body_is_the_same_delivery() -> None:
    """Only the digest of the body can identify a repetition."""
    first, again, other = (SHOPERY.identify("acme", SignedRequest({}, body)) for body in (b"{}", b"{}", b"{ }"))

    assert first.delivery_id == again.delivery_id != other.delivery_id


@pytest.mark.parametrize("body", [b"", b" \n", b"{}", b'{"event":"test"}', b'{"type":"ping","id":7}'])
def test_test_url_is_a_handshake(body: bytes) -> None:
    """A signed body that the button Test URL may post is neither an order nor a dead letter."""
    request = SignedRequest({}, body)
    envelope = SHOPERY.identify("acme", request)

    assert isinstance(SHOPERY.parse(raw_delivery("shopery", envelope, request)), Handshake)


@pytest.mark.parametrize(("body", "is_probe"), [(b"", True), (b"{}", False)])
def test_only_an_empty_post_may_lack_the_secret(body: bytes, is_probe: bool) -> None:
    """An empty body carries nothing to lose or forge; the smallest other one needs the secret."""
    refused = SHOPERY.verify(SignedRequest({}, body), [b"secret"], NOW)

    assert isinstance(refused, Refused)
    assert refused.is_probe is is_probe


def test_wrong_secret_is_no_probe() -> None:
    """A request with a secret must have the right one."""
    refused = SHOPERY.verify(SignedRequest({"x-shopery-secret": "guessed"}, b""), [b"secret"], NOW)

    assert isinstance(refused, Refused)
    assert not refused.is_probe

"""For every provider: any body is identified and parsed without an exception, and both agree on the root resource."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Handshake, SignedRequest, Unparsed
from tests.support.builders.provider_requests import SENDERS, Sender, assert_agreement, raw_delivery

_NAMES = (
    *(
        "id",
        "admin_graphql_api_id",
        "token",
        "order_id",
        "product_id",
        "inventory_item_id",
        "location_id",
        "customerId",
    ),
    *(
        "data",
        "object",
        "type",
        "timestamp",
        "created",
        "created_at",
        "updated_at",
        "scope",
        "hash",
        "producer",
        "action",
    ),
    *(
        "order",
        "event",
        "order_edit",
        "fulfillment_order",
        "issue",
        "repository",
        "comment",
        "sender",
        "account",
        "status",
    ),
)
_TOPICS = (
    *(
        "products/update",
        "products/delete",
        "inventory_levels/update",
        "orders/edited",
        "refunds/create",
        "carts/update",
    ),
    *("customer.tags_added", "fulfillment_orders/moved", "shop/redact", "locales/update", "push", "issues", "star"),
    *(
        "store/product/updated",
        "store/priceList/records/updated",
        "invoice.paid",
        "order.deleted",
        "",
        "/",
        "|",
        "ünï/cødé",
    ),
)
_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.sampled_from(
        ["gid://shopify/Product/7", "gid://shopify/X/", "2026-01-31T12:00:00Z", "x" * 300, "products/update"]
    )
)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=6),
    max_leaves=12,
)
_objects = st.dictionaries(st.sampled_from(_NAMES), _values, max_size=8)


@given(sender=st.sampled_from(SENDERS), topic=st.sampled_from(_TOPICS), value=_objects | _values)
def test_any_json_is_identified_and_parsed_alike(sender: Sender, topic: str, value: Any) -> None:
    """No JSON type in any field raises, and the key of the ingress is that of the root resource."""
    assert_agreement(sender, topic, msgspec.json.encode(value))


@given(sender=st.sampled_from(SENDERS), body=st.binary(max_size=60))
def test_any_bytes_are_identified_and_parsed(sender: Sender, body: bytes) -> None:
    """No bytes raise, readable or not."""
    assert_agreement(sender, sender.topic, body)


@pytest.mark.parametrize("sender", SENDERS, ids=lambda sender: sender.name)
@pytest.mark.parametrize("body", [b"", b" ", b"{", b"[]", b'""', b"null", b"\xff", b"[" * 100_000, b'{"id":' * 100_000])
def test_body_that_is_no_object_becomes_a_dead_letter(sender: Sender, body: bytes) -> None:
    """Such a delivery is identified by its delivery id, and `parse` returns what was expected."""
    request = SignedRequest(sender.request().headers, body)
    envelope = sender.provider.identify("acme", request)

    assert envelope.key == envelope.delivery_id
    parsed = sender.provider.parse(raw_delivery(sender.name, envelope, request))
    is_test_url = sender.name == "shopery" and not body.strip()
    assert isinstance(parsed, Handshake if is_test_url else Unparsed)


@given(sender=st.sampled_from(SENDERS), position=st.integers(0, 20), value=st.text())
def test_any_header_is_identified(sender: Sender, position: int, value: str) -> None:
    """No value of any header raises; a delivery always has an id."""
    request = sender.request()
    name = sorted(request.headers)[position % len(request.headers)]

    assert sender.provider.identify("acme", SignedRequest({**request.headers, name: value}, request.body)).delivery_id

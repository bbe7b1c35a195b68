"""Stripe's rules, case by case; the real events are in tests/contract/test_stripe_corpus.py."""

import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from providers import base
from providers.base import Envelope, Parsed, Refused, Sample, SignedRequest, Unparsed, Verified
from providers.stripe.provider import Stripe
from schemas.records import Snapshot
from tests.support.builders.provider_requests import NOW, raw_delivery

SECRET = b"whsec_made_up"
BODY = b'{"id":"evt_1"}'
NOW_S = int(NOW.timestamp())


def _digest(signed_at: int = NOW_S, secret: bytes = SECRET) -> str:
    return hmac.digest(secret, f"{signed_at}.".encode() + BODY, "sha256").hex()


@pytest.mark.parametrize(
    "header",
    [
        f"t={NOW_S},v1={_digest()}",
        f" t={NOW_S} , v1={_digest()} ",
        f"v1={_digest()},t={NOW_S}",
        f"t={NOW_S},v1={_digest(secret=b'whsec_old')},v1={_digest()}",  # one per secret while it is rolled
        f"t={NOW_S},v1=bad,v0={'0' * 64},v2=new,v1={_digest()},",
    ],
)
def test_any_matching_v1_is_verified(header: str) -> None:
    """Order, spaces, other schemes and broken entries do not matter beside one right signature."""
    assert Stripe().verify(SignedRequest({"stripe-signature": header}, BODY), [b"x", SECRET], NOW) == Verified(1)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (f"t={NOW_S},v0={_digest()}", "malformed_signature"),  # v0 is a fake that comes with test events
        (f"t={NOW_S},v1=", "malformed_signature"),
        (f"v1={_digest()}", "malformed_signature"),
        (f"t=now,v1={_digest()}", "malformed_signature"),
        (f"t=-1,v1={_digest()}", "malformed_signature"),
        (f"t={NOW_S},t={NOW_S},v1={_digest()}", "malformed_signature"),
        ("", "malformed_signature"),
        ("t=\udcff,v1=é", "malformed_signature"),
        (f"t={NOW_S + 1},v1={_digest()}", "wrong_signature"),
        (f"t={NOW_S - 9999},v1={_digest()}", "wrong_signature"),  # forged and old: wrong, not a matter of clocks
        (f"t={NOW_S - 301},v1={_digest(NOW_S - 301)}", "too_old"),
        (f"t={NOW_S + 302},v1={_digest(NOW_S + 302)}", "in_future"),
    ],
)
def test_other_headers_are_refused_with_their_reason(header: str, reason: str) -> None:
    """Each refusal distinguishes a forgery from a broken header and from a wrong clock."""
    verdict = Stripe().verify(SignedRequest({"stripe-signature": header}, BODY), [SECRET], NOW)

    assert isinstance(verdict, Refused)
    assert verdict.reason == reason


def test_secret_counts_as_a_whole() -> None:
    """The text whsec_ is part of the key; a key without it makes another signature."""
    request = _request({"id": "evt_1"})

    assert Stripe().verify(request, [SECRET], NOW + timedelta(seconds=299)) == Verified(0)
    assert isinstance(Stripe().verify(request, [SECRET.removeprefix(b"whsec_")], NOW), Refused)


def test_event_names_itself_and_its_object() -> None:
    """Delivery id, type, time and API version are the event's; resource and document are the object's."""
    envelope, parsed = _read(_event("invoice.paid", {"id": "in_1", "object": "invoice", "paid": True}))

    assert envelope == Envelope(
        "evt_1", "invoice.paid", "stripe|acme||invoice|in_1", datetime(2026, 1, 31, 12, tzinfo=UTC), "2024-06-20"
    )
    snapshot = _only(parsed)
    assert (snapshot.resource_type, snapshot.resource_id) == ("invoice", "in_1")
    assert snapshot.document == {"id": "in_1", "object": "invoice", "paid": True}
    assert (snapshot.version, snapshot.event_time) == (None, envelope.event_time)


@pytest.mark.parametrize(
    ("event_type", "is_deleted"),
    [
        ("customer.deleted", True),
        ("coupon.deleted", True),
        ("account.external_account.deleted", True),
        ("account.application.deauthorized", True),
        ("customer.subscription.deleted", False),  # cancelled: the object is complete and says so
        ("payment_method.detached", False),
        ("invoice.voided", False),
    ],
)
def test_only_a_gone_object_is_deleted(event_type: str, is_deleted: bool) -> None:
    """A cancelled, voided or detached object still exists."""
    _, parsed = _read(_event(event_type, {"id": "x_1", "object": "thing", "status": "canceled"}))

    assert _only(parsed).is_deleted is is_deleted
    assert (_only(parsed).document is None) is is_deleted


@pytest.mark.parametrize(
    ("event_type", "stripe_object", "names"),
    [
        ("invoice.upcoming", {"object": "invoice", "subscription": "sub_1"}, ("upcoming_invoice", "sub_1")),
        ("invoice.upcoming", {"object": "invoice", "customer": {"id": "cus_1"}}, ("upcoming_invoice", "cus_1")),
        (
            "invoice.upcoming",
            {"object": "invoice", "parent": {"subscription_details": {"subscription": "sub_2"}}, "customer": "cus_1"},
            ("upcoming_invoice", "sub_2"),
        ),
        ("invoice.upcoming", {"object": "invoice", "id": "upcoming_1"}, ("upcoming_invoice", "upcoming_1")),
        ("balance.available", {"object": "balance"}, ("balance", "self")),
        ("cash_balance.funds_available", {"object": "cash_balance", "customer": "cus_1"}, ("cash_balance", "cus_1")),
        ("checkout.session.completed", {"object": "checkout.session", "id": "cs_1"}, ("checkout_session", "cs_1")),
        (
            "billing.alert.triggered",
            {"object": "billing.alert_triggered", "customer": "cus_1", "alert": {"id": "alrt_1"}},
            ("billing_alert_triggered", "cus_1:alrt_1"),
        ),
    ],
)
def test_object_without_id_is_named_by_what_it_is_about(
    event_type: str, stripe_object: dict[str, Any], names: tuple[str, str]
) -> None:
    """A preview of an invoice is not an invoice; a balance is the account's only one."""
    envelope, parsed = _read(_event(event_type, stripe_object))

    assert (_only(parsed).resource_type, _only(parsed).resource_id) == names
    assert envelope.key == f"stripe|acme||{names[0]}|{names[1]}"


@pytest.mark.parametrize(
    ("stripe_object", "resource_id"),
    [
        ({"object": "balance"}, "self"),
        ({"object": "coupon", "id": "SUMMER"}, "SUMMER"),  # two shops may both call a coupon SUMMER
        ({"object": "customer", "id": "cus_1"}, "cus_1"),
    ],
)
def test_ids_that_repeat_between_accounts_and_modes_are_kept_apart_by_the_tenant(
    stripe_object: dict[str, Any], resource_id: str
) -> None:
    """Ids that merchants choose are unique within their account and mode only."""
    for changes, tenant in (
        ({}, ""),
        ({"livemode": False}, "test"),
        ({"account": "acct_1"}, "acct_1"),
        ({"account": "acct_1", "livemode": False}, "acct_1:test"),
    ):
        envelope, parsed = _read(_event("thing.updated", stripe_object) | {"livemode": True} | changes)

        assert _only(parsed).resource_id == resource_id
        assert (envelope.tenant, envelope.key) == (
            tenant,
            f"stripe|acme|{tenant}|{stripe_object['object']}|{resource_id}",
        )


@pytest.mark.parametrize(
    ("related", "names"),
    [
        ({"id": "mtr_1", "type": "billing.meter", "url": "/v1/billing/meters/mtr_1"}, ("v1_billing_meter", "mtr_1")),
        ({"id": "acct_1", "type": "v2.core.account"}, ("v2_core_account", "acct_1")),
        (None, ("v2_core_event", "evt_1")),
        ({"id": "mtr_1"}, ("v2_core_event", "evt_1")),
    ],
)
def test_thin_event_is_its_own_document(related: dict[str, Any] | None, names: tuple[str, str]) -> None:
    """A notification names its object without its content; its time is ISO text."""
    event = {
        "id": "evt_1",
        "object": "v2.core.event",
        "type": "v1.billing.meter.error_report_triggered",
        "created": "2026-01-31T12:00:00.000Z",
        "related_object": related,
    }

    envelope, parsed = _read(event)

    assert (_only(parsed).resource_type, _only(parsed).resource_id) == names
    assert _only(parsed).document == event
    assert envelope.event_time == datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "change", [{"data": None}, {"data": {}}, {"data": {"object": None}}, {"data": {"object": {"id": "x_1"}}}]
)
def test_event_without_an_object_has_an_unknown_shape(change: dict[str, Any]) -> None:
    """Such an event is kept under its own id and becomes a dead letter."""
    envelope, parsed = _read(_event("invoice.paid", {}) | change)

    assert envelope.key == envelope.delivery_id == "evt_1"
    assert isinstance(parsed, Unparsed)
    assert parsed.reason == "unknown_shape"


def _event(event_type: str, stripe_object: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "evt_1",
        "object": "event",
        "type": event_type,
        "created": 1_769_860_800,
        "api_version": "2024-06-20",
        "data": {"object": stripe_object},
    }


def _request(event: dict[str, Any]) -> SignedRequest:
    body = msgspec.json.encode(event)
    return SignedRequest(Stripe().sign(Sample(body=body, topic="", delivery_id="", now=NOW), SECRET), body)


def _read(event: dict[str, Any]) -> tuple[Envelope, Parsed | Unparsed | base.TestDelivery]:
    request = _request(event)
    envelope = Stripe().identify("acme", request)
    return envelope, Stripe().parse(raw_delivery("stripe", envelope, request))


def _only(parsed: Parsed | Unparsed | base.TestDelivery) -> Snapshot:
    assert isinstance(parsed, Parsed), parsed
    (snapshot,) = parsed.snapshots
    return snapshot


@pytest.mark.parametrize("event_id", ["evt_00000000000000", "charge.expired_00000000000000"])
def test_event_of_the_dashboards_button_is_no_data(event_id: str) -> None:
    """Its objects do not exist; what the CLI triggers in test mode does."""
    body = {"id": event_id, "object": "event", "type": "charge.expired", "created": 1, "livemode": False}
    request = SignedRequest({}, msgspec.json.encode(body | {"data": {"object": {"id": "ch_1", "object": "charge"}}}))
    parsed = Stripe().parse(raw_delivery("stripe", Stripe().identify("acme", request), request))

    assert isinstance(parsed, base.TestDelivery)

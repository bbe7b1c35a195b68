"""What names an object of Stripe: different objects never share a resource; the ingress and the pipeline compute one key."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers import base
from providers.base import Envelope, Parsed, SignedRequest, Unparsed
from providers.stripe.names import PATHS, PREVIEWS, SINGLETONS, WITHIN, WITHOUT_ID
from providers.stripe.provider import Stripe
from schemas.records import Document, resource_key
from tests.support.builders.properties import examples
from tests.support.builders.provider_requests import raw_delivery

TYPES = [*WITHOUT_ID, *WITHIN, *SINGLETONS, "account_link", "card", "coupon", "invoice", "terminal.connection_token"]
_id = st.none() | st.sampled_from(["", "a_1", "a_2", 7]) | st.booleans() | st.just([]) | st.just({})
_reference = _id | st.fixed_dictionaries({}, optional={"id": _id, "object": st.just("thing"), "deleted": st.just(True)})
_parent = _id | st.fixed_dictionaries({}, optional={"subscription_details": _id | st.just({"subscription": "sub_1"})})
_object = st.fixed_dictionaries(
    {},
    optional={
        "object": st.sampled_from(TYPES) | _id,
        "id": _id,
        "parent": _parent,
        **{path: _reference for path in sorted(PATHS) if "." not in path},
    },
)
_event = st.fixed_dictionaries(
    {"type": st.sampled_from([*PREVIEWS, "thing.created", "thing.deleted", "v2.thing.updated"]) | _id},
    optional={
        "id": _id,
        "object": st.sampled_from(["event", "v2.core.event"]) | _id,
        "account": _id,
        "created": st.sampled_from([1_769_860_800, "2026-01-31T12:00:00.000Z", None]),
        "data": _id | st.fixed_dictionaries({}, optional={"object": _object | _id}),
        "related_object": _reference | st.just({"id": "a_1", "type": "billing.meter"}),
    },
)


CARDS, TRANSFERS = ({"object": "capability", "id": name} for name in ("card_payments", "transfers"))
CASH = {"object": "cash_balance"}
BANK = {"object": "bank_account", "account": "acct_1"}
DISCOUNT = {"object": "discount", "customer": "cus_1"}
DISPUTE = {"object": "dispute"}
INVOICE = {"object": "invoice"}
LINE = {"object": "line_item", "id": "sub_1"}
PREVIEW = INVOICE | {"parent": {"subscription_details": {"subscription": "sub_1"}}}
SUBSCRIPTION = {"object": "subscription"}
TRIGGERED = {"object": "billing.alert_triggered", "customer": "cus_1"}


@pytest.mark.parametrize(
    ("event_type", "one", "other"),
    [
        ("charge.dispute.created", DISPUTE | {"charge": "ch_A"}, DISPUTE | {"charge": "ch_B"}),
        ("charge.dispute.created", DISPUTE, DISPUTE),
        ("capability.updated", CARDS | {"account": "acct_1"}, CARDS | {"account": "acct_2"}),
        ("capability.updated", CARDS | {"account": "acct_1"}, TRANSFERS | {"account": "acct_1"}),
        ("customer.subscription.updated", SUBSCRIPTION | {"customer": "cus_1"}, SUBSCRIPTION | {"customer": "cus_2"}),
        ("customer.discount.created", DISCOUNT | {"subscription": "sub_1"}, DISCOUNT | {"subscription": None}),
        ("invoice.created", INVOICE | {"customer": "cus_1"}, INVOICE | {"customer": "cus_1"}),
        ("invoice.upcoming", INVOICE | {"customer": "cus_1"}, INVOICE | {"customer": "cus_2"}),
        ("account.external_account.created", BANK, BANK),
        ("billing.alert.triggered", TRIGGERED, TRIGGERED),
        ("invoice.updated", LINE | {"invoice": "in_1"}, LINE | {"invoice": "in_2"}),
        ("cash_balance.funds_available", CASH | {"customer_account": "acct_1"}, CASH | {"customer_account": "acct_2"}),
    ],
)
def test_different_objects_are_different_resources(event_type: str, one: Document, other: Document) -> None:
    """An id within something is composed with it; what nothing names is an occurrence, named by its event."""
    assert _name(event_type, one, "evt_1") != _name(event_type, other, "evt_2")


@pytest.mark.parametrize(
    ("event_type", "one", "other"),
    [
        ("charge.dispute.updated", DISPUTE | {"charge": "ch_A"}, DISPUTE | {"charge": {"id": "ch_A"}}),
        ("capability.updated", CARDS | {"account": "acct_1"}, CARDS | {"account": {"id": "acct_1"}}),
        ("balance.available", {"object": "balance"}, {"object": "balance", "livemode": True}),
        ("tax.settings.updated", {"object": "tax.settings"}, {"object": "tax.settings"}),
        ("invoice.upcoming", INVOICE | {"subscription": "sub_1"}, PREVIEW),
    ],
)
def test_one_object_is_one_resource(event_type: str, one: Document, other: Document) -> None:
    """In every version of the API, and whether or not a field is expanded."""
    assert _name(event_type, one, "evt_1") == _name(event_type, other, "evt_2")


def test_occurrence_is_never_deleted() -> None:
    """Nothing names what was deleted: the event's object is the document."""
    _, parsed = _read({"id": "evt_1", "type": "customer.source.deleted", "data": {"object": {"object": "card"}}})

    assert isinstance(parsed, Parsed)
    (snapshot,) = parsed.snapshots
    assert (snapshot.resource_id, snapshot.is_deleted) == ("evt_1", False)
    assert snapshot.document == {"object": "card"}


@settings(max_examples=examples(2000), deadline=None)
@given(event=_event)
def test_ingress_and_pipeline_compute_one_key(event: Document) -> None:
    """Whatever shape an event has; and without a resource the key is the delivery's id."""
    envelope, parsed = _read(event)

    if isinstance(parsed, Unparsed):
        assert envelope.key == envelope.delivery_id
    elif isinstance(parsed, Parsed):
        (root,) = parsed.snapshots
        assert envelope.key == resource_key("stripe", "acme", envelope.tenant, root.resource_type, root.resource_id)


def _name(event_type: str, stripe_object: Document, event_id: str) -> tuple[str, str]:
    _, parsed = _read({"id": event_id, "type": event_type, "created": 1_769_860_800, "data": {"object": stripe_object}})
    assert isinstance(parsed, Parsed), parsed
    (snapshot,) = parsed.snapshots
    return snapshot.resource_type, snapshot.resource_id


def _read(event: Document) -> tuple[Envelope, Parsed | Unparsed | base.TestDelivery]:
    request = SignedRequest({}, msgspec.json.encode(event))
    envelope = Stripe().identify("acme", request)
    return envelope, Stripe().parse(raw_delivery("stripe", envelope, request))

"""Which of Stripe's deliveries need a read, where their objects are read, and what a read object tells."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from providers.api import Wanted
from providers.base import Parsed, SignedRequest, Unparsed
from providers.stripe.children import CHILDREN
from providers.stripe.fetched import cut_lists, is_reference, needs_read, parse_fetched, wanted
from providers.stripe.paths import READABLE, path_of
from providers.stripe.provider import Stripe
from providers.stripe.types import OBJECT_TYPES
from schemas.codec import time_us
from schemas.records import LatestState, RawDelivery, Snapshot
from streams.steps.dedup import is_older
from tests.support.builders.provider_requests import raw_delivery

READ_AT = datetime(2026, 1, 31, 12, 0, 0, 700_000, tzinfo=UTC)
LINES = {"object": "list", "data": [{"id": "il_1"}], "has_more": True, "url": "/v1/invoices/in_1/lines"}
THIN = {
    "id": "evt_1",
    "object": "v2.core.event",
    "type": "v1.billing.meter.error_report_triggered",
    "created": "2026-01-31T12:00:00.000Z",
    "livemode": False,
    "context": "org_1/acct_1",
    "related_object": {"id": "mtr_1", "type": "billing.meter", "url": "/v1/billing/meters/mtr_1"},
}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            THIN,
            Wanted("billing_meter", "mtr_1", "/v1/billing/meters/mtr_1", "org_1/acct_1"),
        ),
        (
            THIN
            | {
                "type": "v2.core.account.updated",
                "context": None,
                "related_object": {"id": "acct_2", "type": "v2.core.account", "url": "/v2/core/accounts/acct_2"},
            },
            Wanted("v2_core_account", "acct_2", "/v2/core/accounts/acct_2"),
        ),
        # Without a URL that may be followed, the id alone says where the object is.
        (
            THIN | {"related_object": {"id": "mtr_1", "type": "billing.meter", "url": "https://example.com/mtr_1"}},
            Wanted("billing_meter", "mtr_1", "", "org_1/acct_1"),
        ),
        # What is deleted is the notification; only a read deletes the object.
        (
            THIN
            | {
                "type": "v1.customer.deleted",
                "context": "acct_1",
                "related_object": {"id": "cus_1", "type": "customer", "url": "/v1/customers/cus_1"},
            },
            Wanted("customer", "cus_1", "", "acct_1"),
        ),
        (
            {
                "id": "evt_1",
                "object": "event",
                "type": "invoice.paid",
                "created": 1_769_860_800,
                "api_version": "2024-06-20",
                "account": "acct_1",
                "livemode": False,
                "data": {"object": {"id": "in_1", "object": "invoice", "lines": LINES}},
            },
            Wanted("invoice", "in_1", "", "acct_1", "2024-06-20"),
        ),
    ],
)
def test_references_and_cut_lists_are_read(event: dict[str, Any], expected: Wanted) -> None:
    """The object is read where the event says, in its account and in its version, under the name that snapshots give it."""
    delivery, snapshot = _parsed(event)

    assert needs_read(snapshot)
    assert wanted(snapshot, delivery) == expected


@pytest.mark.parametrize(
    "event",
    [
        {"data": {"object": {"id": "in_1", "object": "invoice", "lines": LINES | {"has_more": False}}}},
        {"data": {"object": {"id": "in_1", "object": "invoice", "metadata": {"has_more": True}}}},
        {"type": "customer.deleted", "data": {"object": {"id": "cus_1", "object": "customer", "deleted": True}}},
        {"object": "v2.core.event", "type": "v2.core.health.event_generation_failure.resolved"},
    ],
)
def test_whole_objects_need_no_read(event: dict[str, Any]) -> None:
    """A snapshot event contains the object; a notification about nothing has none."""
    assert not needs_read(_parsed({"id": "evt_1", "object": "event", "type": "x.updated", "created": 1} | event)[1])


@pytest.mark.parametrize(
    ("resource_type", "resource_id", "path"),
    [
        ("customer", "cus_1", "/v1/customers/cus_1"),
        ("issuing_authorization", "iauth_1", "/v1/issuing/authorizations/iauth_1"),
        ("coupon", "50% / off", "/v1/coupons/50%25%20%2F%20off"),
        ("balance", "self", "/v1/balance"),
        ("balance", "other", None),
        ("capability", "acct_1:card_payments", "/v1/accounts/acct_1/capabilities/card_payments"),
        ("capability", "card_payments", None),
        ("v2_core_account", "acct_1", "/v2/core/accounts/acct_1"),
        ("v2_core_vault_us_bank_account", "usba_1", "/v2/core/vault/us_bank_accounts/usba_1"),
        ("line_item", "in_1:il_1", None),
        ("customer", "..", None),
        ("customer", "", None),
        ("other", "x", None),
    ],
)
def test_each_type_has_one_path(resource_type: str, resource_id: str, path: str | None) -> None:
    """A path is the plural of the object's name; ids of merchants cannot lead out of it."""
    assert path_of(resource_type, resource_id) == path


def test_readable_types_are_types() -> None:
    """The table names no type that does not exist, and reads every object that has children."""
    assert READABLE <= OBJECT_TYPES
    assert CHILDREN.keys() <= READABLE


def test_read_object_is_that_of_the_events() -> None:
    """Type, id and children are those of a snapshot event, so that both are one resource."""
    stripe_object = {"id": "sub_1", "object": "subscription", "status": "active", "items": LINES}
    _, by_event = _parsed({"id": "evt_1", "type": "customer.subscription.updated", "created": 1} | _data(stripe_object))

    assert _fetched("subscription", stripe_object) == replace(by_event, event_time=READ_AT.replace(microsecond=0))


@pytest.mark.parametrize(
    ("stripe_object", "expected"),
    [
        ({"id": "cus_1", "object": "customer", "deleted": True}, ("customer", "cus_1", True)),
        ({"id": "sub_1", "object": "subscription", "status": "canceled"}, ("subscription", "sub_1", False)),
        ({"object": "balance", "available": []}, ("balance", "self", False)),
        (
            {"id": "card_payments", "object": "capability", "account": "acct_1"},
            ("capability", "acct_1:card_payments", False),
        ),
    ],
)
def test_read_names_and_deletes(stripe_object: dict[str, Any], expected: tuple[str, str, bool]) -> None:
    """`deleted: true` alone is a deletion."""
    snapshot = _fetched(expected[0], stripe_object)

    assert (snapshot.resource_type, snapshot.resource_id, snapshot.is_deleted) == expected
    assert (snapshot.document is None) == snapshot.is_deleted


@pytest.mark.parametrize(
    "stripe_object",
    [{}, {"object": 7}, {"object": "customer"}, {"object": "list"}, {"object": "price", "id": "price_1"}],
)
def test_other_documents_are_unparsed(stripe_object: dict[str, Any]) -> None:
    """A document without an id, or of another type than the one that was wanted, names no resource."""
    assert isinstance(parse_fetched("customer", stripe_object, READ_AT), Unparsed)


@pytest.mark.parametrize(
    ("event", "is_stale"),
    [
        ({"type": "customer.updated", "created": 1_769_860_799}, True),
        ({"type": "customer.created", "created": 1_769_860_800}, True),
        ({"type": "customer.updated", "created": 1_769_860_800}, False),
        ({"type": "customer.updated", "created": 1_769_860_801}, False),
    ],
)
def test_read_makes_only_earlier_events_stale(event: dict[str, Any], is_stale: bool) -> None:
    """An event in the second of the read may be a change after it; it is taken, never lost."""
    read = _fetched("customer", {"id": "cus_1", "object": "customer", "name": "read"})
    _, by_event = _parsed({"id": "evt_1"} | event | _data({"id": "cus_1", "object": "customer", "name": "event"}))

    stored = LatestState(None, time_us(read.event_time), b"", b"{}", state_rank=read.state_rank)
    assert is_older(by_event, stored) == is_stale


def test_cut_lists_go_on_at_their_url() -> None:
    """Only lists that have more and say where are followed."""
    stripe_object = {
        "lines": LINES,
        "whole": LINES | {"has_more": False},
        "elsewhere": LINES | {"url": "https://example.com/v1/invoices"},
        "other": {"has_more": True, "data": []},
    }

    assert cut_lists(stripe_object) == {"lines": "/v1/invoices/in_1/lines"}


@pytest.mark.parametrize(
    "url",
    ["//example.com/v1/", "/v1/../x", "/v1//x", "/v3/x", "/v1/a\nb", "/v1/\\x", "https://x/v1/", "", None, 7, "/v1/é"],
)
def test_only_paths_of_the_api_are_followed(url: object) -> None:
    """A key is sent to Stripe's API and nowhere else."""
    assert not is_reference(url)


def _fetched(resource_type: str, stripe_object: dict[str, Any]) -> Snapshot:
    parsed = parse_fetched(resource_type, stripe_object, READ_AT)
    assert isinstance(parsed, Parsed), parsed
    return parsed.snapshots[0]


def _data(stripe_object: dict[str, Any]) -> dict[str, Any]:
    return {"object": "event", "data": {"object": stripe_object}}


def _parsed(event: dict[str, Any]) -> tuple[RawDelivery, Snapshot]:
    request = SignedRequest({}, msgspec.json.encode(event))
    delivery = raw_delivery("stripe", Stripe().identify("acme", request), request)
    parsed = Stripe().parse(delivery)
    assert isinstance(parsed, Parsed), parsed
    return delivery, parsed.snapshots[0]

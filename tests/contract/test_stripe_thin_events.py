"""Stripe's thin events: they name the same things, in the same accounts, as the events with the whole object."""

from typing import Any

import pytest

from schemas.records import RawDelivery, key_parts
from tests.contract.test_known_bugs import decided, identified

AT = "2026-01-31T12:00:00.000Z"
LATER = "2026-01-31T12:00:05.000Z"


def thin(event_id: str, event_type: str, related: dict[str, Any], created: str = AT, **fields: Any) -> RawDelivery:
    """Return a thin event about an object."""
    body = {"id": event_id, "object": "v2.core.event", "type": event_type, "created": created}
    return identified("stripe", body | {"livemode": True, "related_object": related} | fields, {})


def test_cancelled_subscription_is_not_deleted() -> None:
    """`customer.subscription.deleted` is a cancellation in both kinds of event."""
    subscription = {"id": "sub_1", "type": "subscription"}

    pipeline = decided(
        thin("evt_1", "v1.customer.subscription.created", subscription),
        thin("evt_2", "v1.customer.subscription.deleted", subscription, LATER),
    )

    assert pipeline.outcomes == ["changed created", "changed updated"]


def test_access_that_is_gone_is_deleted() -> None:
    """The application still exists, the account's access does not."""
    application = {"id": "ca_1", "type": "application"}

    pipeline = decided(
        thin("evt_1", "v1.account.application.authorized", application, context="acct_1"),
        thin("evt_2", "v1.account.application.deauthorized", application, LATER, context="acct_1"),
    )

    assert pipeline.outcomes == ["changed created", "changed deleted"]


def test_detached_payment_method_comes_last() -> None:
    """A payment method that was detached is not attached again by an event of the same second."""
    method = {"id": "pm_1", "type": "payment_method"}

    pipeline = decided(
        thin("evt_1", "v1.payment_method.detached", method), thin("evt_2", "v1.payment_method.updated", method)
    )

    assert pipeline.outcomes == ["changed created", "stale older_than_stored"]


@pytest.mark.parametrize("related", [{"type": "balance"}, {"type": "v1.balance", "id": None}])
def test_object_that_an_account_has_once_is_one_resource(related: dict[str, Any]) -> None:
    """A balance has no id."""
    pipeline = decided(
        thin("evt_1", "v1.balance.available", related, context="acct_1"),
        thin("evt_2", "v1.balance.available", related, LATER, context="acct_1"),
        thin("evt_3", "v1.balance.available", related, LATER, context="acct_2"),
    )

    assert pipeline.outcomes == ["changed created", "changed updated", "changed created"]


def test_capabilities_of_two_accounts_are_two_resources() -> None:
    """`card_payments` is an id of each account; only the URL tells whose it is."""
    shown = [
        {"id": "card_payments", "type": "capability", "url": f"/v1/accounts/{account}/capabilities/card_payments"}
        for account in ("acct_1", "acct_2")
    ]

    pipeline = decided(*(thin(f"evt_{index}", "v1.capability.updated", each) for index, each in enumerate(shown)))

    names = [key_parts(change.resource_key).resource_id for change in pipeline.changes]
    assert names == ["acct_1:card_payments", "acct_2:card_payments"]


def test_ping_is_no_data() -> None:
    """It is sent on request, to try the event destination."""
    destination = {"id": "ed_1", "type": "v2.core.event_destination"}

    assert decided(thin("evt_1", "v2.core.event_destination.ping", destination)).outcomes == ["filtered test"]


def test_preview_has_one_name_in_all_versions() -> None:
    """Only some versions give an upcoming invoice an id; it is a new one each time."""
    shown = [{"subscription": "sub_1"}, {"id": "upcoming_in_1", "subscription": "sub_1"}]
    previews = [
        {"id": f"evt_{index}", "type": "invoice.upcoming", "data": {"object": {"object": "invoice", **invoice}}}
        for index, invoice in enumerate(shown)
    ]

    pipeline = decided(*(identified("stripe", preview, {}) for preview in previews))

    assert pipeline.outcomes == ["changed created", "changed updated"]

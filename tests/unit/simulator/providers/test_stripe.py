"""Tests for simulator/providers/stripe/: what it sends is what Stripe's provider understands, and both come from one state."""

import msgspec
import pytest

from providers.base import Parsed, SignedRequest
from providers.stripe.provider import Stripe
from schemas.records import Document, Snapshot
from simulator.providers.stripe import BASIL, LISTS, OBJECT_OF_PATH, StripeFake, rendered
from simulator.providers.stripe.lists import Missing, page_of
from tests.support.builders.provider_requests import raw_delivery

DAY_S = 86_400
INVOICE: Document = {
    "id": "in_1",
    "object": "invoice",
    "lines": [{"id": f"il_{number}"} for number in range(12)],
    "parent": {"subscription_details": {"subscription": "sub_1"}},
}


def test_event_is_understood() -> None:
    """The provider finds the object, its account and mode."""
    fake = StripeFake()

    snapshot = _parsed(fake.put("acct_1", INVOICE, "invoice.created"))
    gone = _parsed(fake.delete("acct_1", "invoice", "in_1"))

    assert (snapshot.resource_type, snapshot.resource_id) == ("invoice", "in_1")
    assert snapshot.event_time == fake.clock.now()
    assert (gone.resource_id, gone.is_deleted) == ("in_1", True)
    assert fake.store.get("acct_1", "invoice", "in_1") == {"id": "in_1", "object": "invoice", "deleted": True}


def test_thin_event_is_understood() -> None:
    """It names the object, and shows none of it."""
    snapshot = _parsed(StripeFake().thin("acct_1", "v2.core.account", "acct_2", "v2.core.account.updated"))

    assert (snapshot.resource_type, snapshot.resource_id) == ("v2_core_account", "acct_2")
    assert snapshot.document is not None
    assert snapshot.document["related_object"]["url"] == "/v2/core/accounts/acct_2"


def test_event_is_frozen() -> None:
    """What was sent does not change with the object, and keeps the version of its creation."""
    fake = StripeFake()
    event = fake.put("", INVOICE | {"total": 1}, "invoice.created")
    fake.put("", INVOICE | {"total": 2}, "invoice.updated")

    assert event["data"]["object"]["total"] == 1
    assert event["api_version"] == "2024-06-20"


@pytest.mark.parametrize(
    ("version", "names"), [("2024-06-20", {"subscription"}), (BASIL, {"parent"}), ("2026-06-24.dahlia", {"parent"})]
)
def test_versions_show_an_object_differently(version: str, names: set[str]) -> None:
    """Since 2025-03-31 an invoice names its subscription below `parent`; lists are cut in every version."""
    shown = rendered(INVOICE, version)

    assert shown.keys() == {"id", "object", "lines", *names}
    assert (len(shown["lines"]["data"]), shown["lines"]["has_more"]) == (10, True)


def test_lists_belong_to_objects_that_can_be_read() -> None:
    """Each list has an address below its object's."""
    assert LISTS.keys() <= set(OBJECT_OF_PATH.values())


def test_log_has_thirty_days() -> None:
    """Of each account its own."""
    fake = StripeFake()
    fake.put("acct_1", INVOICE, "invoice.created")
    fake.clock.advance(15 * DAY_S)
    later = fake.delete("acct_1", "invoice", "in_1")
    fake.clock.advance(16 * DAY_S)

    assert fake.events("acct_1") == [later]
    assert fake.events("") == []


def test_change_without_an_event_is_told_afterwards() -> None:
    """The log of events does not have it."""
    fake = StripeFake()

    event = fake.put_without_event("acct_1", INVOICE, "invoice.paid")

    assert fake.events("acct_1") == []
    assert fake.store.get("acct_1", "invoice", "in_1") == INVOICE
    assert event["data"]["impact"]["event_type"] == "invoice.paid"
    assert event["data"]["impact"]["related_object"]["id"] == "in_1"


@pytest.mark.parametrize(("query", "expected", "has_more"), [
    ({}, [5, 4, 3, 2, 1], False),
    ({"limit": "2"}, [5, 4], True),
    ({"limit": "2", "starting_after": "2"}, [1], False),
    ({"limit": "2", "ending_before": "1"}, [3, 2], True),
    ({"limit": "2", "ending_before": "3"}, [5, 4], False),
    ({"limit": "2", "ending_before": "1", "created[lt]": "4"}, [3, 2], False),
    ({"created[gte]": "2", "created[lt]": "4"}, [3, 2], False),
    ({"types[0]": "odd", "types[1]": "other"}, [5, 3, 1], False),
])  # fmt: skip
def test_page_is_next_to_its_cursor(query: dict[str, str], expected: list[int], has_more: bool) -> None:
    """In either direction, the newest first; `has_more` is about the direction."""
    elements: list[Document] = [
        {"id": str(number), "created": number, "type": "odd" if number % 2 else "even"} for number in range(1, 6)
    ]

    page = page_of(elements, query)

    assert page == {"object": "list", "data": [elements[number - 1] for number in expected], "has_more": has_more}
    assert page_of(elements, {"ending_before": "9"}) == Missing("ending_before")


def _parsed(event: Document) -> Snapshot:
    request = SignedRequest({}, msgspec.json.encode(event))
    parsed = Stripe().parse(raw_delivery("stripe", Stripe().identify("acme", request), request))
    assert isinstance(parsed, Parsed), parsed
    return parsed.snapshots[0]

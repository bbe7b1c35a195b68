"""What waits, from the records of `deliveries.pending` and what is known of each resource."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

import pytest

from console.pending.report import HELD, next_text, why_text
from console.pending.selection import Selection
from console.pending.waiting import Waiting, joined
from schemas.codec import time_us
from schemas.fetches import Standing
from tests.support.builders.deliveries import second
from tests.support.builders.pending_records import key_of, record

FAILED = Standing(3, time_us(second(600)) or 0, "Status 503 from the store")
KEY = "bigcommerce|shop|s1|product|7"


def found(*records: tuple[bytes, Any], standings: Mapping[str, Standing] | None = None) -> list[Waiting]:
    """Return what waits after these records."""

    def known(keys: Collection[str]) -> Mapping[str, Standing]:
        return {key: standing for key, standing in (standings or {}).items() if key in keys}

    return joined(records, known)


def test_delivery_waits_until_its_tombstone() -> None:
    """A resource is waited for as long as one of its deliveries is; a position that waits again waits."""
    first, second_one = record(1), record(2)
    records = [(key_of(1), first), (key_of(2), second_one), (key_of(1), None)]

    (one,) = found(*records)
    assert [each.offset for each in one.deliveries] == [2]
    assert found(*records, (key_of(2), None)) == []


def test_deliveries_of_a_resource_stand_together() -> None:
    """Oldest first, whatever the order of the records; the resource with the longest wait is the first."""
    one, other = found(
        (key_of(5), record(5)), (key_of(3), record(3, key="bigcommerce|shop|s1|order|9")), (key_of(4), record(4))
    )

    assert (one.resource_type, one.resource_id, other.resource_key) == ("order", "9", KEY)
    assert [each.offset for each in other.deliveries] == [4, 5]
    assert (other.since, other.newest.position) == (second(4), "webhooks.raw-0-5")


def test_partitions_are_told_apart() -> None:
    """Each has its own row, so each is given up by a record of its own."""
    assert len(found((key_of(5), record(5)), (key_of(2, partition=1), record(2, partition=1)))) == 2


def test_standing_says_what_was_tried() -> None:
    """How often, why, and when it is tried next; that of another resource says nothing."""
    standings = {KEY: FAILED, "bigcommerce|shop|s1|product|8": FAILED}
    (one,) = found((key_of(1), record(1)), standings=standings)

    assert (one.tries, why_text(one, second(30)), next_text(one, second(30))) == (
        3,
        "Status 503 from the store",
        f"{second(600):%Y-%m-%d %H:%M:%S}",
    )
    assert next_text(one, second(601)) == "now"


def test_resource_whose_turn_does_not_come_waits_for_its_account() -> None:
    """A refused token and a spent quota hold everything, and no read of the resource itself has failed."""
    (one,) = found((key_of(1), record(1)))

    assert why_text(one, one.since + timedelta(seconds=59)) == one.detail
    assert next_text(one, one.since + timedelta(seconds=59)) == "now"
    assert why_text(one, one.since + timedelta(seconds=61)) == HELD


def test_stopped_account_says_why_at_once() -> None:
    """Of each of its resources, whether a read of it has failed before or not; of no other account's."""
    refused = Standing(2, time_us(second(700)) or 0, "401 Unauthorized")
    standings = {"bigcommerce|shop|s1": refused, KEY: FAILED}
    tried, untried, other = found(
        (key_of(1), record(1)),
        (key_of(2), record(2, key="bigcommerce|shop|s1|product|8")),
        (key_of(3), record(3, key="bigcommerce|shop|s2|product|7")),
        standings=standings,
    )

    assert [one.why for one in (tried, untried)] == ["401 Unauthorized"] * 2
    assert (tried.tries, untried.tries) == (3, 0)
    assert next_text(untried, untried.since) == f"{second(700):%Y-%m-%d %H:%M:%S}"
    assert other.why == other.detail


@pytest.mark.parametrize(("selection", "is_selected"), [
    ({}, True),
    ({"names": {KEY}}, True),
    ({"names": {"id-2"}}, True),
    ({"names": {"webhooks.raw-0-2", "absent"}}, True),
    ({"names": {"7", "webhooks.raw-1-2"}}, False),
    ({"sources": {"shop"}, "tenants": {"s1"}, "resources": {"product"}, "reasons": {"awaits_read"}}, True),
    ({"sources": {"sho"}}, False),
    ({"tenants": {"s2"}}, False),
    ({"resources": {"order"}}, False),
    ({"text": "STATUS 503"}, True),
    ({"text": "product|7"}, True),
    ({"text": "status 404"}, False),
])  # fmt: skip
def test_resource_has_every_selected_field(selection: dict[str, Any], is_selected: bool) -> None:
    """One of the values of each field that is given; a name may be that of any of its deliveries."""
    (one,) = found((key_of(1), record(1)), (key_of(2), record(2)), standings={KEY: FAILED})
    fields: dict[str, Any] = {
        name: frozenset(value) if isinstance(value, set) else value for name, value in selection.items()
    }

    assert Selection(**fields).matches(one) is is_selected
    assert Selection(**fields).is_everything is (selection == {})

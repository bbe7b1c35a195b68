"""Which letters a person means."""

from typing import Any

import pytest

from console.dead.deliveries import Sender, edited
from console.dead.letters import Letters
from console.dead.selection import Selection
from tests.support.builders.dead_letters import death, received
from tests.support.builders.deliveries import second

RECORD = death(received(4, "hook:GUID", b'{"Title": "L\xc3\xa4mp", broken', tenant="shop"), 10, error="No JSON at 7")


@pytest.mark.parametrize(("selection", "is_selected"), [
    ({}, True),
    ({"ids": {"hook:GUID"}}, True),
    ({"ids": {"GUID"}}, True),                      # as GitHub's page shows it
    ({"ids": {"webhooks.raw-0-4"}}, True),
    ({"ids": {"webhooks.raw-0-5", "hook"}}, False),
    ({"reasons": {"unreadable", "too_large"}}, True),
    ({"reasons": {"too_large"}}, False),
    ({"sources": {"acme"}}, True),
    ({"sources": {"acm"}}, False),
    ({"tenants": {"shop"}}, True),
    ({"tenants": {""}}, False),
    ({"event_types": {"product.updated"}}, True),
    ({"event_types": {"product"}}, False),
    ({"since": second(10)}, True),
    ({"since": second(11)}, False),
    ({"text": "LÄMP"}, True),
    ({"text": "json at"}, True),
    ({"text": "absent"}, False),
    ({"reasons": {"unreadable"}, "sources": {"other"}}, False),
])  # fmt: skip
def test_letter_has_every_selected_field(selection: dict[str, Any], is_selected: bool) -> None:
    """One of the values of each field that is given."""
    fields: dict[str, Any] = {
        name: frozenset(value) if isinstance(value, set) else value for name, value in selection.items()
    }

    assert Selection(**fields).matches(RECORD) is is_selected


def test_edited_copy_is_selected_by_the_original() -> None:
    """By its id and its position."""
    letters = Letters()
    letters.add_death(RECORD, (0, 0), is_selected=True)
    copy = edited(letters.standings()[0].letter, RECORD, b"[]", "application/json", None, Sender("ann", second(20)))
    died = death(copy, 30)

    for name in ("hook:GUID", "GUID", "webhooks.raw-0-4", copy.delivery_id):
        assert Selection(frozenset({name})).matches(died), name


def test_nothing_given_is_everything() -> None:
    """So that a command can refuse it."""
    assert Selection().is_everything
    assert not Selection(text="").is_everything

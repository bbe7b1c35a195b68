"""The small job: a newer version is an event, anything else is none."""

import json
from typing import Any

from bench.small_job import event
from simulator.shop_deliveries import SMALL, STEP_S, product

OLD, NEW = product(7, 0, 3, SMALL), product(7, STEP_S, 5, SMALL)


def _event(body: bytes, stored: bytes | None) -> dict[str, Any]:
    made = event(body, stored)
    assert made is not None
    parsed: dict[str, Any] = json.loads(made)
    return parsed


def test_the_first_version_is_created() -> None:
    """A first version has no predecessor, so no changed fields."""
    assert _event(OLD, None) == {"op": "c", "changed": [], "before": None, "after": json.loads(OLD)}


def test_a_newer_version_names_the_fields_that_differ() -> None:
    """The fields come in the order of the body, with both versions whole."""
    made = _event(NEW, OLD)

    assert made["op"] == "u"
    assert made["changed"] == ["updated_at", "variants"]
    assert (made["before"], made["after"]) == (json.loads(OLD), json.loads(NEW))


def test_an_equal_or_older_version_is_no_event() -> None:
    """A duplicate and a stale delivery."""
    assert event(NEW, NEW) is None
    assert event(OLD, NEW) is None

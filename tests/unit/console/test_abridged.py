"""Output for people has a bounded length, whatever a payload contains; JSON for programs is complete."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from console.abridged import cut, listed, others
from console.commands import check, explain, state
from console.queries.changes import Attempt
from console.queries.replay_input import Scope
from console.queries.replay_report import Report
from console.queries.tables import Name, Row, Version
from console.screen import results
from schemas.records import LatestState, RawDelivery, SeenVersion
from streams.replay.differences import Decided, DeliveryDifference, Event, EventDifference
from streams.replay.redecide import Tally

MOMENT = datetime(2026, 11, 21, 10, tzinfo=UTC)
POINTERS = [f"/commits/{number}/modified" for number in range(9822)]
MOST_CHARS = 20_000  # of a whole story; a terminal scrolls through it in seconds


@pytest.mark.parametrize(("texts", "shown"), [
    ([], ""),
    (["/a"], "/a"),
    (["/a", "/b"], "/a, /b"),
    ([str(number) for number in range(10)], "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
    ([str(number) for number in range(9822)], "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 9,812 more"),
    (["x" * 500], "x" * 119 + "…"),
])  # fmt: skip
def test_list_says_how_many_more_there_are(texts: list[str], shown: str) -> None:
    """The first ten, each at most 120 characters long."""
    assert listed(texts) == shown


def test_text_that_fits_is_not_cut() -> None:
    """The ellipsis counts."""
    assert (cut("abc", 3), cut("abcd", 3)) == ("abc", "ab…")
    assert (others(20, 20, "changes"), others(1021, 20, "changes")) == (
        "",
        "… and 1,001 more changes; --json shows them all",
    )


def attempt(changes: int, pointers: list[str]) -> Attempt:
    """Return a delivery that made so many changes."""
    delivery = RawDelivery("d-1", "github", "gh", "push", MOMENT, "github|gh|push|1", b"{}")
    outcome = {"outcome": "changed", "reason": "updated", "detail": "", "decided_at": MOMENT}
    change = {
        "event_id": "e",
        "op": "u",
        "resource_key": "github|gh|push|1",
        "changed": pointers,
        "before": None,
        "after": None,
    }
    return Attempt(delivery, outcome, tuple(("changes.github.push", change) for _ in range(changes)))


def test_explain_of_a_large_push_is_a_few_lines() -> None:
    """A push of 19 MB changes tens of thousands of pointers, and a product with its variants is thousands of changes."""
    story = attempt(2001, [*POINTERS, "/" + "x" * 1_000_000])

    lines = [line for line, _style in explain._lines(story)]

    assert (
        lines.count("            u github|gh|push|1: " + listed(story.changes[0][1]["changed"]))
        == explain.CHANGES_SHOWN
    )
    assert "/commits/9/modified and 9,813 more" in lines[-3]
    assert "  … and 1,981 more changes; --json shows them all" in lines
    assert sum(map(len, lines)) < MOST_CHARS


def test_explain_as_json_is_complete() -> None:
    """For programs nothing is left out."""
    shown = json.loads(explain._as_json(attempt(2001, POINTERS)))

    assert len(shown["changes"]) == 2001
    assert shown["changes"][0]["change"]["changed"] == POINTERS


def test_replay_names_a_few_events_of_a_delivery(capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON, all of them."""
    event = Event("changes.github.push", "e", "u", "github|gh|push|1", ("/a",), b'{"a":1}')
    events = tuple(EventDifference("different", event, event, tuple(POINTERS)) for _ in range(1000))
    delivery = attempt(0, []).delivery
    assert delivery is not None
    difference = DeliveryDifference(delivery, Decided("changed", "updated"), Decided("changed", "updated"), events)
    printed = []
    for as_json in (False, True):
        report = Report(10, as_json)
        report.add_delivery(difference)
        report.finish(Tally(), Scope((), {}, 0), 0)
        printed.append(capsys.readouterr().out)

    assert len(printed[0]) < MOST_CHARS
    assert "… and 980 more events; --json shows them all" in printed[0]
    (found, _) = map(json.loads, printed[1].splitlines())
    assert len(found["events"]) == 1000
    assert found["events"][0]["pointers"] == POINTERS


def test_state_shows_the_beginning_of_a_large_document(capsys: pytest.CaptureFixture[str]) -> None:
    """And a few of the versions and of their delivery ids."""
    document = json.dumps({"commits": [{"id": number, "message": "x" * 5000} for number in range(5000)]}).encode()
    row = Row(Name("k", "github", "gh", "", "push", "1"), LatestState(1, None, b"f", document), MOMENT)
    seen = SeenVersion((b"f",), tuple(f"delivery-{number}" for number in range(100)))

    state._print_row(results(), row, [Version(MOMENT, None, seen, MOMENT)] * 3000)

    printed = capsys.readouterr().out
    assert "delivery-4 and 95 more" in printed
    assert "  … and 2,950 more versions; --json shows them all" in printed
    assert "… and 19,004 more lines; --json shows them all" in printed
    assert len(printed.splitlines()) < 1100
    assert max(map(len, printed.splitlines())) <= state.DOCUMENT_LINE_CHARS
    assert len(json.loads(state._row_json(row, [], has_document=True))["document"]["commits"]) == 5000


@pytest.mark.parametrize(("key", "value", "shown"), [
    ("resource", "order", "resource=order"),
    ("operations", ("c", "u"), "operations=('c', 'u')"),
    ("include_fields", tuple(map(str, range(500))), "include_fields=0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 490 more"),
    ("filter", "a:1 OR " * 500, "filter=" + ("a:1 OR " * 500)[: check.SELECTOR_CHARS - 8] + "…"),
])  # fmt: skip
def test_check_abridges_long_selectors(key: str, value: Any, shown: str) -> None:
    """A route is one line."""
    assert check._selector(key, value) == shown

"""What people and programs read of a reconciliation."""

import json

import pytest
from msgspec.structs import replace

from console.reconciliation.report import lines, print_refusals, print_reports, show_progress
from schemas.reconciliation import Begun, Progress, Report
from tests.support.faults.hostile_text import HOSTILE, assert_harmless
from tests.unit.streams.reconcile.builders import NOW_US, walk

REPORT = Report(
    "run-1",
    "reconcile",
    "bigcommerce",
    "stores",
    "abc123",
    "product",
    "complete",
    "product",
    NOW_US,
    NOW_US + 9,
    NOW_US - 86_400_000_000,
    NOW_US,
    5,
    1_200,
)
FOUND = replace(
    REPORT,
    missed=3,
    missed_from_us=NOW_US - 9_000_000,
    missed_to_us=NOW_US - 1_000_000,
    repaired=2,
    deleted=1,
    unread=1,
)


def test_report_says_what_was_missed_and_when() -> None:
    """With counts, times, and what became of it."""
    assert list(lines(FOUND)) == [
        "stores abc123 product: complete, reconcile of 2025-11-24 16:00:00 UTC",
        "    looked at 1,200 on 5 pages, since 2025-11-23 16:00:00 UTC",
        "    newer or unknown 3, from 2025-11-24 15:59:51 UTC to 2025-11-24 15:59:59 UTC",
        "    repaired 2, deleted 1, unread 1",
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"beyond_us": NOW_US}, "    beyond the provider's window: what changed before 2025-11-24 16:00:00 UTC"),
        ({"absent": 2}, "    not in the list 2: looked for by id"),
        ({"absent": 60, "question": "60 of 100?"}, "    question: 60 of 100?"),
        ({"status": "failed", "detail": "page 3: status 500"}, "    page 3: status 500"),
        ({"waiting": 7}, "    repaired 0, deleted 0, waiting 7"),
    ],
)
def test_report_says_what_is_left_to_do(fields: dict[str, object], expected: str) -> None:
    """Each on a line of its own."""
    assert expected in list(lines(replace(REPORT, **fields)))


def test_quiet_lists_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A source may have thousands of tenants."""
    print_reports([REPORT, replace(REPORT, tenant="def"), FOUND], as_json=False)
    printed = capsys.readouterr().out

    assert "2,400 resources of 2 lists are as stored: nothing was missed" in printed
    assert printed.count("looked at") == 1


def test_json_has_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    """Also those that are nothing, with times in ISO 8601."""
    print_reports([FOUND], as_json=True)
    shown = json.loads(capsys.readouterr().out)

    assert len(shown) == len(Report.__struct_fields__)
    assert (shown["missed"], shown["asked"], shown["beyond"]) == (3, 0, None)
    assert shown["missed_from"] == "2025-11-24T15:59:51Z"


@pytest.mark.parametrize("as_json", [False, True])
def test_hostile_text_is_escaped(capsys: pytest.CaptureFixture[str], *, as_json: bool) -> None:
    """Tenants come from payloads, details from providers."""
    print_reports([replace(FOUND, tenant=HOSTILE, detail=HOSTILE, question=HOSTILE)], as_json=as_json)
    print_refusals(Begun("run-1", "reconcile", "stores", (), (HOSTILE,)), as_json=as_json)
    show_progress([Progress("a", HOSTILE, walk=walk())], 1, 2, NOW_US)
    printed = capsys.readouterr()

    assert_harmless(printed.out + printed.err)


def test_progress_has_an_estimate(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the provider counts its list."""
    under_way = replace(walk(), looked_at=250, total=1_000, missed=3)
    show_progress([Progress("a", "product", walk=under_way)], 1, 2, NOW_US + 60_000_000)

    assert "250 of 1,000 looked at, 3 to read, about 3 min left" in " ".join(capsys.readouterr().err.split())

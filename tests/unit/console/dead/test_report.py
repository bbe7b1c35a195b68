"""What is printed of letters has a bounded length and no control characters, whatever a payload contains."""

import json
from typing import Any

import pytest

from console.dead.letters import Letters, Standing
from console.dead.report import failure, print_letter, print_list, print_sent, say_skipped
from schemas.records import Document, Outcome
from tests.support.builders.dead_letters import death, decided, received
from tests.support.faults.hostile_text import HOSTILE, LEGIBLE, assert_harmless

MOST_CHARS = 1_000_000  # of bodies that are all control characters, each of which is shown as six others


def letter(body: bytes, count: int = 1, **fields: Any) -> tuple[list[Standing], dict[str, Document]]:
    """Return letters with a body, those that died last first, and their records."""
    letters, records = Letters(), {}
    for offset in range(count):
        record = death(received(offset, body=body, **fields), offset + 10, error="no JSON " + HOSTILE)
        letters.add_death(record, (0, offset), is_selected=True)
        records[f"webhooks.raw-0-{offset}"] = record
    return letters.standings(), records


@pytest.mark.parametrize("body", [
    json.dumps({HOSTILE: [LEGIBLE, HOSTILE] * 20_000}, ensure_ascii=False).encode(),
    b'"' + b"x" * 5_000_000 + b'"',
    HOSTILE.encode() * 10_000,
    bytes(range(256)) * 1_000,
    b"[" * 100_000,
    b"",
])  # fmt: skip
def test_payload_is_abridged_and_escaped(capsys: pytest.CaptureFixture[str], body: bytes) -> None:
    """The end says how to get all of it."""
    headers = {f"x-{number}-{HOSTILE}": HOSTILE * 900 for number in range(60)}
    (standing,), records = letter(body, delivery_id=HOSTILE, event_type=HOSTILE, tenant=HOSTILE, headers=headers)

    print_letter(standing, records, as_json=False)

    printed = capsys.readouterr().out
    assert_harmless(printed)
    assert len(printed) < MOST_CHARS
    assert "--raw > FILE" in printed


def test_json_has_the_exact_payload(capsys: pytest.CaptureFixture[str]) -> None:
    """As text where it is text, else in Base64."""
    for body in (LEGIBLE.encode(), b"\xff\x00"):
        (standing,), records = letter(body)
        print_letter(standing, records, as_json=True)

    text, binary = map(json.loads, capsys.readouterr().out.splitlines())
    assert (text["body"], text["body_base64"]) == (LEGIBLE, None)
    assert (binary["body"], binary["body_base64"]) == (None, "/wA=")


def test_payload_that_is_gone_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """The standing is known from the fold."""
    (standing,), _ = letter(b"{}")

    print_letter(standing, {}, as_json=False)

    assert "payload   no longer kept" in capsys.readouterr().out


def test_list_is_cut_and_counts_all(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON has as many as were asked for, one a line; the counts go to the other stream."""
    standings, _ = letter(b"{", 30)

    print_list(standings, 10, as_json=False, has_standing=False)
    shown = capsys.readouterr().out
    print_list(standings, 0, as_json=True, has_standing=True)
    records, counts = capsys.readouterr()

    assert "… and 20 more; --limit 0 shows all" in shown
    assert shown.endswith("      30  unreadable\n      30  letters wait\n")
    assert len([json.loads(line) for line in records.splitlines()]) == 30
    assert "30  letters" in counts


def test_what_was_sent_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """What is dead again is named, as much of it as fits."""
    shown = [received(offset, f"{HOSTILE}{offset}") for offset in range(100)]
    outcomes = [Outcome("changed", "created")] * 40 + [Outcome("dead", "unreadable", HOSTILE)] * 50
    sent = {(0, offset): one.delivery_id for offset, one in enumerate(shown)}
    found = {(0, offset): decided(shown[offset], 1, outcome) for offset, outcome in enumerate(outcomes)}

    print_sent(sent, found, as_json=False)

    printed = capsys.readouterr().out
    assert_harmless(printed)
    assert "… and 30 more are dead again" in printed
    assert [line.strip() for line in printed.splitlines()[-3:]] == [
        "50  dead again", "40  changed", "10  still on their way",
    ]  # fmt: skip
    assert failure(50, 10).startswith("50 are dead again: `penstock dead list`; 10 wait for a worker on webhooks.raw")


def test_skipped_letters_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Ten of them."""
    standings, _ = letter(b"{", 12)

    say_skipped(standings)

    printed = capsys.readouterr().err
    assert printed.splitlines()[0] == "skipped id-11 (webhooks.raw-0-11): waiting"
    assert printed.splitlines()[-1] == "… and 2 more were skipped"

"""Step 2: new, duplicate, or older than the stored state. Whole histories are in tests/support/builders/decision_cases.py."""

import pytest

from schemas.records import LatestState, SeenVersion, Snapshot
from streams.steps.dedup import (
    MAX_KEPT,
    DedupVerdict,
    dedup,
    is_older,
    remember,
    times_shown,
    version_tag,
    without_last_delivery,
)
from tests.support.builders.deliveries import latest, seen, snapshot

A: Snapshot = snapshot({"title": "A"}, version=5)
NO_VERSION: Snapshot = snapshot({"title": "A"}, event_time=5)


@pytest.mark.parametrize(
    ("shown", "known", "stored", "reason"),
    [
        (A, None, None, None),
        (A, None, latest(4), None),
        (A, None, latest(5), None),  # a tie is new: providers stamp whole seconds
        (A, None, latest(6), "older_than_stored"),
        (A, seen(b"A", delivery_ids=["me"]), latest(5), "delivery_id"),
        (A, seen(b"A", b"B", delivery_ids=["me", "other"]), latest(5), "delivery_id"),
        (A, seen(b"A", delivery_ids=["other"]), latest(5), "same_version_and_content"),
        (A, seen(b"A", delivery_ids=["other"]), latest(9), "same_version_and_content"),  # duplicate before stale
        (A, seen(b"B", delivery_ids=["other"]), latest(5), None),
        (A, seen(b"A", b"B", delivery_ids=["x", "y"]), latest(5), None),  # a flip back
        (A, seen(b"B", delivery_ids=["other"]), latest(6), "older_than_stored"),
        (NO_VERSION, seen(b"A", delivery_ids=["other"]), latest(None, 5), None),
        (NO_VERSION, seen(b"A", delivery_ids=["me"]), latest(None, 5), "delivery_id"),
        (NO_VERSION, None, latest(6), "older_than_stored"),
    ],
)
def test_dedup_gives_the_reason(
    shown: Snapshot, known: SeenVersion | None, stored: LatestState | None, reason: str | None
) -> None:
    """The delivery id is checked first, then the content of the version, then the stored time."""
    verdict = dedup(shown, b"A", "me", known, stored)

    assert (None if verdict is None else verdict.reason) == reason


def test_stale_is_no_duplicate() -> None:
    """Stale and duplicate are distinguished: one was overtaken, the other was decided before."""
    outcomes = [
        dedup(A, b"A", "me", None, latest(6)),
        dedup(A, b"A", "me", seen(b"A", delivery_ids=["me"]), latest(6)),
    ]

    assert [known.outcome for known in outcomes if isinstance(known, DedupVerdict)] == ["stale", "duplicate"]


@pytest.mark.parametrize(
    ("shown", "stored", "older"),
    [
        (snapshot({}, version=4), latest(5), True),
        (snapshot({}, version=5), latest(5), False),
        (snapshot({}, version=4.999999), latest(5), True),  # microseconds count
        (snapshot({}, version=5), latest(5, is_deleted=True), True),  # an update in the second of the delete
        (snapshot({}, version=5.000001), latest(5, is_deleted=True), False),
        (snapshot(None, version=5), latest(5, is_deleted=True), False),  # two deletes: the second is looked at
        (snapshot(None, event_time=5), latest(5), False),  # a delete in the second of the update
        (snapshot(None, event_time=4), latest(5), True),
        (snapshot({}, event_time=4), latest(None, 5), True),
        (snapshot({}, version=4, event_time=9), latest(5, 1), True),  # the version goes before the event time
        (snapshot({}, version=6, event_time=0), latest(5, 9), False),
        (snapshot({}), latest(5), False),  # without any time, arrival decides
        (snapshot({}, version=1), latest(), False),
        (snapshot(None), latest(5, is_deleted=True), False),
    ],
)
def test_is_older_compares_versions_then_event_times(shown: Snapshot, stored: LatestState, older: bool) -> None:
    """Strictly before; after a delete a tie is before, too."""
    assert is_older(shown, stored) is older


@pytest.mark.parametrize(
    ("shown", "tag"),
    [
        (snapshot({}, version=0, event_time=3), "v1769860800000000"),
        (snapshot({}, event_time=3), "dme"),
        (snapshot({}), "dme"),
    ],
)
def test_version_tag_tells_versions_apart(shown: Snapshot, tag: str) -> None:
    """Part of the key of *seen* and of every event id: persisted."""
    assert version_tag(shown, "me") == tag


def test_remember_keeps_the_order_of_arrival() -> None:
    """A flip back is an entry of its own; a content that follows itself is not."""
    row = None
    for fingerprint, delivery_id in [(b"A", "1"), (b"A", "2"), (b"B", "3"), (b"A", "4")]:
        row = remember(row, fingerprint, delivery_id)

    assert row == SeenVersion((b"A", b"B", b"A"), ("1", "2", "3", "4"))


def test_remembered_row_is_bounded() -> None:
    """A version shown endlessly costs no more than a fixed number of entries, and the dropped ones are counted."""
    row = None
    for number in range(3 * MAX_KEPT):
        row = remember(row, b"AB"[number % 2 : number % 2 + 1], str(number))

    assert row is not None
    assert (len(row.fingerprints), len(row.delivery_ids), row.dropped) == (MAX_KEPT, MAX_KEPT, 2 * MAX_KEPT)
    assert row.delivery_ids[-1] == str(3 * MAX_KEPT - 1)


def test_times_shown_never_repeats_for_one_content() -> None:
    """Each flip back to A gets a larger number, also when the first ones are dropped."""
    row, numbers = None, []
    for number in range(3 * MAX_KEPT):
        if number % 2 == 0:
            numbers.append(times_shown(row, b"A"))
        row = remember(row, b"AB"[number % 2 : number % 2 + 1], str(number))

    assert numbers[:3] == [0, 1, 2]
    assert numbers == sorted(set(numbers))


def test_without_last_delivery_forgets_only_its_id() -> None:
    """The contents stay: the second half of the delivery is compared with the first."""
    assert without_last_delivery(seen(b"A", b"B", delivery_ids=["1", "2"])) == seen(b"A", b"B", delivery_ids=["1"])

"""Compares ids: every delivery that was answered 200 must be on `webhooks.raw`."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from bench.outcomes import committed
from bench.stack import Offsets, Stack
from schemas.topics import RAW

ID_HEADER = "penstock_delivery_id"
CALM_S = 3.0  # longer than the pauses of a spool that is being drained, which keeps adding records
GIVE_UP_S = 60.0
POLL_S = 0.25
NAMED = 5  # missing ids listed, to help find a fault


class Arrived(Struct, frozen=True):
    """Answers compared with records, by delivery id.

    `twice` are deliveries with more than one record: the raw topic promises at-least-once, and the pipeline drops the
    duplicates. `unanswered` have a record but no answer of 200: the sender will retry.
    """

    answered_200: int
    records: int
    missing: int
    twice: int
    unanswered: int
    missing_ids: tuple[str, ...] = ()

    def row(self) -> dict[str, Any]:
        """Return the counts for the results."""
        counts = {"answered_200": self.answered_200, "records": self.records, "missing": self.missing}
        named = {"missing_ids": list(self.missing_ids)} if self.missing else {}
        return {**counts, "twice": self.twice, "unanswered": self.unanswered, **named}


def compare(answered: Iterable[str], on_topic: Mapping[str, int]) -> Arrived:
    """Compare the ids answered 200 with the number of records of each id on the topic."""
    expected = set(answered)
    missing = sorted(expected - on_topic.keys())
    return Arrived(
        answered_200=len(expected),
        records=sum(on_topic.values()),
        missing=len(missing),
        twice=sum(1 for records in on_topic.values() if records > 1),
        unanswered=sum(1 for delivery_id in on_topic if delivery_id not in expected),
        missing_ids=tuple(missing[:NAMED]),
    )


def arrived(stack: Stack, begin: Offsets, answered: Iterable[str]) -> Arrived:
    """Wait until a spool has had time to drain, then read the topic from `begin` on and compare.

    `answered` are the ids of all posts since then that were answered 200.
    """
    expected = set(answered)
    wait_calm(stack, begin, len(expected))
    return compare(expected, Counter(_delivery_ids(stack, begin)))


def wait_calm(stack: Stack, begin: Offsets, expected: int) -> None:
    """Wait until there are enough records and no more arrive, or none arrives for a minute: then missing ones are lost.

    An ingress must drain its spool before it ends, because no other ingress drains it.
    """
    records, since_s = -1, time.monotonic()
    while True:
        ends = stack.ends(RAW)
        now_records = sum(ends.values()) - sum(begin.values())
        if now_records != records:
            records, since_s = now_records, time.monotonic()
        calm_s = time.monotonic() - since_s
        if calm_s > GIVE_UP_S or (calm_s > CALM_S and records >= expected):
            return
        time.sleep(POLL_S)


def _delivery_ids(stack: Stack, begin: Offsets) -> Iterable[str]:
    for record in committed(stack, RAW, begin):
        headers: dict[str, bytes] = dict(record.headers() or [])  # type: ignore[arg-type]  # pairs: no other form was produced
        yield headers[ID_HEADER].decode()

"""Positions to commit: no request is passed over that is not done."""

import random

from streams.hydrate.offsets import Offsets


def moved(offsets: Offsets) -> dict[tuple[str, int], int]:
    """Return what is to be committed."""
    return {(part.topic, part.partition): part.offset for part in offsets.to_commit()}


def test_oldest_open_request_holds_the_position() -> None:
    """Whatever ends behind it."""
    offsets = Offsets()
    for offset in (5, 6, 9):
        offsets.taken("t", 0, offset)
    offsets.done([("t", 0, 6), ("t", 0, 9)])

    assert moved(offsets) == {("t", 0): 5}
    offsets.done([("t", 0, 5)])
    assert moved(offsets) == {("t", 0): 10}
    assert moved(offsets) == {}


def test_any_order_ends_behind_the_last() -> None:
    """And the position never goes back."""
    rng = random.Random(3)  # noqa: S311 - reproducible
    offsets, last = Offsets(), 0
    for offset in range(200):
        offsets.taken("t", 1, offset)
    order = list(range(200))
    rng.shuffle(order)
    for offset in order:
        offsets.done([("t", 1, offset)])
        position = moved(offsets).get(("t", 1), last)
        assert position >= last
        last = position

    assert last == 200
    assert len(offsets) == 0


def test_dropped_partition_commits_nothing() -> None:
    """Another worker has it, and its late results are not this one's."""
    offsets = Offsets()
    offsets.taken("t", 0, 1)
    offsets.dropped("t", 0)
    offsets.done([("t", 0, 1)])

    assert moved(offsets) == {}

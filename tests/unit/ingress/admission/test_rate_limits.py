"""A bucket lets through the promised rate, and its waiting times are correct."""

from math import nextafter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingress.admission.rate_limits import ROUNDING_S, Bucket, Rate


class Clock:
    """A clock that moves on demand."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s


def test_burst_then_rate() -> None:
    """A full bucket gives its burst at once, then one token each interval, and is full again after a rest."""
    clock = Clock()
    bucket = Bucket(Rate(10, 3), clock)

    assert [bucket.take() for _ in range(4)] == [0, 0, 0, pytest.approx(0.1)]
    clock.now_s += 0.1
    assert [bucket.take() for _ in range(2)] == [0, pytest.approx(0.1)]
    clock.now_s += 60
    assert [bucket.take() > 0 for _ in range(4)] == [False, False, False, True]


def test_refused_take_costs_nothing() -> None:
    """Repeated refused posts do not keep the bucket empty."""
    clock = Clock()
    bucket = Bucket(Rate(1, 1), clock)
    bucket.take()

    waits = [bucket.take() for _ in range(100)]

    assert set(waits) == {waits[0]}
    clock.now_s += waits[0]
    assert bucket.take() == 0


@given(
    per_s=st.floats(0.01, 1e6),
    burst=st.integers(1, 1000),
    pauses_s=st.lists(st.floats(0, 10), max_size=200),
)
def test_never_more_than_promised_and_never_a_lie(per_s: float, burst: int, pauses_s: list[float]) -> None:
    """In any stretch of time at most burst + rate x time pass; after the returned wait, one passes."""
    clock = Clock()
    bucket, began_s, let_in = Bucket(Rate(per_s, burst), clock), clock.now_s, 0
    for pause_s in [0.0, *pauses_s]:
        clock.now_s += pause_s
        wait_s = bucket.take()
        let_in += wait_s == 0
        if wait_s:
            clock.now_s = nextafter(clock.now_s + wait_s, 1e9)
            assert bucket.take() <= ROUNDING_S
            let_in += 1

        assert let_in <= burst + per_s * (clock.now_s - began_s) * (1 + 1e-6) + 1e-3

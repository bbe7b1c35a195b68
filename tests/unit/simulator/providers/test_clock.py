"""Tests for simulator/providers/clock.py."""

from datetime import timedelta

from simulator.providers.clock import START, Clock


def test_clock_stands_still_until_set() -> None:
    """Without a speed the time is what was set, and passes by `advance` alone."""
    clock = Clock(START)

    clock.advance(1.5)
    assert clock.now() == START + timedelta(seconds=1.5)

    clock.set(START)
    assert clock.now() == START


def test_clock_runs_at_its_speed() -> None:
    """A thousand times as fast, the smallest of pauses is seconds long."""
    clock = Clock(START, speed=1_000_000)

    earlier, later = clock.now(), clock.now()

    assert START < earlier < later

"""Tests for simulator/providers/faults.py."""

from collections import Counter

import pytest

from simulator.providers.faults import Faults


def test_scripted_faults_precede_an_outage_and_chance() -> None:
    """What is scripted for the next requests happens first, an outage to everything, and shares to the rest."""
    faults = Faults(seed=1)
    faults.shares({"error": 1.0})
    faults.outage("reset")
    faults.next("slow", None)

    drawn = [faults.draw() for _ in range(3)]
    faults.outage(None)

    assert drawn == ["slow", None, "reset"]
    assert faults.draw() == "error"


def test_shares_are_kept() -> None:
    """Of many requests each fault gets its share."""
    faults = Faults(seed=1)
    faults.shares({"error": 0.05, "stall": 0.2})

    drawn = Counter(faults.draw() for _ in range(10_000))

    assert 400 < drawn["error"] < 600
    assert 1_800 < drawn["stall"] < 2_200
    assert drawn[None] + drawn["error"] + drawn["stall"] == 10_000


def test_healing_ends_everything() -> None:
    """Afterwards nothing goes wrong."""
    faults = Faults()
    faults.shares({"error": 1.0})
    faults.outage()
    faults.next("reset")
    faults.has_expired_token, faults.read_lag_s = True, 5.0

    faults.heal()

    assert faults.draw() is None
    assert not faults.has_expired_token
    assert faults.read_lag_s == 0


@pytest.mark.parametrize("shares", [{"error": 0.6, "reset": 0.6}, {"earthquake": 0.1}])
def test_impossible_shares_are_refused(shares: dict[str, float]) -> None:
    """Shares are of known faults, and at most the whole."""
    with pytest.raises(ValueError, match="expected shares of error"):
        Faults().shares(shares)  # type: ignore[arg-type]  # that is what is tested

"""The search for the largest rate that is held."""

from typing import Any

import pytest

from bench.sustained import confirmed, lost_by, search


class IngressApp:
    """A server that holds every rate up to its limit, and records the tried rates."""

    def __init__(self, limit: int) -> None:
        self.asked: list[int] = []
        self._limit = limit

    def holds(self, rate: int) -> bool:
        """Say whether a rate is held."""
        self.asked.append(rate)
        return rate <= self._limit


@pytest.mark.parametrize("limit", [50, 60, 999, 1_000, 1_001, 3_800, 12_345, 100_000])
def test_search_finds_the_limit_from_below(limit: int) -> None:
    """The rate found is held, and one 5 % above it is not."""
    ingress = IngressApp(limit)

    found = search(ingress.holds, 1_000)

    assert found <= limit <= found * 1.05 + 1
    assert len(ingress.asked) == len(set(ingress.asked)) <= 14


def test_search_gives_up_below_the_lowest_rate() -> None:
    """A server that holds nothing is asked a few times, not for ever."""
    ingress = IngressApp(0)

    assert search(ingress.holds, 1_000) == 0
    assert len(ingress.asked) < 8


def test_confirmation_goes_down_until_held() -> None:
    """What five seconds held and a minute does not is tried 5 % lower."""
    ingress = IngressApp(3_700)

    assert confirmed(ingress.holds, 4_000) == 3_610
    assert ingress.asked == [4_000, 3_800, 3_610]


@pytest.mark.parametrize("candidate", [0, 4_000])
def test_nothing_confirmed_is_zero(candidate: int) -> None:
    """No rate counts as held without a minute that shows it."""
    assert confirmed(IngressApp(0).holds, candidate) == 0


def row(answers: dict[str, int], p99_ms: float | None = 5.0, generator: str = "kept up") -> dict[str, Any]:
    """Return the result of a run."""
    return {"answers": answers, "p99_ms": p99_ms, "generator": {"verdict": generator}}


@pytest.mark.parametrize(
    ("run", "reasons"),
    [
        (row({"200": 5000}), []),
        (row({"200": 5000}, p99_ms=100.0), []),
        (row({"200": 5000}, p99_ms=100.1), ["p99 over 100 ms"]),
        (row({"200": 4999, "503": 1}), ["answers other than 200"]),
        (row({"none": 1, "200": 4999}), ["answers other than 200"]),
        (row({"none": 10}, p99_ms=None), ["answers other than 200", "p99 over 100 ms"]),
        (row({"200": 5000}, generator="machine is full"), ["machine is full"]),
    ],
)
def test_held_means_all_accepted_in_time_by_a_punctual_generator(run: dict[str, Any], reasons: list[str]) -> None:
    """Each of the three conditions alone fails a run, and is named."""
    assert lost_by(run) == reasons

"""Tests for simulator/providers/webhooks.py."""

from collections import Counter

from simulator.providers.webhooks import MAX_LATE, Unreliable


def test_reliable_webhooks_arrive_in_order() -> None:
    """Without shares nothing happens to them."""
    assert list(Unreliable[int]().arrivals(range(100))) == list(range(100))


def test_every_webhook_is_lost_or_arrives() -> None:
    """Some never, some twice, the others once; each share is kept."""
    unreliable = Unreliable[int](seed=1, lost=0.1, repeated=0.2, late=0.3)

    arrived = Counter(unreliable.arrivals(range(10_000)))

    assert arrived.keys() | set(unreliable.lost) == set(range(10_000))
    assert not arrived.keys() & set(unreliable.lost)
    assert 800 < len(unreliable.lost) < 1_200
    assert 1_600 < sum(count == 2 for count in arrived.values()) < 2_000
    assert max(arrived.values()) == 2


def test_late_webhook_is_overtaken_by_a_bounded_number() -> None:
    """Order is lost, but not by more than a retry would."""
    arrived = list(Unreliable[int](seed=1, late=0.3).arrivals(range(1_000)))

    assert sorted(arrived) == list(range(1_000)) != arrived
    assert max(place - sent for place, sent in enumerate(arrived)) <= MAX_LATE

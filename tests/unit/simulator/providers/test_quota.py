"""Tests for simulator/providers/quota.py."""

from simulator.providers.clock import START, Clock
from simulator.providers.quota import WindowQuota


def test_window_allows_its_limit_and_then_refuses() -> None:
    """The quota is full at each window's beginning, and what comes beyond it is refused and counted."""
    clock = Clock(START)
    quota = WindowQuota(clock.now, limit=3, window_s=30)

    taken = [quota.take("a") for _ in range(4)]
    clock.advance(30)
    after = quota.take("a")

    assert [(request.is_allowed, request.left) for request in taken] == [(True, 2), (True, 1), (True, 0), (False, 0)]
    assert (after.is_allowed, after.left) == (True, 2)
    assert [(window.allowed, window.refused) for window in quota.windows("a")] == [(3, 1), (1, 0)]
    assert quota.refused("a") == 1


def test_reset_is_counted_from_the_request() -> None:
    """Windows begin at multiples of their length."""
    clock = Clock(START)
    quota = WindowQuota(clock.now, limit=3, window_s=30)
    clock.advance(12.5)

    assert quota.take("a").resets_in_s == 17.5


def test_other_apps_share_the_quota() -> None:
    """What other apps of the account take is missing for us, at once or bit by bit; other accounts do not notice."""
    clock = Clock(START)
    quota = WindowQuota(clock.now, limit=10, window_s=30)
    quota.eat("a", 4)

    assert quota.take("a").left == 5
    assert quota.take("b").left == 9

    quota.others("a", per_s=0.1)
    clock.advance(20)
    assert quota.take("a").left == 10 - 2 - 4 - 2
    clock.advance(10)
    assert quota.take("a").left == 9


def test_another_plan_has_another_limit() -> None:
    """A change of the plan counts from the next request on."""
    quota = WindowQuota(Clock().now, limit=2)
    quota.take("a")
    quota.set_limit("a", 450)

    assert quota.take("a").left == 448

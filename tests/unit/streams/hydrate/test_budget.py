"""What may be spent of a quota: never more than is left, a share for others, and little after an outage."""

from hypothesis import given
from hypothesis import strategies as st

from providers.api import Quota
from providers.stripe.api import DOCUMENTED
from streams.hydrate.budget import LEFT_TO_OTHERS, LONGEST_PAUSE_S, MOST_AT_ONCE, Budget

WINDOW = Quota(limit=150, left=150, resets_in_s=30)
BUCKET = Quota(limit=1_000, left=300, restored_per_s=50)


def spend(budget: Budget, now_s: float, cost: float = 1.0, most: int = 1_000) -> int:
    """Start requests while the budget allows it; return how many."""
    started = 0
    while started < most and budget.wait_s(cost, now_s) == 0:
        budget.started(cost)
        started += 1
    return started


@given(st.lists(st.tuples(st.floats(0.02, 0.3), st.integers(1, 8)), min_size=50, max_size=150))
def test_quota_that_is_not_told_is_counted(answers: list[tuple[float, int]]) -> None:
    """No second has more requests than Stripe documents, however long answers take and however many run at once."""
    budget, now_s, started, under_way = Budget(), 0.0, list[float](), 0
    for takes_s, at_once in answers:
        while under_way < at_once and budget.wait_s(1, now_s) == 0:
            budget.started(1)
            started.append(now_s)
            under_way += 1
        now_s += takes_s
        if under_way:
            under_way -= 1
            budget.ended(1, DOCUMENTED, now_s)

    assert len(started) > 4
    for start_s in started:
        assert sum(start_s <= other < start_s + 1 for other in started) <= 25


def test_first_answer_comes_before_the_second_request() -> None:
    """Until then the quota is not known."""
    budget = Budget()

    assert spend(budget, 0) == 1
    budget.ended(1, WINDOW, 0)
    assert spend(budget, 0) == 2


def test_requests_at_once_double_up_to_a_bound() -> None:
    """A provider that is well is asked more at a time."""
    budget, counts = Budget(), []
    for _ in range(6):
        counts.append(spend(budget, 0))
        for _ in range(counts[-1]):
            budget.ended(1, WINDOW, 0)

    assert counts == [1, 2, MOST_AT_ONCE, MOST_AT_ONCE, MOST_AT_ONCE, MOST_AT_ONCE]


def test_share_is_left_to_others() -> None:
    """At 20 % of the window the account waits for the next one."""
    budget = Budget()
    left = 150
    spend(budget, 0)
    budget.ended(1, Quota(150, left, resets_in_s=30), 0)
    while spend(budget, 1, most=1):
        left -= 1
        budget.ended(1, Quota(150, left, resets_in_s=29), 1)

    assert left == 30
    assert budget.wait_s(1, 1) == 29
    assert budget.wait_s(1, 30) == 0


def test_what_is_under_way_is_spent() -> None:
    """Eight requests in flight count, also when the answer to the first says that all of the quota is left."""
    budget = Budget()
    spend(budget, 0)
    for _ in range(4):
        budget.ended(1, Quota(10, 5, resets_in_s=30), 0)
        budget.started(1)

    assert spend(budget, 0) == 2, "five are left, one is under way, and two are for others"


def test_answers_that_come_in_another_order_do_not_raise_what_is_left() -> None:
    """Within one window the quota only falls."""
    budget = Budget()
    budget.started(1)
    budget.started(1)
    budget.ended(1, Quota(150, 31, resets_in_s=20), 10)
    budget.ended(1, Quota(150, 32, resets_in_s=20), 10)

    assert spend(budget, 10) == 1


def test_bucket_fills_while_nothing_is_asked() -> None:
    """Waits exactly for what is missing."""
    budget = Budget()
    budget.started(100)
    budget.ended(100, BUCKET, 0)

    assert budget.wait_s(200, 0) == (200 + 1_000 * LEFT_TO_OTHERS - 300) / 50
    assert budget.wait_s(200, 2) == 0
    assert budget.wait_s(5_000, 100) == 0, "more than ever fits waits for a full bucket, not forever"


def test_outage_is_met_with_growing_pauses_and_a_slow_start() -> None:
    """One request at a time until one succeeds."""
    budget, pauses = Budget(), []
    now_s = 0.0
    for _ in range(3):  # all was well before
        for _ in range(spend(budget, now_s)):
            budget.ended(1, None, now_s)
    assert spend(budget, now_s) == MOST_AT_ONCE
    for _ in range(MOST_AT_ONCE - 1):
        budget.ended(1, None, now_s)
    for _ in range(9):
        pauses.append(budget.failed(1, None, now_s))
        assert budget.wait_s(1, now_s) == pauses[-1]
        now_s += pauses[-1]
        assert spend(budget, now_s) == 1

    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, LONGEST_PAUSE_S]
    budget.ended(1, None, now_s)
    assert spend(budget, now_s) == 2


def test_provider_says_how_long_to_wait() -> None:
    """Its own number counts, not the doubled pause."""
    budget = Budget()
    budget.started(1)

    assert budget.failed(1, None, 5, retry_in_s=12) == 12
    assert budget.wait_s(1, 10) == 7


def test_request_without_an_answer_is_spent() -> None:
    """The provider may have counted it."""
    budget = Budget()
    budget.started(1)
    budget.ended(1, Quota(10, 4, resets_in_s=30), 0)
    budget.started(1)
    budget.failed(1, None, 1, retry_in_s=1)

    assert spend(budget, 2) == 1, "three are left, two of them for others"

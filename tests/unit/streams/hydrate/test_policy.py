"""What follows from a read: written, tried again in time, held back for the account, or given up."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from providers.api import Fetched, Malformed, NotFound, Read, Throttled, Unauthorised, Unavailable
from schemas.codec import us_time
from schemas.fetches import FetchRequest
from streams.hydrate.policy import EARLY_S, JITTER, MISSING_S, RETRIES_S, Again, Hold, Limits, Publish, decided

NOW_US = 1_700_000_100_000_000
REQUEST = FetchRequest(
    "bigcommerce", "shop", "s1", "product", "7", "k", 0, 5, NOW_US - 1_000_000, told_us=NOW_US - 1_000_000
)
LIMITS = Limits(max_attempts=10, max_age_s=3_600)


def after(read: Read, request: FetchRequest = REQUEST) -> Publish | Again | Hold:
    """Return what follows from a read that started just now."""
    return decided(request, read, NOW_US, NOW_US, LIMITS)


def modified(age_s: float) -> Fetched:
    """Return a product that was modified so long before now."""
    time = us_time(NOW_US - round(age_s * 1e6))
    assert time is not None
    return Fetched({"id": 7, "price": Decimal("1.10"), "date_modified": time.isoformat()})


def test_document_is_written_as_it_is() -> None:
    """With exact numbers, and the deliveries that it answers."""
    found = after(modified(1))

    assert isinstance(found, Publish)
    assert b'"price":1.10' in found.body
    assert (found.result.status, found.result.answers, found.result.read_at_us) == ("found", 5, NOW_US)


def test_older_than_its_callback_is_read_again_and_then_taken() -> None:
    """After 1, 5 and 15 s; a clock that is a second ahead is no reason."""
    request, waits = REQUEST, []
    while isinstance(decision := after(modified(60), request), Again):
        waits.append(decision.in_s)
        request = decision.request

    assert tuple(waits) == EARLY_S
    assert request.attempts == 0, "nothing failed"
    assert isinstance(decision, Publish)
    assert isinstance(after(modified(1.9)), Publish)


def test_not_found_is_read_once_more() -> None:
    """Then it is gone."""
    first = after(NotFound())
    assert isinstance(first, Again)
    assert first.in_s == MISSING_S

    second = after(NotFound(), first.request)
    assert isinstance(second, Publish)
    assert (second.result.status, second.body) == ("gone", b"")


@pytest.mark.parametrize("read", [Unavailable("503"), Malformed("expected an object, got an array")])
def test_failures_are_counted_and_wait_longer(read: Read) -> None:
    """Up to the last one, which ends what waits, with the reason."""
    request, waits = REQUEST, list[float]()
    while isinstance(decision := after(read, request), Again) and len(waits) < 2 * LIMITS.max_attempts:
        waits.append(decision.in_s)
        request = decision.request

    assert isinstance(decision, Publish)
    assert decision.result.status == "failed"
    assert decision.result.detail == f"given up after 10 failed reads in 1 s, the last: {read.detail}"  # type: ignore[union-attr]
    assert len(waits) == LIMITS.max_attempts - 1
    expected = [*RETRIES_S, *[RETRIES_S[-1]] * 9][: len(waits)]
    assert all(wait <= got <= wait * (1 + JITTER) for wait, got in zip(expected, waits, strict=True))


def test_too_old_is_given_up_early() -> None:
    """Whatever the number of tries."""
    old = replace(REQUEST, since_us=NOW_US - 3_600_000_000)

    assert isinstance(after(Unavailable("503"), old), Publish)


def test_provider_asks_for_a_longer_wait() -> None:
    """It has it."""
    decision = after(Unavailable("503", retry_in_s=500))

    assert isinstance(decision, Again)
    assert 500 <= decision.in_s <= 500 * (1 + JITTER)


def test_quota_and_credentials_are_no_fault_of_a_request() -> None:
    """It is kept, uncounted."""
    assert after(Throttled(7, "429")) == Hold("throttled", "429", 7)
    assert after(Unauthorised("401")) == Hold("unauthorised", "401")

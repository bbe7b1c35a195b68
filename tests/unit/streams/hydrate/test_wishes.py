"""What waits for a read: requests of one resource are one wish, and a read answers what came before it."""

from collections.abc import Sequence

from msgspec.structs import replace

from providers.api import Checked, Failure, Reply, Wanted
from schemas.fetches import NO_DELIVERY, FetchRequest
from streams.hydrate.wishes import AGAIN_S, GATHER_S, MANY, Wishes

REQUEST = FetchRequest("bigcommerce", "shop", "s1", "product", "7", "k", 0, 5, 1_000, 2_000)


class FourAtATime:
    """The part of a provider's client that `batch` needs."""

    def batch(self, waiting: Sequence[Wanted]) -> Sequence[Wanted]:
        """Return the first four of the first one's type."""
        return [wanted for wanted in waiting if wanted.resource_type == waiting[0].resource_type][:4]

    def cost_of(self, wanted: Sequence[Wanted]) -> float:
        """Return the cost."""
        return float(len(wanted))

    async def read(self, wanted: Sequence[Wanted]) -> Reply:
        """Read nothing."""
        raise NotImplementedError

    async def check(self) -> Checked | Failure:
        """Check nothing."""
        raise NotImplementedError

    async def close(self) -> None:
        """Close nothing."""


def of(number: int, **fields: object) -> FetchRequest:
    """Return a request for a product of a number."""
    return replace(REQUEST, **{"resource_id": str(number), **fields})


def ids(wishes: Wishes, now_s: float) -> list[str]:
    """Return the ids of the next batch."""
    return [wish.request.resource_id for wish in wishes.batch(FourAtATime(), now_s)]


def test_burst_is_one_wish() -> None:
    """It answers all of them, remembers where each stands, and the newest time that any tells of."""
    wishes = Wishes()
    for number in range(50):
        wishes.add(of(7, answers=number, told_us=number * 10), ("fetches", 0, number), 0.0, 0)
    (wish,) = wishes.batch(FourAtATime(), GATHER_S)

    assert len(wishes) == 1
    assert (wish.request.answers, wish.request.told_us) == (49, 490)
    assert wish.positions == [("fetches", 0, number) for number in range(50)]


def test_waits_for_what_it_can_bring_along() -> None:
    """For a moment, or until many wait."""
    wishes = Wishes()
    wishes.add(of(1), ("fetches", 0, 0), 0.0, 0)
    assert ids(wishes, GATHER_S / 2) == []
    assert wishes.next_s() == GATHER_S

    for number in range(2, MANY + 1):
        wishes.add(of(number), ("fetches", 0, number), 0.0, 0)
    assert len(ids(wishes, 0.0)) == 4


def test_one_read_of_a_resource_at_a_time() -> None:
    """What comes while it is read waits for the next read."""
    wishes = Wishes()
    wishes.add(of(7, answers=1), ("fetches", 0, 1), 0.0, 0)
    first = wishes.batch(FourAtATime(), 1.0)
    wishes.begin(first, 1.0)
    wishes.add(of(7, answers=2), ("fetches", 0, 2), 1.0, 0)

    assert ids(wishes, 9.0) == []
    wishes.end(first[0])
    (second,) = wishes.batch(FourAtATime(), 9.0)
    assert (second.request.answers, second.positions) == (2, [("fetches", 0, 2)])


def test_put_back_it_takes_along_what_came_meanwhile() -> None:
    """And what was tried counts on."""
    wishes = Wishes()
    wishes.add(of(7, answers=1, attempts=3), ("fetches", 0, 1), 0.0, 0)
    (wish,) = wishes.batch(FourAtATime(), 1.0)
    wishes.begin([wish], 1.0)
    wishes.add(of(7, answers=2), ("fetches", 0, 2), 1.0, 0)
    wishes.put_back(wish, 20.0)

    assert ids(wishes, 19.0) == []
    (again,) = wishes.batch(FourAtATime(), 20.0)
    assert (again.request.answers, again.request.attempts) == (2, 3)
    assert again.positions == [("fetches", 0, 1), ("fetches", 0, 2)]


def test_live_goes_before_retry_and_the_oldest_first() -> None:
    """Reconciliation last."""
    wishes = Wishes()
    for number, (priority, since_us) in enumerate([(2, 1), (1, 2), (0, 9), (0, 3)]):
        wishes.add(of(number, priority=priority, since_us=since_us), ("fetches", 0, number), 0.0, 0)

    assert ids(wishes, 1.0) == ["3", "2", "1", "0"]


def test_due_time_is_kept() -> None:
    """A request that is to be tried later waits in memory."""
    wishes = Wishes()
    wishes.add(of(1, due_us=10_000_000), ("fetches", 0, 1), 0.0, 0)

    assert ids(wishes, 9.0) == []
    assert ids(wishes, 10.0) == ["1"]


def test_resource_that_changes_all_the_time_is_read_once_a_second() -> None:
    """Others do not wait for it, and after that second nothing is remembered."""
    wishes = Wishes()
    wishes.add(of(7), ("fetches", 0, 1), 0.0, 0)
    first = wishes.batch(FourAtATime(), 0.2)
    wishes.begin(first, 0.2)
    wishes.end(first[0])
    wishes.add(of(7), ("fetches", 0, 2), 0.3, 0)
    wishes.add(of(8), ("fetches", 0, 3), 0.3, 0)

    assert ids(wishes, 0.6) == ["8"]
    assert ids(wishes, 1.2) == ["7", "8"]


def test_urgent_request_brings_a_known_wish_forward() -> None:
    """What was tried counts on, and its next failure waits like any other; an ordinary request leaves the delay alone."""
    wishes, hour_us = Wishes(), 3_600_000_000
    wishes.add(of(7, attempts=3, due_us=hour_us, detail="status 503"), ("fetches", 0, 0), 0.0, 0)
    wishes.add(of(7), ("fetches", 0, 1), 1.0, 1_000_000)
    assert ids(wishes, 60.0) == []

    wishes.add(of(7, is_urgent=True), ("fetches", 0, 2), 60.0, 60_000_000)
    (wish,) = wishes.batch(FourAtATime(), 60.0 + GATHER_S)

    assert (wish.request.attempts, wish.request.detail, wish.request.is_urgent) == (3, "status 503", False)
    assert wish.positions == [("fetches", 0, number) for number in range(3)]


def test_urgent_request_reads_a_resource_no_more_often() -> None:
    """A second between two reads of a resource stays, so that a loop of requests costs no quota."""
    wishes = Wishes()
    wishes.add(of(7), ("fetches", 0, 0), 0.0, 0)
    (wish,) = wishes.batch(FourAtATime(), 1.0)
    wishes.begin([wish], 1.0)
    wishes.end(wish)
    wishes.add(of(7), ("fetches", 0, 1), 1.1, 0)
    wishes.add(of(7, is_urgent=True), ("fetches", 0, 2), 1.1, 0)

    assert ids(wishes, 1.9) == []
    assert ids(wishes, 1.0 + AGAIN_S) == ["7"]


def test_callback_does_not_shorten_the_wait_after_a_failure() -> None:
    """Else a resource that is called for all the time would use up its tries within seconds of an outage."""
    wishes = Wishes()
    wishes.add(of(7, answers=1), ("fetches", 0, 1), 0.0, 0)
    wishes.add(of(7, attempts=2, due_us=15_000_000), ("fetches", 0, 2), 0.0, 0)
    wishes.add(of(7, answers=3), ("fetches", 0, 3), 1.0, 1_000_000)

    assert ids(wishes, 14.9) == []
    assert ids(wishes, 15.0) == ["7"]


def test_read_for_a_list_that_a_delivery_waits_for_too_is_the_delivery_s() -> None:
    """It answers the delivery on its partition, and nothing was missed; the run that asked for it hears of it all the same."""
    listed = of(7, answers=NO_DELIVERY, raw_partition=-1, priority=2, origin="reconcile", run="run-1")
    for requests in ((of(7), listed), (listed, of(7))):
        wishes = Wishes()
        for number, request in enumerate(requests):
            wishes.add(request, ("fetches", 0, number), 0.0, 0)
        (wish,) = wishes.batch(FourAtATime(), GATHER_S)
        request = wish.request

        assert (request.answers, request.raw_partition, request.priority) == (5, 0, 0)
        assert (request.origin, request.run) == ("fetch", "run-1")

"""Deliveries that only name their resource: they wait, and end through the read that answers them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from schemas import codec
from schemas.codec import time_us
from schemas.fetches import HEADER, NO_DELIVERY, FetchResult, encode_result
from schemas.records import Document, LatestState, RawDelivery, Snapshot, resource_key
from streams.pipeline import Result, Tables, give_up
from streams.steps import waiting
from streams.steps.child_index import Rows
from streams.steps.filter import compile_filter
from streams.steps.hydration import Hydration
from streams.steps.origin import CAUSE, ORIGIN
from streams.steps.routing import Route, Routes
from tests.support.builders.deliveries import (
    RESOURCE,
    ROUTES,
    SOURCE,
    START,
    Pipeline,
    Scripted,
    delivery,
    second,
)

READS = replace(ROUTES, hydrations={SOURCE: Hydration(frozenset({RESOURCE}))})
KEY = resource_key(Scripted.name, SOURCE, "", RESOURCE, "7")


class Shop:
    """A pipeline that reads, and the offsets of what it decides."""

    def __init__(self, routes: Routes = READS) -> None:
        self.pipeline = Pipeline(routes)
        self.offset = -1

    def call(self, at: float = 0.0, *, by: str = "", is_deleted: bool = False, origin: str = "") -> Result:
        """Decide a callback about the product."""
        document = None if is_deleted else {"id": 7}
        shown = Snapshot(
            RESOURCE, "7", document, event_time=second(at), is_deleted=is_deleted, is_reference=not is_deleted
        )
        called = delivery(shown, delivery_id=by or f"call-{self.offset + 1}")
        return self.decide(replace(called, headers={ORIGIN: origin}) if origin else called)

    def bring(self, status: Any, answers: int, document: Document | None = None, at: float = 10.0) -> Result:
        """Decide what a read brought."""
        return self.decide(self.read(status, answers, document, at))

    def read(self, status: Any, answers: int, document: Document | None = None, at: float = 10.0) -> RawDelivery:
        """Return the delivery of a read."""
        result = FetchResult(RESOURCE, "7", status, answers, time_us(second(at)) or 0, detail="503 ten times")
        body = b"" if document is None else codec.document_json(document)
        shown = delivery(delivery_id=f"read-{self.offset + 1}")
        return replace(shown, body=body, headers={HEADER: encode_result(result).decode()})

    def waiting(self) -> Sequence[str]:
        """Return the ids of what waits."""
        return [one.delivery_id for one in waiting.listed(KEY, Rows(self.pipeline.latest.get, {}))]

    def decide(self, one: RawDelivery) -> Result:
        """Decide a delivery at the next offset."""
        self.offset += 1
        return self.pipeline.decide(replace(one, offset=self.offset, partition=0))


@pytest.fixture
def shop() -> Shop:
    """Give a shop of which nothing is known."""
    return Shop()


def ends(result: Result) -> list[str]:
    """Return the outcomes of what a read answers."""
    return [f"{one.delivery.delivery_id} {one.outcome.outcome} {one.outcome.reason}" for one in result.answers]


def test_callback_waits_and_ends_as_the_read(shop: Shop) -> None:
    """It makes no change and asks for a read; the read makes the change, whose id the callback's outcome names."""
    waits = shop.call(at=3)
    brought = shop.bring("found", answers=0, document={"id": 7, "title": "a"})

    assert (waits.outcome.outcome, waits.outcome.reason, waits.routed_changes) == ("pending", "awaits_read", ())
    assert waits.request is not None
    assert (waits.request.resource_key, waits.request.answers, waits.request.told_us) == (KEY, 0, time_us(second(3)))
    (change,) = shop.pipeline.changes
    assert (change.op, change.after) == ("c", b'{"id":7,"title":"a"}')
    assert ends(brought) == ["call-0 changed created"]
    assert brought.answers[0].outcome.event_ids == (change.event_id,)
    assert shop.waiting() == []


def test_read_answers_what_came_before_it(shop: Shop) -> None:
    """One change, so the first of them has changed something; what came while it was read waits for the next."""
    for _ in range(3):
        shop.call()
    first = shop.bring("found", answers=1, document={"id": 7, "title": "a"})

    assert ends(first) == ["call-0 changed created", "call-1 unchanged same_read"]
    assert shop.waiting() == ["call-2"]
    assert ends(shop.bring("found", answers=2, document={"id": 7, "title": "a"})) == ["call-2 unchanged no_difference"]
    assert len(shop.pipeline.changes) == 1


def test_repeated_callback_does_not_wait_twice(shop: Shop) -> None:
    """The provider's retry of a callback is a duplicate while the first one waits, and after."""
    shop.call(by="same")

    assert shop.call(by="same").outcome.outcome == "duplicate"
    shop.bring("found", answers=1, document={"id": 7})
    assert shop.call(by="same").outcome.outcome == "duplicate"
    assert shop.waiting() == []


def test_read_that_came_twice_answers_once(shop: Shop) -> None:
    """A hydration that was killed behind its read makes it again."""
    shop.call()
    document = {"id": 7, "title": "a"}

    assert len(shop.bring("found", 0, document).answers) == 1
    second_time = shop.bring("found", 0, document)

    assert (second_time.answers, second_time.outcome.outcome) == ((), "unchanged")
    assert len(shop.pipeline.changes) == 1


def test_resource_that_is_gone_is_deleted(shop: Shop) -> None:
    """And what is told of it behind that changes nothing."""
    shop.call()
    shop.bring("found", answers=0, document={"id": 7})
    shop.call()
    assert ends(shop.bring("gone", answers=2, at=20)) == ["call-2 changed deleted"]

    shop.call()
    assert ends(shop.bring("gone", answers=4, at=30)) == ["call-4 unchanged already_deleted"]
    assert [change.op for change in shop.pipeline.changes] == ["c", "d"]


def test_deletion_needs_no_read(shop: Shop) -> None:
    """A read that started before it and is decided behind it does not bring the resource back."""
    shop.call(at=1)
    shop.bring("found", answers=0, document={"id": 7}, at=2)
    shop.call(at=3)
    deleted = shop.call(at=5, is_deleted=True)
    late = shop.bring("found", answers=2, document={"id": 7, "title": "b"}, at=4)

    assert (deleted.outcome.outcome, deleted.outcome.reason) == ("changed", "deleted")
    assert ends(late) == ["call-2 stale older_than_stored"]
    assert [change.op for change in shop.pipeline.changes] == ["c", "d"]


def test_read_that_failed_makes_dead_letters(shop: Shop) -> None:
    """Each of what waited has one, and nothing waits any more."""
    shop.call()
    shop.call()
    result = shop.bring("failed", answers=1)

    assert ends(result) == ["call-0 dead not_read", "call-1 dead not_read"]
    assert [one.outcome.detail for one in result.answers] == ["503 ten times"] * 2
    assert (result.outcome.outcome, result.outcome.reason) == ("unchanged", "not_read")
    assert shop.waiting() == []


def test_retried_dead_letter_is_read_again(shop: Shop) -> None:
    """Its delivery id is known, but nothing was decided under it."""
    shop.call(by="same")
    shop.bring("failed", answers=0)
    again = shop.call(by="same", origin="retry")

    assert (again.outcome.outcome, again.request is not None) == ("pending", True)
    assert ends(shop.bring("found", answers=2, document={"id": 7})) == ["same changed created"]
    assert shop.call(by="same").outcome.outcome == "duplicate"


def test_read_that_cannot_be_stored_gives_up_what_waits(shop: Shop) -> None:
    """A record that is too large for Kafka must not leave deliveries waiting forever."""
    shop.call()
    pipeline = shop.pipeline
    outcome = pipeline.results[0].outcome
    too_large = replace(outcome, outcome="dead", reason="too_large")
    result = give_up(shop.read("found", 0), Tables(pipeline.seen, pipeline.latest), too_large)

    assert ends(result) == ["call-0 dead too_large"]
    assert result.outcome == too_large


def test_paused_resource_does_not_wait(shop: Shop) -> None:
    """Its callbacks are filtered, and so are those that waited when it was paused."""
    shop.call()
    shop.pipeline.routes = replace(READS, paused=frozenset({(SOURCE, None, RESOURCE)}))

    assert shop.call().outcome.reason == "paused"
    assert ends(shop.bring("found", answers=0, document={"id": 7})) == ["call-0 filtered paused"]
    assert shop.waiting() == []


def test_read_replaces_an_earlier_notification(shop: Shop) -> None:
    """What was stored before hydration was switched on has a later time than the change that it told of."""
    shop.pipeline.routes = ROUTES
    shop.call(at=5)
    shop.pipeline.routes = READS
    shop.call(at=6)

    assert ends(shop.bring("found", answers=1, document={"id": 7, "title": "a"}, at=4)) == ["call-1 changed updated"]


def test_notification_does_not_replace_a_document(shop: Shop) -> None:
    """Without credentials nothing is read any more, and what was read stays."""
    shop.call()
    shop.bring("found", answers=0, document={"id": 7, "title": "a"})
    shop.pipeline.routes = ROUTES

    assert shop.call(at=50).outcome.reason == "reference"
    assert shop.pipeline.stored().document == b'{"id":7,"title":"a"}'


def test_tenant_without_credentials_is_decided_as_before() -> None:
    """Nobody would read what it waits for."""
    routes = replace(READS, hydrations={SOURCE: Hydration(frozenset({RESOURCE}), frozenset({"known"}))})
    shop = Shop()
    shop.pipeline.routes = routes

    assert shop.call().outcome.outcome == "changed"


@pytest.mark.parametrize("count", [1, waiting.PER_ROW, waiting.PER_ROW + 1, 3 * waiting.PER_ROW + 7])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_many_wait_in_order(shop: Shop, count: int, share: float) -> None:
    """Rows are filled, emptied and used again; nothing is lost and nothing is answered twice."""
    for _ in range(count):
        shop.call()
    up_to = int(count * share) - 1
    taken = shop.bring("found", answers=up_to, document={"id": 7}).answers
    expected = [f"call-{number}" for number in range(count)]

    assert [one.delivery.delivery_id for one in taken] == expected[: up_to + 1]
    assert shop.waiting() == expected[up_to + 1 :]
    shop.call(by="behind")
    rest = shop.bring("found", answers=10_000, document={"id": 7}).answers
    assert [one.delivery.delivery_id for one in rest] == [*expected[up_to + 1 :], "behind"]
    assert shop.waiting() == []


def test_result_that_nobody_wrote_is_a_dead_letter(shop: Shop) -> None:
    """A header that cannot be read ends as a dead letter, not as a crash."""
    strange = replace(delivery(), headers={HEADER: "[1]"}, received_at=START + timedelta(seconds=1))

    assert shop.pipeline.decide(strange).outcome.reason == "unreadable"


def test_late_deletion_is_stale_where_nothing_is_read(shop: Shop) -> None:
    """Callbacks are ordered among each other by their own times: an assignment that was removed before is there again."""
    shop.pipeline.routes = ROUTES
    shop.call(at=10)

    assert shop.call(at=5, is_deleted=True).outcome.reason == "older_than_stored"


def test_row_of_an_earlier_version_is_no_read_document(shop: Shop) -> None:
    """It does not say how its document came: callbacks go on to replace it where nothing is read."""
    shop.pipeline.routes = ROUTES
    former = LatestState(None, time_us(second(5)), b"former", b'{"id":7,"scope":"store/product/created"}')
    shop.pipeline.latest[KEY.encode()] = codec.encode_row(former)

    assert shop.call(at=6).outcome.reason == "updated"


def found_by(origin: str, document: Document, at: float = 10.0) -> dict[str, Any]:
    """Return the headers and body of a read that a list led to."""
    result = FetchResult(RESOURCE, "7", "found", NO_DELIVERY, time_us(second(at)) or 0, run="run-1")
    headers = {HEADER: encode_result(result).decode(), ORIGIN: origin, CAUSE: "run-1"}
    return {"body": codec.document_json(document), "headers": headers}


@pytest.mark.parametrize(("origin", "expected"), [("fetch", "c"), ("reconcile", "r"), ("backfill", "r")])
def test_first_sight_in_a_list_is_no_creation(shop: Shop, origin: str, expected: str) -> None:
    """It was seen, not created; what follows is an update, and what shows the same is nothing."""
    for title in ("a", "b", "b"):
        shop.decide(replace(delivery(delivery_id=f"read-{title}"), **found_by(origin, {"id": 7, "title": title})))

    assert [change.op for change in shop.pipeline.changes] == [expected, "u"]


def test_resource_that_comes_back_is_created(shop: Shop) -> None:
    """Something is stored of it: that it was deleted."""
    shop.call(is_deleted=True)
    shop.decide(replace(delivery(delivery_id="read-1"), **found_by("reconcile", {"id": 7}, at=20)))

    assert [change.op for change in shop.pipeline.changes] == ["d", "c"]


def test_read_of_a_list_answers_nothing(shop: Shop) -> None:
    """A delivery that waits is answered by its own read, which may start later."""
    shop.call()
    shop.decide(replace(delivery(delivery_id="read-1"), **found_by("reconcile", {"id": 7})))

    assert shop.waiting() == ["call-0"]


@pytest.mark.parametrize(("origin", "topics"), [("fetch", 0), ("reconcile", 0), ("backfill", 1)])
def test_filters_hold_for_all_but_a_backfill(origin: str, topics: int) -> None:
    """Whoever asks for a backfill gets everything; a route may leave out what a reconciliation found."""
    paid = Route("paid", filter=compile_filter("status:paid"), topic="paid")
    filtered = Shop(replace(READS, routes=(paid,)))
    result = filtered.decide(replace(delivery(delivery_id="read-1"), **found_by(origin, {"id": 7, "status": "new"})))

    assert sum(len(routed.topics) for routed in result.routed_changes) == topics


@pytest.mark.parametrize(
    ("origin", "outcome"), [("fetch", "changed"), ("reconcile", "filtered"), ("backfill", "changed")]
)
def test_route_leaves_out_what_a_reconciliation_found(origin: str, outcome: str) -> None:
    """As it is configured, with reconcile = false."""
    told = Shop(replace(READS, routes=(Route("told", topic="told", reconcile=False),)))
    result = told.decide(replace(delivery(delivery_id="read-1"), **found_by(origin, {"id": 7})))

    assert result.outcome.outcome == outcome

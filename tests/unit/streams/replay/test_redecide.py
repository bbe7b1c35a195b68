"""A replay's findings, given the past records and the deliveries: over a real store, without Kafka."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas import codec
from schemas.records import Document, RawDelivery
from streams.pipeline import Result
from streams.replay.differences import Decided, DeliveryDifference, Event, compared, events_of
from streams.replay.redecide import Replay, Window
from streams.steps.hydration import Hydration
from streams.steps.routing import Routes
from tests.support.builders.deliveries import ROUTES, SOURCE, START, Pipeline, delivery, second, snapshot

KEY = f"scripted|{SOURCE}||product|7"
LAMP, CHAIR = b'{"id":7,"title":"Lamp"}', b'{"id":7,"title":"Chair"}'


def event(
    after: bytes | None = LAMP, op: str = "u", topic: str = "changes.scripted.product", event_id: str = "e"
) -> Event:
    """Return an event about product 7."""
    return Event(topic, event_id, op, KEY, ("/title",), after)


def decided(*events: Event, outcome: str = "changed", reason: str = "updated") -> Decided:
    """Return a decision."""
    return Decided(outcome, reason, events)


@pytest.mark.parametrize(("was", "would_be", "found"), [
    (decided(event()), decided(event()), None),
    (decided(event()), decided(event(event_id="another")), None),                      # ids count flips; the content is the same
    (decided(event(), event()), decided(event()), None),                               # by two pipelines on the same topics
    (decided(event()), decided(event(CHAIR)), [("different", ("/title",))]),
    (decided(event()), decided(event(op="c")), [("different", ())]),
    (decided(event()), decided(event(None, "d")), [("different", ())]),
    (decided(), decided(event()), [("missing", ())]),
    (decided(event()), decided(), [("surplus", ())]),
    (decided(event(topic="a")), decided(event(topic="b")), [("missing", ()), ("surplus", ())]),
    (decided(outcome="stale"), decided(outcome="unchanged"), []),
    (None, decided(), []),
])  # fmt: skip
def test_decisions_are_compared(was: Decided | None, would_be: Decided, found: Any) -> None:
    """They are compared by outcome, reason and events; events by topic and resource, with the pointers of differences."""
    difference = compared(delivery(), was, would_be)

    assert (None if difference is None else [(one.kind, one.pointers) for one in difference.events]) == found


class World:
    """A worker's results, and a replay of them. `firsts` as for `Replay`; records removed by retention are not shown again."""

    def __init__(self, directory: Path, firsts: dict[int, int], window: Window, routes: Routes = ROUTES) -> None:
        self.replay = Replay(directory, routes, window, firsts)
        self.worker = Pipeline()
        self.raw: list[RawDelivery] = []
        self.firsts = firsts

    def post(
        self,
        document: Document | None,
        version: float,
        *,
        becomes: Document | None = None,
        fixed: Mapping[str, Any] | None = None,
        event_type: str = "product.updated",
    ) -> None:
        """Decide a delivery as the worker did.

        `becomes` is the document that a bug made, `fixed` are fields of the snapshot that the bug ignored.
        """
        number, right = len(self.raw), snapshot(document, version)
        wrong = right if becomes is None else snapshot(becomes, version)
        shown, mistaken = (
            msgspec.structs.replace(
                delivery(one, delivery_id=f"d{number}", event_type=event_type),
                partition=0, offset=number, received_at=second(number),
            )
            for one in (msgspec.structs.replace(right, **(fixed or {})), wrong)
        )  # fmt: skip
        self.raw.append(shown)
        self._take(shown, self.worker.decide(mistaken))

    def _take(self, shown: RawDelivery, result: Result) -> None:
        outcome: Document = {"delivery_id": shown.delivery_id, "source": SOURCE, "received_at": shown.received_at}
        outcome |= {"outcome": result.outcome.outcome, "reason": result.outcome.reason, "partition": 0}
        self.replay.add_outcome({**outcome, "offset": shown.offset})
        source = {"source": SOURCE, "topic": shown.topic, "partition": 0, "offset": shown.offset}
        source["event_type"] = shown.event_type
        for routed, one in zip(result.routed_changes, events_of(result), strict=True):
            change = routed.change
            texts = {"before": _text(change.before), "after": _text(change.after), "received_at": shown.received_at}
            named = {"event_id": one.event_id, "op": one.op, "resource_key": KEY, "changed": list(one.changed)}
            kind = {"resource_type": "product", "resource_id": "7", "parent_key": None, "source": source}
            self.replay.add_change(one.topic, {**named, **texts, **kind}, is_whole=True)
            self.replay.add_state("state.scripted.product", KEY.encode(), change.after)

    def differences(self) -> list[DeliveryDifference]:
        """Return the differences after deciding the rest of the raw topic again."""
        for key, row in self.worker.latest.items():
            self.replay.add_row(key, row)
        left = self.raw[self.firsts.get(0, 0) :]
        return [found for shown in left if (found := self.replay.decide(shown)) is not None]

    def corrections(self) -> list[tuple[str | None, str | None]]:
        """Return before and after of each correction."""
        return [(found.correction.before, found.correction.after) for found in self.replay.wrong_states()]


def _text(document: bytes | None) -> str | None:
    return None if document is None else document.decode()


def worlds(directory: Path, first: int = 0, since: float = 0) -> Iterator[World]:
    """Give one world whose replay is closed afterwards."""
    world = World(directory, {0: first} if first else {}, Window(second(since), SOURCE))
    yield world
    world.replay.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Give a world whose raw topic is whole."""
    yield from worlds(tmp_path)


@pytest.fixture
def cut(tmp_path: Path) -> Iterator[World]:
    """Give a world whose raw topic has lost its first three deliveries."""
    yield from worlds(tmp_path, first=3)


@pytest.fixture
def late(tmp_path: Path) -> Iterator[World]:
    """Give a world that is compared from the third delivery on."""
    yield from worlds(tmp_path, since=2)


def test_nothing_wrong_nothing_found(world: World) -> None:
    """Updates, a stale one and a deletion are decided again with the same results."""
    for document, version in (({"a": 1}, 1), ({"a": 2}, 3), ({"a": 1}, 2), (None, 4)):
        world.post(document, version)

    assert world.differences() == []
    assert world.corrections() == []
    assert (world.replay.tally.compared, world.replay.tally.unjudged) == (4, 0)


def test_what_a_bug_stored_is_corrected(world: World) -> None:
    """One delivery differs, and consumers get a change from their state to the right one."""
    world.post({"a": 1}, 1)
    world.post({"a": 2}, 2, becomes={"a": 3})

    assert [found.delivery.delivery_id for found in world.differences()] == ["d1"]
    assert world.corrections() == [('{"a":3}', '{"a":2}')]


@pytest.mark.parametrize("first", ["state.scripted.other", "state.scripted.product"])
def test_document_on_a_former_topic_is_not_what_consumers_have(world: World, first: str) -> None:
    """A newly listed type has left its old documents on the shared topic; they are ignored in either reading order."""
    world.post({"a": 1}, 1)
    world.post({"a": 2}, 2)
    states = {"state.scripted.other": b'{"a":1}', "state.scripted.product": b'{"a":2}'}

    for topic in sorted(states, key=lambda topic: topic != first):
        world.replay.add_state(topic, KEY.encode(), states[topic])

    assert world.differences() == []
    assert world.corrections() == []


@pytest.mark.parametrize(("documents", "left"), [
    (({"a": 1}, {"a": 2}), [b'{"a":1}', b'{"a":2}']),  # not changed since: its last record there counts
    (({"a": 1}, None), [b'{"a":1}']),                  # deleted since, and compaction has removed the tombstone
])  # fmt: skip
def test_document_on_a_former_topic_counts_until_a_change(world: World, documents: Any, left: list[bytes]) -> None:
    """A type's own topic alone causes no correction."""
    for version, document in enumerate(documents):
        world.post(document, version)
    world.replay.add_state("state.scripted.product", KEY.encode(), None)
    for document in left:
        world.replay.add_state("state.scripted.other", KEY.encode(), document)

    assert world.differences() == []
    assert world.corrections() == []


def test_what_later_deliveries_put_right_is_shown_and_not_corrected(world: World) -> None:
    """A published event cannot be withdrawn, and consumers already have the right state."""
    world.post({"a": 1}, 1, becomes={"a": 3})
    world.post({"a": 2}, 2)

    assert [found.delivery.delivery_id for found in world.differences()] == ["d0"]
    assert world.corrections() == []


def noise(number: int) -> Document:
    """Return one document with another value of a field that a fix has made volatile."""
    return {"a": 1, "seen_at": number}


def test_field_that_became_volatile_is_not_turned_back(world: World) -> None:
    """Each event was one too many; but the consumers' document is equivalent to the right one, and newer."""
    volatile = {"volatile": frozenset({"seen_at"})}
    for number in range(3):
        world.post(noise(number), number, fixed=volatile)

    assert [[event.kind for event in found.events] for found in world.differences()] == [["surplus"], ["surplus"]]
    assert world.corrections() == []


def test_field_that_became_volatile_beside_one_that_is_wrong(world: World) -> None:
    """The correction repairs the wrong field, and does not count the volatile field as changed."""
    world.post(noise(1), 1, fixed={"volatile": frozenset({"seen_at"})})
    world.post(noise(2), 2, fixed={"volatile": frozenset({"seen_at"})}, becomes={**noise(2), "a": 9})
    world.differences()

    (found,) = world.replay.wrong_states()

    assert (found.correction.before, found.correction.after) == ('{"a":9,"seen_at":2}', '{"a":1,"seen_at":1}')
    assert found.correction.volatile == ("seen_at",)


def test_routes_of_a_correction_go_by_the_delivery_that_was_right(late: World) -> None:
    """A delivery that changed something by mistake does not decide."""
    late.post({"a": 1}, 1, event_type="product.created")
    late.post({"a": 1}, 2)
    late.post({"a": 1}, 3, becomes={"a": 9}, event_type="product.noticed")
    late.differences()

    (found,) = late.replay.wrong_states()

    assert found.correction.event_type == "product.created"


def test_earlier_deliveries_are_decided_and_not_compared(late: World) -> None:
    """The window begins with a delivery; earlier ones only provide the state before it."""
    late.post({"a": 1}, 1, becomes={"a": 9})
    late.post({"a": 2}, 2)
    late.post({"a": 3}, 3)

    assert late.differences() == []
    assert (late.replay.tally.decided, late.replay.tally.compared) == (3, 1)


def test_history_beyond_the_raw_topic_makes_no_false_creation(cut: World) -> None:
    """The state stored before the topic begins is the `before` of its first change."""
    for number in range(5):
        cut.post({"a": number}, number)

    assert cut.differences() == []
    assert cut.corrections() == []


def test_bug_is_found_where_the_history_is_cut_off(cut: World) -> None:
    """Everything from the first change in the topic on is judged."""
    for number in range(4):
        cut.post({"a": number}, number)
    cut.post({"a": 4}, 4, becomes={"a": 9})

    assert [found.delivery.delivery_id for found in cut.differences()] == ["d4"]
    assert cut.corrections() == [('{"a":9}', '{"a":4}')]


def test_what_only_older_rows_can_decide_is_not_judged(cut: World) -> None:
    """A stale delivery before the first change in the topic: the state that made it stale is no longer known."""
    for version in (1, 2, 5):
        cut.post({"a": version}, version)
    cut.post({"a": 3}, 3)
    cut.post({"a": 6}, 6)

    assert cut.differences() == []
    assert cut.corrections() == []
    assert cut.replay.tally.unjudged == 1


def test_resource_without_a_change_in_the_topic_is_as_it_is_stored(cut: World) -> None:
    """A repetition of the stored state is no creation."""
    for version in (1, 2, 3, 3):
        cut.post({"a": 1}, version)

    assert cut.differences() == []
    assert cut.corrections() == []


def moving(document: Document, version: float) -> RawDelivery:
    """Return the second delivery of a world, decided while past records were read: its outcome and change are unknown."""
    shown = delivery(snapshot(document, version), delivery_id="moving")
    return msgspec.structs.replace(shown, partition=0, offset=1, received_at=START)


def test_what_moves_while_it_is_read_is_not_wrong(world: World) -> None:
    """Past records were read before the last delivery was decided; consumers had the right state then."""
    world.post({"a": 1}, 1)
    world.differences()

    assert world.replay.decide(moving({"a": 2}, 2), is_moving=True) is None
    assert world.corrections() == []


def test_wrong_resource_that_moves_is_not_judged(world: World) -> None:
    """The next replay sees whether the delivery in between corrected it; it is counted."""
    world.post({"a": 1}, 1, becomes={"a": 9})
    world.differences()
    assert world.replay.unsettled() == 0

    world.replay.decide(moving({"a": 2}, 2), is_moving=True)

    assert world.corrections() == []
    assert world.replay.unsettled() == 1


def test_delivery_without_an_outcome_differs(world: World) -> None:
    """Workers had committed it long ago."""
    world.post({"a": 1}, 1)
    world.differences()

    difference = world.replay.decide(moving({"a": 2}, 2))

    assert difference is not None
    assert difference.was is None
    assert world.corrections() == [('{"a":1}', '{"a":2}')]


def test_paused_resource_is_not_corrected(tmp_path: Path) -> None:
    """What the pause holds back is as it should be, and the resource stays as it was before it, mistakes included."""
    paused = msgspec.structs.replace(ROUTES, paused=frozenset({(SOURCE, None, "product")}))
    world = World(tmp_path, {}, Window(START, SOURCE), paused)
    world.post({"a": 1}, 1, becomes={"a": 9})
    world.worker.routes = paused
    world.post({"a": 2}, 2)

    assert [found.delivery.delivery_id for found in world.differences()] == ["d0"]
    assert world.corrections() == []
    world.replay.close()


def test_delivery_that_breaks_the_code_is_dead_as_in_the_worker(world: World) -> None:
    """The replay continues."""
    world.post({"a": 1}, 1)
    broken = msgspec.structs.replace(world.raw[0], body=b"no script", offset=1, delivery_id="broken")
    world.replay.add_outcome(
        {"delivery_id": "broken", "source": SOURCE, "received_at": START, "outcome": "dead", "reason": "internal_error",
         "partition": 0, "offset": 1}
    )  # fmt: skip

    assert world.replay.decide(broken) is None
    assert codec.decode_latest(world.worker.latest[KEY.encode()]).document == b'{"a":1}'


def test_resource_that_waits_for_a_read_is_left_alone(tmp_path: Path) -> None:
    """What was decided before hydration was switched on is no mistake, and nothing is known of the resource until it is read."""
    reads = msgspec.structs.replace(ROUTES, hydrations={SOURCE: Hydration()})
    world = World(tmp_path, {}, Window(START, SOURCE), reads)
    world.post({"id": 7}, 1, fixed={"is_reference": True})

    assert world.differences() == []
    assert world.corrections() == []
    world.replay.close()

"""Any history of one resource, with all noise that providers make, against a simple model of the output.

The model keeps no rows, fingerprints or tags: it keeps lists of accepted versions and applies the rules of
docs/semantics.md literally. A Hypothesis state machine makes the history step by step and shrinks it on a mismatch.
"""

from collections import Counter
from random import Random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from schemas.records import RawDelivery, Snapshot
from tests.support.builders.deliveries import Pipeline, delivery, second, snapshot
from tests.support.builders.histories import Noisy
from tests.support.builders.properties import examples

CONTENTS = st.sampled_from("ABC")
TIMES = st.integers(0, 4)


class Model:
    """The rules in their simplest form: every arrival is kept and searched."""

    def __init__(self) -> None:
        self.arrived: list[tuple[str, Snapshot]] = []
        self.content: str | None = None
        self.is_known = False
        self.time: float | None = None

    def expect(self, delivery_id: str, shown: Snapshot) -> str:
        """Return the required outcome of a delivery, and remember it."""
        outcome = self._outcome(delivery_id, shown)
        if outcome in {"repeated", "reused"}:
            return "duplicate" if outcome == "repeated" else "dead"
        self.arrived.append((delivery_id, shown))
        if outcome in {"changed", "unchanged"}:
            self._store(shown)
        return outcome

    def _outcome(self, delivery_id: str, shown: Snapshot) -> str:
        same_version = [
            (by, s) for by, s in self.arrived if s.version == shown.version and (shown.version or by == delivery_id)
        ]
        if any(by == delivery_id for by, _ in same_version):
            return "repeated" if any(s.document == shown.document for _, s in same_version) else "reused"
        if shown.version is not None and same_version and content(same_version[-1][1]) == content(shown):
            return "duplicate"
        if self._is_overtaken(shown):
            return "stale"
        if shown.is_deleted:
            return "unchanged" if self.is_known and self.content is None else "changed"
        return "unchanged" if content(shown) == self.content else "changed"

    def _is_overtaken(self, shown: Snapshot) -> bool:
        time = time_of(shown)
        if time is None or self.time is None:
            return False
        was_deleted = self.is_known and self.content is None
        return time <= self.time if was_deleted and not shown.is_deleted else time < self.time

    def _store(self, shown: Snapshot) -> None:
        self.is_known, self.content = True, content(shown)
        time = time_of(shown)
        self.time = self.time if time is None else time


def content(shown: Snapshot) -> str | None:
    """Return the content of a snapshot apart from volatile fields."""
    return None if shown.document is None else str(shown.document["title"])


def time_of(shown: Snapshot) -> float | None:
    """Return the time that orders a snapshot, in seconds from the start."""
    time = shown.version or shown.event_time
    return None if time is None else (time - second(0)).total_seconds()


class History(Noisy):
    """One resource at a provider, and the deliveries about it."""

    def __init__(self) -> None:
        super().__init__()
        self.model, self.changed = Model(), 0

    @initialize(title=CONTENTS)
    def create(self, title: str) -> None:
        """Show the first version."""
        self._arrive(self._made(snapshot({"title": title}, version=0)))

    @rule(title=CONTENTS, version=TIMES)
    def show_a_version(self, title: str, version: int) -> None:
        """Show a version: newer, older, or one of the same second."""
        self._arrive(self._made(snapshot({"title": title}, version)))

    @rule(title=CONTENTS, at=st.none() | TIMES)
    def show_without_version(self, title: str, at: int | None) -> None:
        """Show a content that is ordered only by its event time, or not at all."""
        self._arrive(self._made(snapshot({"title": title}, event_time=at)))

    @rule(at=st.none() | TIMES)
    def delete(self, at: int | None) -> None:
        """Delete the resource."""
        self._arrive(self._made(snapshot(None, event_time=at)))

    @rule(choice=st.integers(0, 99), title=CONTENTS, version=st.none() | TIMES)
    def use_an_id_again(self, choice: int, title: str, version: int | None) -> None:
        """Send any content under the id of an earlier delivery: a forged header, or a sender that counts badly."""
        made = self._made(snapshot({"title": title}, version))
        self._arrive(msgspec.structs.replace(made, delivery_id=self.sent[choice % len(self.sent)].delivery_id))

    @rule(title=CONTENTS, version=TIMES)
    def delay(self, title: str, version: int) -> None:
        """Make a delivery that others will overtake."""
        self.held.append(self._made(snapshot({"title": title}, version)))

    @invariant()
    def changes_form_a_chain(self) -> None:
        """Every `before` is the previous `after`: nothing is skipped or out of order."""
        state = None
        for change in self.pipeline.changes:
            assert without_volatile(change.before) == state
            assert (change.op == "d") == (change.after is None)
            state = without_volatile(change.after)

    @invariant()
    def the_last_accepted_state_is_stored_and_was_sent(self) -> None:
        """A consumer's state after the last change is the newest state that arrived."""
        if not self.model.is_known:
            return
        stored = self.pipeline.stored()
        assert without_volatile(stored.document) == self.model.content
        assert without_volatile(self.pipeline.changes[-1].after) == self.model.content
        assert stored.event_id == self.pipeline.changes[-1].event_id

    @invariant()
    def outcomes_add_up(self) -> None:
        """One outcome for every delivery, and as many `changed` as changes."""
        outcomes = Counter(result.outcome.outcome for result in self.pipeline.results)
        assert sum(outcomes.values()) == len(self.pipeline.results)
        assert outcomes["changed"] == len(self.pipeline.changes) == self.changed

    def _made(self, *shown: Snapshot) -> RawDelivery:
        made = [msgspec.structs.replace(one, volatile=frozenset({"touched"})) for one in shown]
        number = len(self.sent) + len(self.held)
        for one in made:
            if one.document is not None:
                one.document["touched"] = number if one.version is None else 0
        return delivery(*made, delivery_id=f"delivery-{number}-{len(self.pipeline.results)}")

    def _arrive(self, arriving: RawDelivery) -> None:
        (shown,) = msgspec.json.decode(arriving.body, type=tuple[Snapshot, ...])
        expected = self.model.expect(arriving.delivery_id, shown)
        outcome = self.pipeline.decide(arriving).outcome
        self.sent.append(arriving)
        self.changed += expected == "changed"
        assert outcome.outcome == expected, outcome


def without_volatile(document: bytes | None) -> Any:
    """Return the content of a stored or sent document."""
    return None if document is None else msgspec.json.decode(document)["title"]


History.TestCase.settings = settings(max_examples=examples(200), stateful_step_count=30, deadline=None)
TestHistory = History.TestCase


@given(st.lists(CONTENTS, min_size=1, max_size=6), st.booleans(), st.randoms(use_true_random=False))
def test_final_state_survives_any_order_and_any_repetition(titles: list[str], is_deleted: bool, random: Random) -> None:
    """A provider that shows each state at least once, in any order, leaves the last one stored."""
    shown = [snapshot({"title": title}, version=number) for number, title in enumerate(titles)]
    shown += [snapshot(None, event_time=len(titles))] if is_deleted else []
    arriving = [delivery(one, delivery_id=str(number)) for number, one in enumerate(shown)]
    arriving += [random.choice(arriving) for _ in range(random.randrange(6))]
    random.shuffle(arriving)
    pipeline = Pipeline()

    for one in arriving:
        pipeline.decide(one)

    assert without_volatile(pipeline.stored().document) == (None if is_deleted else titles[-1])
    assert without_volatile(pipeline.changes[-1].after) == without_volatile(pipeline.stored().document)

"""Any history of one parent and its children, with all noise that providers make, against a simple model.

Two lists: `lines`, which may be truncated and have no time of their own, and `variants`, which have one and a topic of their
own. The parent's own outcome comes from the model of test_history_property. The model of the children keeps no rows, index,
marks or fingerprints: it compares a list with all known children.
"""

from collections import Counter, defaultdict
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from msgspec import Struct

from schemas.records import Change, ChildRule, RawDelivery, Snapshot
from tests.support.builders.deliveries import delivery, second, snapshot
from tests.support.builders.histories import Noisy
from tests.support.builders.properties import examples
from tests.unit.streams.test_history_property import Model, time_of

RULES = (
    ChildRule("line", "lines", is_relation=True),
    ChildRule("variant", "variants", is_shared=True, version="updated_at"),
)
TIMES = st.integers(0, 4)
LINES = st.dictionaries(st.sampled_from("ab"), st.sampled_from("12"))
VARIANTS = st.dictionaries(st.sampled_from("xy"), st.tuples(st.sampled_from("12"), TIMES))
Event = tuple[str, str, str | None]  # operation, child, content


class DedupVerdict(Struct):
    """The model of a child: its content, None once deleted, and the time that orders it."""

    content: str | None
    time: float | None


class Family:
    """The rules of docs/semantics.md about children, in the simplest form."""

    def __init__(self) -> None:
        self.known: dict[str, DedupVerdict] = {}
        self.shown_by_own_topic: dict[tuple[str, int], tuple[str, set[str]]] = defaultdict(lambda: ("", set()))
        self.deleted_at: float | None = None

    def parent_shown(self, time: float | None, lines: Any, variants: dict[str, tuple[str, int]] | None) -> list[Event]:
        """Return the events of an accepted parent; a list of None is not in the document."""
        self.deleted_at = None
        events: list[Event] = []
        if lines is not None:
            listed, is_cut = lines
            for name, content in listed.items():
                events += self._set(name, content, time)
            events += [] if is_cut else self._vanish("ab", listed, time)
        if variants is not None:
            for name, (content, at) in variants.items():
                known = self.known.get(name)
                is_older = known is not None and known.content is not None and at < (known.time or 0)
                events += [] if is_older else self._set(name, content, at)
            events += self._vanish("xy", variants, time)
        return events

    def parent_deleted(self, time: float | None, stored: float | None) -> list[Event]:
        """Return the events of a parent's accepted deletion; without a time the `stored` one stays."""
        self.deleted_at = stored
        return [event for name in self._alive() for event in self._set(name, None, time)]

    def own_topic(self, name: str, content: str, at: int, by: str) -> list[Event]:
        """Return the events of a delivery of a child's own topic."""
        last, ids = self.shown_by_own_topic[name, at]
        if by in ids:
            return []
        self.shown_by_own_topic[name, at] = content, ids | {by}
        known = self.known.get(name)
        if content == last or (self.deleted_at is not None and at <= self.deleted_at):
            return []
        if known is not None and known.time is not None:
            is_tie_with_the_deletion = known.content is None and at == known.time
            return [] if at < known.time or is_tie_with_the_deletion else self._set(name, content, at)
        return self._set(name, content, at)

    def _vanish(self, names: str, listed: Any, time: float | None) -> list[Event]:
        events: list[Event] = []
        for name in self._alive():
            shown_at = self.known[name].time
            is_later = time is not None and shown_at is not None and time < shown_at
            if name in names and name not in listed and not is_later:
                events += self._set(name, None, time)
        return events

    def _set(self, name: str, content: str | None, time: float | None) -> list[Event]:
        known = self.known.setdefault(name, DedupVerdict(None, None))
        before, known.content = known.content, content
        known.time = known.time if time is None else time
        if before == content:
            return []
        return [("d" if content is None else "c" if before is None else "u", name, content)]

    def _alive(self) -> list[str]:
        return sorted(name for name, known in self.known.items() if known.content is not None)


class FamilyHistory(Noisy):
    """One parent with its children at a provider, and the deliveries about them."""

    def __init__(self) -> None:
        super().__init__()
        self.model, self.family = Model(), Family()

    @rule(
        version=st.none() | TIMES,
        lines=st.none() | st.tuples(LINES, st.booleans()),
        variants=st.none() | VARIANTS,
        held=st.booleans(),
    )
    def show(self, version: int | None, lines: Any, variants: dict[str, tuple[str, int]] | None, held: bool) -> None:
        """Show the parent: now, or made now and delivered later."""
        document: dict[str, Any] = {"title": repr((lines, variants))}
        if lines is not None:
            data = [{"id": name, "title": title} for name, title in lines[0].items()]
            document["lines"] = {"data": data, "has_more": lines[1]}
        if variants is not None:
            document["variants"] = [element(name, *shown) for name, shown in variants.items()]
        made = self._made(msgspec.structs.replace(snapshot(document, version), children=RULES))
        if held:
            self.held.append(made)
        else:
            self._arrive(made)

    @rule(at=st.none() | TIMES)
    def delete(self, at: int | None) -> None:
        """Delete the parent."""
        self._arrive(self._made(snapshot(None, event_time=at)))

    @rule(name=st.sampled_from("xy"), title=st.sampled_from("12"), at=TIMES)
    def tell_by_own_topic(self, name: str, title: str, at: int) -> None:
        """Show a variant by a topic of its own."""
        own = snapshot(element(name, title, at), at, resource_id=name)
        self._arrive(
            self._made(msgspec.structs.replace(own, resource_type="variant", parent=("product", "7"), is_shared=True))
        )

    @invariant()
    def changes_of_each_resource_form_a_chain(self) -> None:
        """Every `before` is the previous `after`, except for changes of its time alone."""
        states: dict[str, str | None] = {}
        for change in self.pipeline.changes:
            assert title_of(change.before) == states.get(change.resource_key)
            states[change.resource_key] = title_of(change.after)

    @invariant()
    def what_is_stored_is_what_the_model_knows(self) -> None:
        """This includes children without a due event."""
        for name, known in self.family.known.items():
            key = f"scripted|acme|variant|{name}" if name in "xy" else f"scripted|acme|line|7:{name}"
            row = self.pipeline.latest[key.encode()]
            assert (b'"title":"%s"' % (known.content or "-").encode() in row) == (known.content is not None)

    def _made(self, *shown: Snapshot) -> RawDelivery:
        with_volatile = [msgspec.structs.replace(one, volatile=frozenset({"updated_at"})) for one in shown]
        number = len(self.sent) + len(self.held)
        return delivery(*with_volatile, delivery_id=f"delivery-{number}-{len(self.pipeline.results)}")

    def _arrive(self, arriving: RawDelivery) -> None:
        (shown,) = msgspec.json.decode(arriving.body, type=tuple[Snapshot, ...])
        expected = self._expected(arriving.delivery_id, shown)
        result = self.pipeline.decide(arriving)
        self.sent.append(arriving)
        changes = [routed.change for routed in result.routed_changes if routed.change.resource_type != "product"]
        assert Counter(map(told, changes)) == Counter(expected)

    def _expected(self, delivery_id: str, shown: Snapshot) -> list[Event]:
        if shown.resource_type == "variant":
            document = shown.document or {}
            at = int(time_of(shown) or 0)
            return self.family.own_topic(shown.resource_id, document["title"], at, delivery_id)
        if self.model.expect(delivery_id, shown) not in {"changed", "unchanged"}:
            return []
        if shown.document is None:
            return self.family.parent_deleted(time_of(shown), self.model.time)
        lines, variants = eval(shown.document["title"])  # noqa: S307  # our own repr, three lines up
        return self.family.parent_shown(time_of(shown), lines, variants)


def element(name: str, title: str, at: int) -> dict[str, Any]:
    """Return a variant as both its list and its own topic show it."""
    return {"id": name, "title": title, "updated_at": second(at).isoformat()}


def told(change: Change) -> Event:
    """Return a change of a child in the model's form."""
    return change.op, change.resource_id.removeprefix("7:"), title_of(change.after)


def title_of(document: bytes | None) -> str | None:
    """Return the content of a document."""
    return None if document is None else str(msgspec.json.decode(document)["title"])


FamilyHistory.TestCase.settings = settings(max_examples=examples(200), stateful_step_count=30, deadline=None)
TestFamilyHistory = FamilyHistory.TestCase

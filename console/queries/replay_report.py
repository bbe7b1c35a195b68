"""The findings of a replay as they appear: JSON lines for programs, or counts and the first differences for people."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from console.abridged import listed, others
from console.queries.change_lines import lines
from console.queries.replay_input import Scope
from console.screen import notice, results
from local.screen import output_json
from schemas.codec import document_json
from schemas.records import key_parts
from streams.replay.differences import Decided, DeliveryDifference, Event, EventDifference, StateDifference
from streams.replay.redecide import Tally
from streams.steps.diff import diff

EVENTS_SHOWN = 20  # of one delivery
SUMS_SHOWN = 100  # names of resource types come from payloads
STYLES = {"missing": "green", "surplus": "red", "different": "yellow"}


class Report:
    """Counts all differences and shows the first `limit` of each kind; as JSON it shows all, each at once.

    For people it prints nothing before `finish`: a progress bar is on the terminal until then.
    """

    def __init__(self, limit: int, as_json: bool) -> None:
        self._limit = limit
        self._as_json = as_json
        self._screen = results()
        self._outcomes: Counter[tuple[str, str]] = Counter()
        self._events: Counter[tuple[str, str]] = Counter()
        self._states: Counter[tuple[str, str]] = Counter()
        self._shown: list[DeliveryDifference] = []
        self._shown_states: list[StateDifference] = []
        self.deliveries = self.wrong = 0

    def add_delivery(self, difference: DeliveryDifference) -> None:
        """Record a delivery with a different decision."""
        self.deliveries += 1
        was, would_be = _name(difference.was), _name(difference.would_be)
        if was != would_be:
            self._outcomes[was, would_be] += 1
        for event in difference.events:
            self._events[event.kind, _type(event.event.resource_key)] += 1
        if self._as_json:
            output_json(_delivery_json(difference))
        elif self.deliveries <= self._limit:
            self._shown.append(difference)

    def add_state(self, wrong: StateDifference) -> None:
        """Record a resource of which consumers have a wrong state."""
        self.wrong += 1
        self._states[_operation(wrong), wrong.correction.resource_type] += 1
        if self._as_json:
            output_json(_state_json(wrong))
        elif self.wrong <= self._limit:
            self._shown_states.append(wrong)

    def finish(self, tally: Tally, scope: Scope, unsettled: int) -> None:
        """Print the totals; for `unsettled` resources it is not yet known whether consumers have the right state."""
        if self._as_json:
            output_json(self._summary_json(tally, scope, unsettled))
            return
        for difference in self._shown:
            self._print_delivery(difference)
        for wrong in self._shown_states:
            self._print_state(wrong)
        for kind, count in (("deliveries", self.deliveries), ("resources", self.wrong)):
            if count > self._limit:
                self._screen.line(
                    f"… and {count - self._limit:,} more {kind}; --limit or --json shows them", style="dim"
                )
        if self.deliveries or self.wrong:
            sums = list(self._sums())
            self._screen.table(("what", "of", "count"), sums[:SUMS_SHOWN])
            self._print_others(len(sums), SUMS_SHOWN, "counts")
        self._screen.line(
            f"{tally.compared:,} deliveries compared of {tally.decided:,} decided again: {self.deliveries:,} differ; "
            f"{self.wrong:,} resources to correct"
        )
        for note in _notes(tally, scope, unsettled):
            notice(note)

    def corrected(self, decided: Mapping[str, str]) -> None:
        """Print the outcomes of the corrections."""
        counts = Counter(decided.values())
        if self._as_json:
            output_json(msgspec.json.encode({"kind": "corrections", "outcomes": counts}).decode())
            return
        for outcome, count in sorted(counts.items()):
            self._screen.line(f"{count:,} corrections: {outcome}")

    def _sums(self) -> Iterator[tuple[str, str, str]]:
        for (was, would_be), count in sorted(self._outcomes.items()):
            yield "outcome", f"{was} → {would_be}", f"{count:,}"
        for (kind, resource_type), count in sorted(self._events.items()):
            yield f"{kind} event", resource_type, f"{count:,}"
        for (operation, resource_type), count in sorted(self._states.items()):
            yield f"correction {operation}", resource_type, f"{count:,}"

    def _print_others(self, count: int, most: int, what: str) -> None:
        if more := others(count, most, what):
            self._screen.line(more, style="dim")

    def _print_delivery(self, difference: DeliveryDifference) -> None:
        delivery = difference.delivery
        was, would_be = _name(difference.was), _name(difference.would_be)
        self._screen.line(
            f"{delivery.received_at:%Y-%m-%d %H:%M:%S} delivery ",
            (delivery.delivery_id, "bold"),
            f"  {delivery.source} {delivery.event_type}  ",
            (was if was == would_be else f"{was} → {would_be}", "yellow"),
        )
        for event in difference.events[:EVENTS_SHOWN]:
            self._screen.line(
                (f"    {event.kind:<9} ", STYLES[event.kind]),
                f"{event.event.op} {event.event.resource_key} on {event.event.topic}",
                (f"  {listed(event.pointers)}", "dim"),
            )
        self._print_others(len(difference.events), EVENTS_SHOWN, "events")

    def _print_state(self, wrong: StateDifference) -> None:
        correction, operation = wrong.correction, _operation(wrong)
        self._screen.line(f"correction {operation} {wrong.resource_key}", style="bold")
        shown = {"before": correction.before, "after": correction.after, "changed": _pointers(wrong)}
        for pointer, before, after in lines(shown):
            arrow = " → " if before and after else ""
            self._screen.line(f"    {pointer}  ", (before, "red"), arrow, (after, "green"))

    def _summary_json(self, tally: Tally, scope: Scope, unsettled: int) -> str:
        summary = {
            "kind": "summary",
            "decided": tally.decided,
            "compared": tally.compared,
            "corrections_in_topic": tally.corrections,
            "not_judged": tally.unjudged,
            "unsettled": unsettled,
            "waiting": scope.waiting,
            "deliveries": self.deliveries,
            "outcomes": [{"was": was, "would_be": be, "count": n} for (was, be), n in sorted(self._outcomes.items())],
            "events": [{"kind": kind, "resource": of, "count": n} for (kind, of), n in sorted(self._events.items())],
            "corrections": [{"op": op, "resource": of, "count": n} for (op, of), n in sorted(self._states.items())],
        }
        return msgspec.json.encode(summary).decode()


def _notes(tally: Tally, scope: Scope, unsettled: int) -> list[str]:
    notes = []
    if tally.unjudged:
        notes.append(f"{tally.unjudged:,} deliveries not judged: earlier ones are no longer in webhooks.raw")
    if tally.corrections:
        notes.append(f"{tally.corrections:,} corrections of earlier replays were skipped")
    if unsettled:
        notes.append(f"{unsettled:,} wrong resources changed while this read; replay again to judge them")
    if scope.waiting:
        notes.append(f"{scope.waiting:,} deliveries wait for a worker and were skipped")
    return notes


def _name(decided: Decided | None) -> str:
    return "none" if decided is None else f"{decided.outcome} ({decided.reason})"


def _type(resource_key: str) -> str:
    return key_parts(resource_key).resource_type


def _operation(wrong: StateDifference) -> str:
    if wrong.correction.after is None:
        return "d"
    return "c" if wrong.correction.before is None else "u"


def _pointers(wrong: StateDifference) -> tuple[str, ...]:
    correction = wrong.correction
    if correction.before is None or correction.after is None:
        return ()
    return diff(correction.before.encode(), correction.after.encode(), frozenset(correction.volatile))


def _delivery_json(difference: DeliveryDifference) -> str:
    delivery = difference.delivery
    return document_json(
        {
            "kind": "delivery",
            "delivery_id": delivery.delivery_id,
            "provider": delivery.provider,
            "source": delivery.source,
            "event_type": delivery.event_type,
            "received_at": delivery.received_at,
            "topic": delivery.topic,
            "partition": delivery.partition,
            "offset": delivery.offset,
            "was": _decided_json(difference.was),
            "would_be": _decided_json(difference.would_be),
            "events": [_event_difference_json(event) for event in difference.events],
        }
    ).decode()


def _decided_json(decided: Decided | None) -> dict[str, str] | None:
    return None if decided is None else {"outcome": decided.outcome, "reason": decided.reason}


def _event_difference_json(found: EventDifference) -> dict[str, Any]:
    sides = {"was": _event_json(found.was), "would_be": _event_json(found.would_be)}
    return {"kind": found.kind, "resource_key": found.event.resource_key, "pointers": found.pointers, **sides}


def _event_json(event: Event | None) -> dict[str, Any] | None:
    if event is None:
        return None
    after = None if event.after is None else msgspec.Raw(event.after)
    named = {"topic": event.topic, "event_id": event.event_id, "op": event.op, "changed": event.changed}
    return {**named, "after": after}


def _state_json(wrong: StateDifference) -> str:
    correction = wrong.correction
    return document_json(
        {
            "kind": "state",
            "resource_key": wrong.resource_key,
            "op": _operation(wrong),
            "changed": _pointers(wrong),
            "before": None if correction.before is None else msgspec.Raw(correction.before.encode()),
            "after": None if correction.after is None else msgspec.Raw(correction.after.encode()),
            "version": correction.version,
            "replaces": correction.replaces,
        }
    ).decode()

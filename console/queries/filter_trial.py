"""Trying a filter on a payload: the resources in the payload, and the verdict on each, term by term."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from console.abridged import SHOWN, cut, listed
from console.errors import Misused
from console.queries.document_fields import field_names, meant
from providers.base import Provider, Sample, Unparsed
from providers.reading import read_object
from schemas.codec import document, document_json
from schemas.records import Change, Document
from simulator.signing import raw_delivery, signed
from streams.pipeline import Tables, process
from streams.steps.filter import Filter, TermVerdict, Verdict
from streams.steps.routing import Routes

SHOWN_CHARS = 60  # of one value
KINDS = {"not": "not", "all": "all of", "any": "any of"}
WORDS = {True: "true", False: "false", None: "undecided"}
EVERY_SECRET = b"whsec_bm8gc2VjcmV0IGF0IGFsbCwganVzdCBhIHRyaWFs"  # only makes the headers that name the event type

Line = tuple[bool | None, int, str, str]
"""(verdict, depth, the term, the value found)."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One resource of a payload; `name` is empty when the payload itself is the document."""

    name: str
    document: Document | None  # None: the delivery is a deletion


@dataclass(frozen=True, slots=True)
class Trial:
    """The verdicts on one resource: on its document now and, where given, on the document before."""

    name: str
    after: Verdict | None
    before: Verdict | None
    missing: dict[str, str]  # field -> "; did you mean …?"
    is_foreign: bool = False  # the document has none of the filter's fields

    @property
    def takes(self) -> bool:
        """Say whether a route with this filter selects such a change; it selects the deletion of an unseen resource."""
        sides = [side for side in (self.after, self.before) if side is not None]
        return not sides or any(side.holds is True for side in sides)


def shown_by_document(body: bytes, name: str) -> list[Shown]:
    """Return the payload as one document; raise `Misused` when it is not a JSON object."""
    read = read_object(body)
    if isinstance(read, Unparsed):
        raise Misused(f"{name}: {read.detail}")
    return [Shown("", read)]


def shown_by_delivery(body: bytes, name: str, provider: Provider, topic: str, now: datetime) -> list[Shown]:
    """Return the resources that a worker would find in a provider's first delivery with this payload, listed children included.

    Raises `Misused` when it would find none.
    """
    request = signed(provider, Sample(body, topic, "trial", now), EVERY_SECRET)
    result = process(raw_delivery(provider, "trial", request, now), Tables({}, {}), Routes({}))
    if not result.routed_changes:
        found = result.outcome
        raise Misused(
            f"{name}: as a delivery of {provider.name} it is {found.outcome} ({found.reason}): {found.detail}"
        )
    return [_shown(routed.change) for routed in result.routed_changes]


def tried(criterion: Filter, after: list[Shown], before: list[Shown], now: datetime) -> list[Trial]:
    """Return the verdicts on every resource of a payload, each paired with its document before."""
    earlier = {shown.name: shown.document for shown in before}
    return [_trial(criterion, shown.name, [shown.document, earlier.get(shown.name)], now) for shown in after]


def lines(verdict: Verdict, missing: dict[str, str], depth: int = 0) -> Iterator[Line]:
    """Yield a verdict as lines for people, each term before its parts."""
    if verdict.term is not None:
        yield verdict.holds, depth, verdict.term.text, _found(verdict.term, missing)
        return
    yield verdict.holds, depth, KINDS[verdict.kind], ""
    for part in verdict.parts:
        yield from lines(part, missing, depth + 1)


def as_json(trials: list[Trial], criterion: Filter) -> str:
    """Return all trials as one line of JSON."""
    return document_json(
        {
            "filter": criterion.text,
            "takes": any(trial.takes for trial in trials),
            "resources": [
                {"name": trial.name, "takes": trial.takes, "after": _plain(trial.after), "before": _plain(trial.before)}
                for trial in trials
            ],
        }
    ).decode()


def _shown(change: Change) -> Shown:
    after = None if change.after is None else document(change.after)
    return Shown(f"{change.resource_type} {change.resource_id}", after)


def _trial(criterion: Filter, name: str, sides: list[Document | None], now: datetime) -> Trial:
    known = field_names(side for side in sides if side is not None)
    missing = {field: meant(field, known) for field in criterion.fields if field not in known}
    after, before = (None if side is None else criterion.evaluate(side, now) for side in sides)
    return Trial(name, after, before, missing, len(missing) == len(criterion.fields))


def _found(term: TermVerdict, missing: dict[str, str]) -> str:
    values = listed([_short(value) for value in term.found[:SHOWN]], SHOWN)
    if len(term.found) > SHOWN:
        values += f" and {len(term.found) - SHOWN:,} more"
    why = term.why + missing.get(term.field, "") if term.why else ""
    return "; ".join(part for part in (values, why) if part)


def _short(value: Any) -> str:
    return cut(document_json(value).decode(), SHOWN_CHARS)


def _plain(verdict: Verdict | None) -> Any:
    if verdict is None:
        return None
    if verdict.term is None:
        return {"kind": verdict.kind, "holds": verdict.holds, "parts": [_plain(part) for part in verdict.parts]}
    term = verdict.term
    return {
        "kind": "term",
        "term": term.text,
        "field": term.field,
        "holds": term.holds,
        "found": list(term.found),
        "why": term.why,
    }

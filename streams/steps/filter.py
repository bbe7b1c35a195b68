"""Filters on the documents of a route, in Shopify's grammar, for every provider (docs/filters.md).

A term is true, false or undecided. A term is undecided if the document lacks its field, or if the values cannot be compared
(a text with a number). It then matches neither plain nor negated, because Shopify delivers nothing in these cases.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Literal, assert_never

from msgspec import Struct

from schemas.records import Document
from streams.steps.filter_errors import FilterSyntaxError
from streams.steps.filter_syntax import And, Node, Not, Or, Term, parse_filter
from streams.steps.filter_values import holds, values_at

__all__ = ["Filter", "FilterSyntaxError", "TermVerdict", "Verdict", "compile_filter"]

SHOWN_VALUES = 5  # of an array in an explanation


class TermVerdict(Struct, frozen=True):
    """The verdict of one term: `holds` is None if it is undecided, and then `why` is the reason.

    `found` holds the first few values of the document at `field`. `text` is the term as written, modifier included.
    """

    text: str
    holds: bool | None
    found: tuple[Any, ...]
    why: str = ""
    field: str = ""


class Verdict(Struct, frozen=True):
    """The verdict of one node of a filter: of a term, or of `not`, `all` or `any` of the parts below it.

    `holds` is None if it is undecided.
    """

    kind: Literal["term", "not", "all", "any"]
    holds: bool | None
    term: TermVerdict | None = None
    parts: tuple["Verdict", ...] = ()


class Filter(Struct, frozen=True):
    """A compiled filter. `text` is as written."""

    text: str
    root: Node

    def matches(self, document: Document, now: datetime | None = None) -> bool:
        """Say whether a document passes. `now` is the time of the keyword `now`; without it such terms are undecided."""
        return _verdict(self.root, document, now) is True

    def explain(self, document: Document, now: datetime | None = None) -> list[TermVerdict]:
        """Return the verdict of each term in text order, including those that did not decide the result."""
        return [_explained(term, document, now) for term in _terms(self.root)]

    def evaluate(self, document: Document, now: datetime | None = None) -> Verdict:
        """Return the verdict of the filter with those of all its parts, in the filter's structure."""
        return _judged(self.root, document, now)

    @property
    def paths(self) -> tuple[tuple[str, ...], ...]:
        """Return the fields that the filter reads, each once, as paths of names."""
        return tuple(dict.fromkeys(term.path for term in _terms(self.root)))

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the dotted names of the fields that the filter reads, each once."""
        return tuple(map(".".join, self.paths))


def compile_filter(text: str) -> Filter:
    """Return the compiled filter; raise `FilterSyntaxError`, which points at the error, if the text is invalid."""
    return Filter(text, parse_filter(text))


def _verdict(node: Node, document: Document, now: datetime | None) -> bool | None:
    match node:
        case Term():
            return _of_term(node, document, now)
        case Not(part):
            return _opposite(_verdict(part, document, now))
        case And(parts):
            return _all(_verdict(part, document, now) for part in parts)
        case Or(parts):
            return _opposite(_all(_opposite(_verdict(part, document, now)) for part in parts))
        case _:
            assert_never(node)


def _of_term(term: Term, document: Document, now: datetime | None) -> bool | None:
    values = values_at(document, term.path)
    if term.is_existence:
        verdict: bool | None = any(value is not None for value in values or ())
    else:
        verdict = None if values is None else _any(holds(term, value, now) for value in values)
    return _opposite(verdict) if term.is_negated else verdict


def _any(verdicts: Iterable[bool | None]) -> bool | None:
    """Return whether any value matches; undecided only if there are values and none of them could be compared."""
    is_undecided = is_false = False
    for verdict in verdicts:
        if verdict:
            return True
        is_undecided = is_undecided or verdict is None
        is_false = is_false or verdict is False
    return None if is_undecided and not is_false else False


def _all(verdicts: Iterable[bool | None]) -> bool | None:
    """Return the conjunction: false if any is false, else undecided if any is undecided."""
    result: bool | None = True
    for verdict in verdicts:
        if verdict is False:
            return False
        result = None if verdict is None else result
    return result


def _opposite(verdict: bool | None) -> bool | None:
    return None if verdict is None else not verdict


def _terms(node: Node) -> Iterator[Term]:
    match node:
        case Term():
            yield node
        case Not(part):
            yield from _terms(part)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _terms(part)
        case _:
            assert_never(node)


def _judged(node: Node, document: Document, now: datetime | None) -> Verdict:
    holds = _verdict(node, document, now)
    match node:
        case Term():
            return Verdict("term", holds, _explained(node, document, now))
        case Not(part):
            return Verdict("not", holds, parts=(_judged(part, document, now),))
        case And(parts):
            return Verdict("all", holds, parts=tuple(_judged(part, document, now) for part in parts))
        case Or(parts):
            return Verdict("any", holds, parts=tuple(_judged(part, document, now) for part in parts))
        case _:
            assert_never(node)


def _explained(term: Term, document: Document, now: datetime | None) -> TermVerdict:
    values = values_at(document, term.path)
    verdict = _of_term(term, document, now)
    field, why = ".".join(term.path), ""
    if values is None:
        why = f"the document has no field {field}"
    elif verdict is None:
        why = f"what is there cannot be compared with {term.value!r}"
    return TermVerdict(term.text, verdict, tuple((values or ())[:SHOWN_VALUES]), why, field)

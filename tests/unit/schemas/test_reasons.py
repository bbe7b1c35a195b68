"""The list of reasons is that of the code: none is missing, and none is listed that nothing gives."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

from providers.base import DeadReason
from schemas.reasons import REASONS
from schemas.records import OutcomeName
from streams.pipeline import _REASONS
from tests.support.builders import decision_cases

ROOT = Path(__file__).parents[3]
PAIRS = ("Outcome", "DedupVerdict")  # outcome and reason are their first two arguments
SINGLES = {"UnroutedChange": "filtered", "dead": "dead"}  # the reason is their first
LISTED = {(reason.outcome, reason.name) for reason in REASONS}


@cache
def trees() -> tuple[ast.Module, ...]:
    """Return every file that decides."""
    return tuple(ast.parse(file.read_text(encoding="utf-8")) for file in sorted((ROOT / "streams").rglob("*.py")))


def given() -> Iterator[tuple[str, str]]:
    """Yield each outcome and reason that a call gives as literals."""
    for call in (node for tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = getattr(call.func, "id", "")
        texts = [argument.value for argument in call.args[:2] if isinstance(argument, ast.Constant)]
        if name in PAIRS and len(texts) == 2:
            yield str(texts[0]), str(texts[1])
        elif name in SINGLES and isinstance(call.args[0], ast.Constant):
            yield SINGLES[name], str(texts[0])


def texts() -> set[str]:
    """Return every text in the code that decides."""
    nodes = (node.value for tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {text for text in nodes if isinstance(text, str)}


def test_every_reason_that_is_given_is_listed() -> None:
    """Those of the calls, of the providers, and of the operations."""
    found = set(given())
    providers = {("dead", reason) for reason in get_args(DeadReason)}
    operations = {("changed", reason) for reason in _REASONS.values()}

    assert {("dead", "too_large"), ("filtered", "no_route"), ("stale", "older_than_stored")} <= found
    assert (found | providers | operations) - LISTED == set()


def test_every_listed_reason_occurs_in_the_code() -> None:
    """A reason that was removed or renamed does not stay on the page."""
    known = texts() | set(get_args(DeadReason))

    assert [reason.name for reason in REASONS if reason.name not in known] == []


def test_every_decided_situation_has_a_listed_reason() -> None:
    """The decision table of docs/semantics.md."""
    decided = {tuple(words.split()) for situation in decision_cases.SITUATIONS for words in situation.decided}

    assert decided - LISTED == set()


def test_every_listed_reason_is_explained() -> None:
    """In the table of reasons in docs/semantics.md."""
    table = decision_cases.DOCUMENT.read_text(encoding="utf-8").partition("## Reasons")[2]

    assert [reason.name for reason in REASONS if f"`{reason.name}`" not in table] == []


def test_outcomes_are_listed_in_their_order() -> None:
    """Each outcome has a reason, all of one outcome stand together, and none twice."""
    outcomes = list(dict.fromkeys(reason.outcome for reason in REASONS))

    assert outcomes == list(get_args(OutcomeName))
    assert [reason.outcome for reason in REASONS] == sorted((r.outcome for r in REASONS), key=outcomes.index)
    assert len(LISTED) == len(REASONS)

"""docs/semantics.md has the decision table that the tests run, and every reason in the code."""

import re
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.builders import child_cases, decision_cases, naming_tables

ROOT = Path(__file__).parents[2]
SOURCES = ("streams/worker/batch.py", "streams/pipeline.py", "streams/steps/dedup.py", "streams/steps/routing.py")
GIVEN = re.compile(r'(?:DedupVerdict|UnroutedChange|dead)\(\s*(?:"(?:duplicate|stale|dead)", )?"(\w+)"')


@pytest.mark.parametrize("tested", [decision_cases, child_cases, naming_tables])
def test_table_in_the_document_is_the_one_that_is_tested(tested: ModuleType) -> None:
    """The error names the command that regenerates it."""
    text = decision_cases.DOCUMENT.read_text(encoding="utf-8")

    assert text == tested.with_table(text), f"docs/semantics.md is out of date; run {tested.REMAKE}"
    assert tested.BEGIN in text


@pytest.mark.parametrize("source", SOURCES)
def test_every_reason_is_documented(source: str) -> None:
    """An operator who reads a reason in the console finds it in the document."""
    reasons = GIVEN.findall((ROOT / source).read_text(encoding="utf-8"))
    documented = re.findall(r"`(\w+)`", decision_cases.DOCUMENT.read_text(encoding="utf-8").partition("## Reasons")[2])

    assert reasons
    assert set(reasons) - set(documented) == set()


def test_every_situation_decided_is_documented_as_a_reason() -> None:
    """Every word in the table is in the list of reasons."""
    documented = decision_cases.DOCUMENT.read_text(encoding="utf-8").partition("## Reasons")[2]

    for decided in {decided for situation in decision_cases.SITUATIONS for decided in situation.decided}:
        outcome, reason = decided.split()
        assert f"`{outcome}`" in documented
        assert f"`{reason}`" in documented

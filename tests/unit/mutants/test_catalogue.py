"""The list of mutants stays valid: the text they replace exists, the tests that catch them exist, the document shows them."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.mutants import document
from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant, MutantError

ROOT = Path(__file__).parents[3]
every_mutant = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)


@every_mutant
def test_text_of_a_mutant_is_there_once_and_what_replaces_it_is_python(mutant: Mutant) -> None:
    """A change to code with a mutant must change the mutant, too."""
    source = (ROOT / mutant.file).read_text(encoding="utf-8")

    planted = mutant.planted(source)

    assert planted != source
    if mutant.file.endswith(".py"):
        ast.parse(planted)


@every_mutant
def test_named_tests_exist(mutant: Mutant) -> None:
    """Each is `file::function`, or one case of it; a file may import the function, to keep its promise for another engine."""
    assert mutant.caught_by
    for test in mutant.caught_by:
        file, _, function = test.partition("[")[0].partition("::")
        found = rf"^((async )?def {function}\(|    {function},$)"
        assert re.search(found, (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), test


def test_names_are_unique() -> None:
    """A name selects one mutant."""
    assert [name for name, count in Counter(mutant.name for mutant in MUTANTS).items() if count > 1] == []


@pytest.mark.parametrize("text", ["not there", "twice"])
def test_text_that_is_not_there_once_is_told(text: str) -> None:
    """The error names the mutant, the file and the number of matches."""
    mutant = Mutant("some_mutant", "", "streams/some.py", text, "", ())

    with pytest.raises(
        MutantError, match=r"some_mutant: its text stands (0|2) times in streams/some\.py, expected once"
    ):
        mutant.planted("twice and twice")


def test_table_in_the_document_is_the_one_that_is_planted() -> None:
    """The error names the command that regenerates it."""
    text = document.DOCUMENT.read_text(encoding="utf-8")

    assert text == document.with_table(text), f"docs/testing.md is out of date; run {document.REMAKE}"
    assert document.BEGIN in text

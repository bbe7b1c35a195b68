"""The list of flaws does not rot: what they replace is there, what must catch them exists, the document shows them."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.flaws import document
from tests.flaws.catalogue import FLAWS
from tests.flaws.flaw import Flaw, FlawError

ROOT = Path(__file__).parents[3]
every_flaw = pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: flaw.name)


@every_flaw
def test_text_of_a_flaw_is_there_once_and_what_replaces_it_is_python(flaw: Flaw) -> None:
    """An edit of the code that a flaw is planted in has to take the flaw along."""
    source = (ROOT / flaw.file).read_text(encoding="utf-8")

    planted = flaw.planted(source)

    assert planted != source
    if flaw.file.endswith(".py"):
        ast.parse(planted)


@every_flaw
def test_named_tests_exist(flaw: Flaw) -> None:
    """Each is `file::function`, or one case of it."""
    assert flaw.caught_by
    for test in flaw.caught_by:
        file, _, function = test.partition("[")[0].partition("::")
        assert re.search(rf"^(async )?def {function}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), test


def test_names_are_unique() -> None:
    """A name selects one flaw."""
    assert [name for name, count in Counter(flaw.name for flaw in FLAWS).items() if count > 1] == []


@pytest.mark.parametrize("text", ["not there", "twice"])
def test_text_that_is_not_there_once_is_told(text: str) -> None:
    """The error names the flaw, the file and how often the text is there."""
    flaw = Flaw("some_flaw", "", "streams/some.py", text, "", ())

    with pytest.raises(FlawError, match=r"some_flaw: its text stands (0|2) times in streams/some\.py, expected once"):
        flaw.planted("twice and twice")


def test_table_in_the_document_is_the_one_that_is_planted() -> None:
    """Written again by the command that the error names."""
    text = document.DOCUMENT.read_text(encoding="utf-8")

    assert text == document.with_table(text), f"docs/testing.md is out of date; run {document.REMAKE}"
    assert document.BEGIN in text

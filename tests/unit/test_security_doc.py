"""docs/security.md and docs/guarantees.md name tests that exist."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
_named = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


@pytest.mark.parametrize("page", ["security.md", "guarantees.md"])
def test_named_tests_exist(page: str) -> None:
    """Every proof on the page can be run."""
    named = _named.findall((PROJECT / "docs" / page).read_text())

    missing = [f"{file}::{test}" for file, test in named if not _has(PROJECT / file, test)]

    assert named
    assert missing == []


def _has(file: Path, test: str) -> bool:
    return file.is_file() and (not test or f"def {test}(" in file.read_text())

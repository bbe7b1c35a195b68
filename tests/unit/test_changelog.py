"""CHANGELOG.md has the form of Keep a Changelog 1.1: versions, then kinds of change, then short entries."""

import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
VERSION = re.compile(r"\[Unreleased]|\[\d+\.\d+\.\d+] - \d{4}-\d{2}-\d{2}")
MOST_LINES = 2


def faults(text: str) -> list[str]:
    """Return the deviations from the form, each with what was expected."""
    found, kinds = [], list[str]()
    for line in text.splitlines():
        if line.startswith("## "):
            kinds = []
            found += [] if VERSION.fullmatch(line[3:]) else [f"{line}: expected [Unreleased], or [1.2.3] - 2026-12-31"]
        elif line.startswith("### "):
            kinds.append(line[4:])
            found += kind_faults(kinds)
        elif line.startswith("#") and line != "# Changelog":
            found.append(f"{line}: expected no other headings")
        elif line.startswith("- ") and not kinds:
            found.append(f"{line}: expected a kind of change above it")
    return found + [
        f"{entry[0]}: expected {MOST_LINES} lines at most" for entry in entries(text) if len(entry) > MOST_LINES
    ]


def kind_faults(kinds: list[str]) -> list[str]:
    """Return the mistakes in the last kind of a version."""
    if kinds[-1] not in KINDS:
        return [f"{kinds[-1]}: expected one of {', '.join(KINDS)}"]
    in_order = sorted(set(kinds) & set(KINDS), key=KINDS.index)
    return [] if kinds == in_order else [f"{kinds[-1]}: expected each kind once, in the order of {', '.join(KINDS)}"]


def entries(text: str) -> list[list[str]]:
    """Return the lines of each entry."""
    return [match[0].splitlines() for match in re.finditer(r"^- .*(?:\n  \S.*)*", text, re.MULTILINE)]


def test_changelog_has_its_form() -> None:
    """Versions, kinds and entries have the form that people and programs expect."""
    assert TEXT.startswith("# Changelog\n")
    assert faults(TEXT) == []


def test_no_entry_stands_there_twice() -> None:
    """A merge that keeps both sides is detected."""
    written = [" ".join(entry) for entry in entries(TEXT)]

    assert [entry for entry in written if written.count(entry) > 1] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("## Unreleased\n", "expected [Unreleased]"),
        ("## [Unreleased]\n### Improved\n", "expected one of Added"),
        ("## [Unreleased]\n### Fixed\n### Added\n", "in the order of"),
        ("## [Unreleased]\n### Added\n### Added\n", "each kind once"),
        ("## [Unreleased]\n- A line.\n", "expected a kind of change"),
        ("## [Unreleased]\n### Added\n#### Ingress\n", "no other headings"),
        ("## [Unreleased]\n### Added\n- One,\n  two,\n  three.\n", "expected 2 lines"),
    ],
)
def test_other_forms_are_noticed(text: str, expected: str) -> None:
    """Each rule has a text that breaks it."""
    (fault,) = faults(text)

    assert expected in fault

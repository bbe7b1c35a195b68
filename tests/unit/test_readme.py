"""Files and commands named by the README and the documents exist."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from console.cli import app

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
README = (ROOT / "README.md").read_text()


def test_readme_is_short() -> None:
    """The README is for users and fits in one sitting."""
    assert len(README.splitlines()) < 200


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    """Every relative link has a target."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text())

    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_named_files_exist(document: Path) -> None:
    """A file named in `code` with a directory exists."""
    folders = "broker|config|console|docs|ingress|local|providers|schemas|simulator|streams|tests|bench"
    named = re.findall(rf"`((?:{folders})/[\w/.-]+)(?:::\w+)?`", document.read_text())

    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("document", [*DOCUMENTS, *DECISIONS, ROOT / "CHANGELOG.md"], ids=lambda path: path.name)
def test_no_merge_is_half_done(document: Path) -> None:
    """No document contains both sides of a conflict."""
    assert re.findall(r"^(?:<<<<<<<|>>>>>>>) .*", document.read_text(), re.MULTILINE) == []


def test_decisions_are_numbered_once() -> None:
    """A decision's number, in its file name and in its title, is unique."""
    numbers = [path.name[:4] for path in DECISIONS]

    assert numbers == sorted(set(numbers))
    assert [path.read_text()[2:6] for path in DECISIONS] == numbers


def test_decisions_that_are_named_exist() -> None:
    """Each "decision 0007" in a document or in the code exists."""
    numbers = {path.name[:4] for path in DECISIONS}
    code = [
        path
        for name in ("ingress", "streams", "schemas", "providers", "console")
        for path in (ROOT / name).rglob("*.py")
    ]
    named = {number for path in [*DOCUMENTS, *code] for number in re.findall(r"decision (\d{4})", path.read_text())}

    assert named - numbers == set()


def test_targets_and_commands_exist() -> None:
    """Each `make` target and each `penstock` command in the README exists."""
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = set(getattr(get_command(app), "commands", {}))

    assert set(re.findall(r"^    make ([a-z-]+)", README, re.MULTILINE)) <= targets
    assert (
        set(re.findall(r"(?:^    |`)penstock ([a-z][a-z-]*)\b(?! is ready)", README, re.MULTILINE)) - {"is"} <= commands
    )

"""Property tests try fewer examples in `make check`, and all of them in CI and for mutants."""

import subprocess
from pathlib import Path

import pytest

from tests.mutants.copy import Copy
from tests.support.builders import properties

ROOT = Path(__file__).parents[2]


def test_a_fifth_is_tried_unless_all_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """At least one is tried, for any share."""
    monkeypatch.delenv(properties.VARIABLE, raising=False)
    assert [properties.examples(full) for full in (500, 3)] == [100, 1]

    monkeypatch.setenv(properties.VARIABLE, properties.FULL)
    assert properties.examples(500) == 500


def test_ci_and_mutants_try_all(tmp_path: Path) -> None:
    """A mutant caught by a property is judged with all of its examples, and CI runs them all."""
    assert f"export {properties.VARIABLE}={properties.FULL} " in (ROOT / ".ci" / "run").read_text(encoding="utf-8")

    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)  # noqa: S607  # as the code under test finds it
    assert Copy(tmp_path, tmp_path / "copy").environment()[properties.VARIABLE] == properties.FULL

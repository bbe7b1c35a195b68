"""Mutants planted in a tiny project: which of them count as caught. Real copies, real pytest."""

import subprocess
from pathlib import Path

import pytest

from tests.mutants.copy import Copy, Failure, Run
from tests.mutants.mutant import Mutant, MutantError
from tests.mutants.verdict import baseline_fault, verdict

CODE = "def double(number: int) -> int:\n    return 2 * number\n"
TESTS = """
import pytest
from tiny import double

def test_two():
    assert double(2) == 4

def test_zero():
    assert double(0) == 0

@pytest.fixture
def broken():
    assert double(2) == 4

def test_fixture(broken):
    pass
"""
TWO, ZERO, FIXTURE = (f"test_tiny.py::test_{name}" for name in ("two", "zero", "fixture"))


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """Give the copy of a project of one module and its tests."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "tiny.py").write_text(CODE)
    (project / "test_tiny.py").write_text(TESTS)
    (project / "left_out").write_text("ignored by git")
    (project / ".gitignore").write_text("left_out\n")
    subprocess.run(["git", "init", "-q", str(project)], check=True)  # noqa: S607  # as the code under test finds it
    return Copy(project, tmp_path / "copy")


def test_run_tells_failures_from_what_could_not_run(copy: Copy) -> None:
    """A test that fails has a mutant's notation; a failed fixture is no failure of a test; nor is a broken file."""
    mutant = Mutant("tiny_mutant", "", "tiny.py", "return 2 * number", "return 3 * number", (TWO,))
    source = mutant.plant(copy.root)

    run = copy.test(TWO, ZERO, FIXTURE)

    assert [(failure.test, failure.message) for failure in run.failures] == [(TWO, "assert 6 == 4")]
    assert (run.exit_code, run.passed, [error.test for error in run.errors]) == (1, 1, [FIXTURE])
    assert verdict(mutant, run).status == "caught"
    assert "expected every test to pass" in (baseline_fault(run) or "")
    (copy.root / "tiny.py").write_text(source.replace("2 * number", "("))
    assert verdict(mutant, copy.test(TWO)).status == "invalid"


@pytest.mark.parametrize(
    ("run", "status", "said"),
    [
        (Run(1, 0, (Failure(TWO, "assert 6 == 4"),), (), ""), "caught", "assert 6 == 4"),
        (Run(1, 0, (Failure(f"{TWO}[a case]", "assert 6 == 4"),), (), ""), "caught", "assert 6 == 4"),
        (Run(0, 2, (), (), ""), "survived", f"2 tests passed; expected to fail: {TWO}"),
        (Run(1, 1, (Failure(ZERO, "assert 1 == 0"),), (), ""), "survived", f"expected to fail as well: {TWO}"),
        (Run(1, 0, (Failure(TWO, "NameError: name 'x' is not defined"),), (), ""), "invalid", "no working program"),
        (Run(1, 0, (Failure(TWO, "Failed: Timeout (>300.0s) from pytest-timeout."),), (), ""), "invalid", "hung"),
        (Run(1, 0, (), (Failure(TWO, "fixture"),), "the end"), "invalid", "the end"),
        (Run(2, 0, (), (Failure("", "collection failure"),), "the end"), "invalid", "ended with 2"),
        (Run(4, 0, (), (), "no such test"), "invalid", "no such test"),
        (Run(-1, 0, (), (), "did not end"), "invalid", "did not end"),
    ],
)
def test_mutant_is_judged_by_how_its_tests_fail(run: Run, status: str, said: str) -> None:
    """A mutant is caught if every named test fails by assertion; a broken program, fixture or collection does not count."""
    found = verdict(Mutant("tiny_mutant", "", "tiny.py", "", "", (TWO,)), run)

    assert found.status == status
    assert said in found.detail


def test_tests_that_pass_without_a_mutant_are_no_fault() -> None:
    """Only then does a failure with a mutant prove something."""
    assert baseline_fault(Run(0, 3, (), (), "")) is None


def test_copy_is_imported_and_the_project_untouched(copy: Copy) -> None:
    """Only files in git are copied; a package of that name elsewhere is reported."""
    source = Mutant("tiny_mutant", "", "tiny.py", "2 *", "3 *", (TWO,)).plant(copy.root)

    copy.assert_imported(["tiny"])

    assert source == CODE == (copy.root.parent / "project" / "tiny.py").read_text()
    assert not (copy.root / "left_out").exists()
    with pytest.raises(MutantError, match="expected tiny, streams from"):
        copy.assert_imported(["tiny", "streams"])

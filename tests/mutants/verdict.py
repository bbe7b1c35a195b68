"""The verdict on a mutant from a run of pytest: caught, survived, or none."""

from typing import Literal

from msgspec import Struct

from tests.mutants.copy import Run
from tests.mutants.mutant import Mutant

FAILED = 1  # pytest's exit code when tests ran and some failed
NO_CATCH = ("ImportError", "ModuleNotFoundError", "NameError", "SyntaxError", "UnboundLocalError", "IndentationError")
"""How a mutant fails that is no working program any more; a test that fails so says nothing about the promise."""
HUNG = "Failed: Timeout"  # pytest-timeout's; a test must fail by assertion before that, or it is the wrong test


class Verdict(Struct, frozen=True):
    """`detail` is the test's message when it caught the mutant, and else what was expected."""

    status: Literal["caught", "survived", "invalid"]
    detail: str


def verdict(mutant: Mutant, run: Run) -> Verdict:
    """Return `caught` only where every named test ran and failed because of the mutant."""
    if run.exit_code == 0:
        return Verdict("survived", f"{run.passed} tests passed; expected to fail: {', '.join(mutant.caught_by)}")
    if run.exit_code != FAILED or not run.failures:
        return Verdict("invalid", f"pytest ended with {run.exit_code} without a failed test:\n{_tail(run)}")
    broken = [failure for failure in run.failures if failure.message.partition(":")[0] in NO_CATCH]
    if broken:
        return Verdict("invalid", f"the mutant is no working program: {broken[0].test}: {broken[0].message}")
    hung = [failure.test for failure in run.failures if failure.message.startswith(HUNG)]
    if hung:
        return Verdict("invalid", f"{hung[0]} hung instead of failing; name one that says what is wrong")
    said = {test: message for test in mutant.caught_by for message in _said(test, run)}
    missing = [test for test in mutant.caught_by if test not in said]
    if missing:
        return Verdict("survived", f"expected to fail as well: {', '.join(missing)}")
    return Verdict("caught", said[mutant.caught_by[0]])


def baseline_fault(run: Run) -> str | None:
    """Return why the tests prove nothing, None when all of them pass without a mutant."""
    if run.exit_code == 0:
        return None
    return f"expected every test to pass without a mutant, pytest ended with {run.exit_code}:\n{_tail(run)}"


def _said(test: str, run: Run) -> list[str]:
    """Return the message of a test, or of each failed case of it."""
    return [failure.message for failure in run.failures if failure.test == test or failure.test.startswith(f"{test}[")]


def _tail(run: Run) -> str:
    return "\n".join(run.output.splitlines()[-30:])

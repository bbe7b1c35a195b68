"""Plant every mutant, or those named, and show which test catches it: `make mutants MUTANTS="--quick"`,
`MUTANTS="event_ids_are_random"`.

Exit code 0: all caught. 1: one survived, could not be judged, or the tests fail without any mutant. 2: no such mutant.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.catalogue import MUTANTS
from tests.mutants.copy import Copy
from tests.mutants.mutant import Mutant, MutantError
from tests.mutants.verdict import Verdict, baseline_fault, verdict

PROJECT = Path(__file__).parents[2]


def chosen(names: Sequence[str], *, is_quick: bool) -> list[Mutant]:
    """Return the mutants of these names, all where none is given; raise `MutantError` for an unknown name."""
    unknown = sorted(set(names) - {mutant.name for mutant in MUTANTS})
    if unknown:
        raise MutantError(
            f"no such mutant: {', '.join(unknown)}; there are {', '.join(mutant.name for mutant in MUTANTS)}"
        )
    found = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    return [mutant for mutant in found if mutant.is_quick] if is_quick else found


def try_all(mutants: Sequence[Mutant], copy: Copy) -> bool:
    """Try mutants one after the other, with a line for each verdict; say whether all are caught."""
    tests = sorted({test for mutant in mutants for test in mutant.caught_by})
    began_s = time.monotonic()
    fault = baseline_fault(copy.test(*tests))
    if fault is not None:
        _say(fault)
        return False
    _say(f"without a mutant: {len(tests)} tests pass, {time.monotonic() - began_s:.0f} s\n")
    statuses = [_try(mutant, copy).status for mutant in mutants]
    _say(f"\n{statuses.count('caught')} of {len(mutants)} mutants caught")
    return statuses.count("caught") == len(mutants)


def _try(mutant: Mutant, copy: Copy) -> Verdict:
    began_s = time.monotonic()
    source = mutant.plant(copy.root)
    try:
        found = verdict(mutant, copy.test(*mutant.caught_by))
    finally:
        (copy.root / mutant.file).write_text(source, encoding="utf-8")
    _say(f"{found.status:9}{time.monotonic() - began_s:6.1f} s  {mutant.name:45}{' '.join(mutant.caught_by)}")
    _say(f"{'':20}{found.detail}" if found.status == "caught" else f"{mutant.breaks}\n{found.detail}\n")
    return found


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="make mutants", description="Plant mutants and see the tests catch them.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a mutant of tests/mutants/; all without any")
    parser.add_argument("--quick", action="store_true", help="only those whose tests need no Kafka")
    given = parser.parse_args()
    try:
        mutants = chosen(given.names, is_quick=given.quick)
    except MutantError as error:
        parser.error(str(error))
    with tempfile.TemporaryDirectory(prefix="penstock-mutants-") as folder:
        try:
            copy = Copy(PROJECT, Path(folder).resolve() / "copy")
            copy.assert_imported()
            return 0 if try_all(mutants, copy) else 1
        except MutantError as error:
            _say(str(error))
            return 1


if __name__ == "__main__":
    sys.exit(main())

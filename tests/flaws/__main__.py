"""Plant every flaw, or those named, and show which test catches it: `make flaws FLAWS="--quick"`, `FLAWS="event_ids_are_random"`.

Exit code 0: all caught. 1: one survived, could not be judged, or the tests fail without any flaw. 2: no such flaw.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.flaws.catalogue import FLAWS
from tests.flaws.copy import Copy
from tests.flaws.flaw import Flaw, FlawError
from tests.flaws.verdict import Verdict, baseline_fault, verdict

PROJECT = Path(__file__).parents[2]


def chosen(names: Sequence[str], *, is_quick: bool) -> list[Flaw]:
    """Return the flaws of these names, all where none is given; raise `FlawError` for an unknown name."""
    unknown = sorted(set(names) - {flaw.name for flaw in FLAWS})
    if unknown:
        raise FlawError(f"no such flaw: {', '.join(unknown)}; there are {', '.join(flaw.name for flaw in FLAWS)}")
    found = [flaw for flaw in FLAWS if not names or flaw.name in names]
    return [flaw for flaw in found if flaw.is_quick] if is_quick else found


def try_all(flaws: Sequence[Flaw], copy: Copy) -> bool:
    """Try flaws one after the other, each a line as soon as it is judged; say whether all are caught."""
    tests = sorted({test for flaw in flaws for test in flaw.caught_by})
    began_s = time.monotonic()
    fault = baseline_fault(copy.test(*tests))
    if fault is not None:
        _say(fault)
        return False
    _say(f"without a flaw: {len(tests)} tests pass, {time.monotonic() - began_s:.0f} s\n")
    statuses = [_try(flaw, copy).status for flaw in flaws]
    _say(f"\n{statuses.count('caught')} of {len(flaws)} flaws caught")
    return statuses.count("caught") == len(flaws)


def _try(flaw: Flaw, copy: Copy) -> Verdict:
    began_s = time.monotonic()
    source = flaw.plant(copy.root)
    try:
        found = verdict(flaw, copy.test(*flaw.caught_by))
    finally:
        (copy.root / flaw.file).write_text(source, encoding="utf-8")
    _say(f"{found.status:9}{time.monotonic() - began_s:6.1f} s  {flaw.name:45}{' '.join(flaw.caught_by)}")
    _say(f"{'':20}{found.detail}" if found.status == "caught" else f"{flaw.breaks}\n{found.detail}\n")
    return found


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="make flaws", description="Plant flaws and see the tests catch them.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a flaw of tests/flaws/; all without any")
    parser.add_argument("--quick", action="store_true", help="only those whose tests need no Kafka")
    given = parser.parse_args()
    try:
        flaws = chosen(given.names, is_quick=given.quick)
    except FlawError as error:
        parser.error(str(error))
    with tempfile.TemporaryDirectory(prefix="penstock-flaws-") as folder:
        try:
            copy = Copy(PROJECT, Path(folder).resolve() / "copy")
            copy.assert_imported()
            return 0 if try_all(flaws, copy) else 1
        except FlawError as error:
            _say(str(error))
            return 1


if __name__ == "__main__":
    sys.exit(main())

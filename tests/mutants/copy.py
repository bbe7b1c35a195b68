"""A copy of the project for mutants, and pytest in it. The working tree is only read."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from msgspec import Struct

from tests.mutants.mutant import MutantError
from tests.support.builders import properties

PACKAGES = (
    "broker",
    "console",
    "ingress",
    "local",
    "providers",
    "schemas",
    "sinks",
    "streams",
    "subscriptions",
    "tests",
)
RUN_TIMEOUT_S = 900.0  # for all named tests at once; pytest itself ends each after five minutes


class Failure(Struct, frozen=True):
    """A failed test: its id as pytest prints it, and the first line of what pytest says."""

    test: str
    message: str


class Run(Struct, frozen=True):
    """The result of pytest. `errors` are tests that could not be run (imports, fixtures); they catch nothing."""

    exit_code: int
    passed: int
    failures: tuple[Failure, ...]
    errors: tuple[Failure, ...]
    output: str


class Copy:
    """A directory with the files of the project."""

    def __init__(self, project: Path, directory: Path) -> None:
        """Copy the files in git, and addable ones, as they are in the working tree."""
        self.root = directory
        for name in _files(project):
            source, target = project / name, directory / name
            if source.is_symlink() or source.exists():  # else it is deleted but not yet committed
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target, follow_symlinks=False)

    def assert_imported(self, packages: Sequence[str] = PACKAGES) -> None:
        """Raise `MutantError` unless Python processes import the packages from the copy, in any directory.

        The virtual environment has an editable install of the working tree; PYTHONPATH goes before it.
        """
        program = f"import {', '.join(packages)}; print(*(m.__file__ for m in ({', '.join(packages)},)), sep='\\n')"
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=self.root.parent,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        files = [Path(line) for line in done.stdout.splitlines()]
        if done.returncode != 0 or not all(file.is_relative_to(self.root) for file in files):
            raise MutantError(f"expected {', '.join(packages)} from {self.root}, got:\n{done.stdout}{done.stderr}")

    def test(self, *tests: str) -> Run:
        """Return the result of pytest with these tests, in the copy and with its code."""
        report = self.root / "report.xml"
        report.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", *tests, "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
        try:
            done = subprocess.run(
                command,
                cwd=self.root,
                env=self.environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=RUN_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Run(-1, 0, (), (), f"pytest did not end within {RUN_TIMEOUT_S:.0f} s")
        return _read(report, done.returncode, done.stdout)

    def environment(self) -> dict[str, str]:
        """Return the environment of the processes in the copy."""
        # Without bytecode, else a file changed within the second in which it was read would be taken for the old one.
        own = {"PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": "1", properties.VARIABLE: properties.FULL}
        return {**os.environ, **own}


def _files(project: Path) -> list[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise MutantError(f"`git ls-files` in {project} lists what to copy, and failed: {error}") from error
    return [name for name in done.stdout.split("\0") if name]


def _read(report: Path, exit_code: int, output: str) -> Run:
    if not report.exists():
        return Run(exit_code, 0, (), (), output)
    cases = list(ET.parse(report).iter("testcase"))  # noqa: S314  # pytest wrote it just now
    return Run(
        exit_code,
        sum(len(case) == 0 or all(part.tag.startswith(("system", "prop")) for part in case) for case in cases),
        tuple(_failure(case, part) for case in cases for part in case.findall("failure")),
        tuple(_failure(case, part) for case in cases for part in case.findall("error")),
        output,
    )


def _failure(case: ET.Element, part: ET.Element) -> Failure:
    """Return a test as `file::function[case]`, the notation of mutants, and why it failed."""
    file = case.get("classname", "").replace(".", "/") + ".py"
    message = next(iter(part.get("message", "").strip().splitlines()), "")
    return Failure(f"{file}::{case.get('name', '')}", message)

"""Prometheus accepts the alerts' rules; those of the loader and of reading fire when they should and only then.

`promtool` is part of Prometheus, Debian's package prometheus.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.databases
ROOT = Path(__file__).parents[2]


def promtool(*arguments: str) -> None:
    """Run promtool, which must succeed."""
    program = shutil.which("promtool")
    assert program is not None, "promtool is missing: tests/databases/install.sh installs it"
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_are_accepted() -> None:
    """Prometheus itself reads them."""
    promtool("check", "rules", "docs/alerts.yml")


def test_alerts_of_the_loader_fire_when_they_should() -> None:
    """An outage, a backlog, a bad record and a missing process; and silence where nothing is to load, or it catches up."""
    promtool("test", "rules", "tests/fixtures/alerts/loader.yml")


def test_alerts_of_reading_fire_when_they_should() -> None:
    """A refused token, reads that stop or come late, resources given up; and silence while it reads, or nothing waits."""
    promtool("test", "rules", "tests/fixtures/alerts/reading.yml")

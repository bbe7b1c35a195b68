"""Prometheus accepts the rules, the metrics in them exist, and the loader's fire when they should and only then.

`promtool` is part of Prometheus (Debian: the package prometheus); without it its two tests are skipped, with a message.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
ALERTS = ROOT / "docs/alerts.yml"
PROMTOOL = shutil.which("promtool")
NEEDS_PROMTOOL = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not here: Debian's package prometheus has it")


def promtool(*arguments: str) -> None:
    """Run promtool, which must succeed."""
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@NEEDS_PROMTOOL
def test_rules_are_accepted() -> None:
    """Prometheus itself reads them."""
    promtool("check", "rules", str(ALERTS))


@NEEDS_PROMTOOL
def test_alerts_of_the_loader_fire_when_they_should() -> None:
    """An outage, a backlog, a bad record and a missing process; and silence where nothing is to load, or it catches up."""
    promtool("test", "rules", "tests/fixtures/alerts/loader.yml")


def test_metrics_of_the_rules_exist() -> None:
    """An alert on a metric that nobody has never fires."""
    declared = set(json.loads((ROOT / "tests/fixtures/frozen_names.json").read_text())["metrics"])
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    used = {name for rule in rules for name in re.findall(r"\bpenstock_\w+", rule["expr"])}

    assert {name for name in used if name not in declared and name.removesuffix("_total") not in declared} == set()

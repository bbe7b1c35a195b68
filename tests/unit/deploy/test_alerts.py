"""The metrics in the alerts' rules exist; tests/databases/test_alert_rules.py has Prometheus read and try the rules."""

import json
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]
ALERTS = ROOT / "docs/alerts.yml"
EXPOSED = re.compile(r"_(total|bucket)$")  # what Prometheus adds to the names of counters and histograms


def test_metrics_of_the_rules_exist() -> None:
    """An alert on a metric that nobody has never fires."""
    declared = set(json.loads((ROOT / "tests/fixtures/frozen_names.json").read_text())["metrics"])
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    used = {name for rule in rules for name in re.findall(r"\bpenstock_\w+", rule["expr"])}

    assert {name for name in used if name not in declared and EXPOSED.sub("", name) not in declared} == set()

"""import-linter enforces the layers; these tests show that it would detect a violation."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "broker",
    "config",
    "console",
    "ingress",
    "local",
    "providers",
    "schemas",
    "simulator",
    "sinks",
    "streams",
    "subscriptions",
)
VIOLATIONS = {
    "Layers": ("providers/shopery.py", "import ingress.app"),
    "siblings": ("ingress/receive.py", "import streams.pipeline"),
    "sinks beside streams": ("sinks/warehouse/errors.py", "import streams.errors"),
    "rows are pure": ("sinks/warehouse/rows/row.py", "import time"),
    "simulator below the processes": ("streams/worker/consumer.py", "import simulator.posting"),
    "broker below config": ("config/loading.py", "import broker.clients"),
    "schemas at the bottom": ("schemas/topics.py", "import config.names"),
    "Inside streams": ("streams/steps/diff.py", "import streams.pipeline"),
    "worker beside replay": ("streams/worker/batch.py", "import streams.replay.redecide"),
    "state below worker": ("streams/state/tables.py", "import streams.worker.settings"),
    "The core": ("streams/steps/dedup.py", "import time"),
    "network in one place": ("providers/bigcommerce/rules.py", "import httpx"),
    "Only streams knows Faust": ("ingress/settings.py", "import faust"),
    "script for development": ("schemas/typed/columns.py", "import schemas.generate.tables"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Give a copy of the packages, to modify."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the packages of a folder."""
    program = (
        "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"}
    command = [sys.executable, "-c", program, "--no-cache"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_layers_hold(copy: Path) -> None:
    """The current packages keep every contract."""
    result = lint(copy)

    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_violation_is_caught(copy: Path, contract: str) -> None:
    """One forbidden import in one file breaks the build."""
    name, statement = VIOLATIONS[contract]
    file = copy / name
    file.write_text(f"{file.read_text()}\n{statement}\n")

    result = lint(copy)

    assert result.returncode == 1, result.stdout + result.stderr
    assert "1 broken" in result.stdout
    assert statement.split()[1].partition(".")[0] in result.stdout

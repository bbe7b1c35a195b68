"""Lint the chart, render it, validate it: `make charts` writes the manifests, `make test-charts` compares and tests.

Exit code 1: Helm or a schema rejects something, or the committed manifests are stale.
"""

import sys
from pathlib import Path

from tests.charts.helm import RUN_TIMEOUT_S, ChartError, helm, run
from tests.charts.rendering import ALERTS, ALERTS_IN_CHART, CHART, KUBERNETES, RENDERINGS, ROOT, Rendering

VALIDATOR = ROOT / ".venv-charts/bin/kubernetes-validate"


def write() -> None:
    """Render the chart into the committed manifests."""
    ALERTS_IN_CHART.write_bytes(ALERTS.read_bytes())
    for rendering in RENDERINGS:
        rendering.manifests.write_text(rendering.text(helm(*rendering.arguments)), encoding="utf-8")
        _say(f"written: {rendering.manifests.relative_to(ROOT)}")


def check() -> None:
    """Raise `ChartError` for a rejection by Helm or a schema, and for stale manifests."""
    for rendering in RENDERINGS:
        values = () if rendering.values is None else ("--values", str(rendering.values))
        helm("lint", "--strict", "--kube-version", KUBERNETES, str(CHART), *values)
        _check_fresh(rendering)
        _validate(rendering.manifests)
        _say(f"linted, fresh and valid for Kubernetes {KUBERNETES}: {rendering.manifests.relative_to(ROOT)}")


def _check_fresh(rendering: Rendering) -> None:
    if rendering.manifests.read_text(encoding="utf-8") != rendering.text(helm(*rendering.arguments)):
        raise ChartError(f"{rendering.manifests.relative_to(ROOT)} is stale: run `make charts` and commit it")


def _validate(manifests: Path) -> None:
    run(str(VALIDATOR), "--strict", "-k", KUBERNETES, str(manifests), timeout_s=RUN_TIMEOUT_S)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        write() if sys.argv[1:] == ["write"] else check()
    except ChartError as error:
        sys.exit(str(error))

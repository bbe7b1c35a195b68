"""What is rendered of the chart, where it is committed, and whether it still fits what it was made from.

A digest of the chart and of the values stands in the first line, so that `make check` finds what is stale without Helm.
"""

import hashlib
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy/helm/penstock"
ALERTS, ALERTS_IN_CHART = ROOT / "docs/alerts.yml", CHART / "files/alerts.yml"
KUBERNETES = "1.34"
NAMESPACE = "penstock"


class Rendering(Struct, frozen=True):
    """One rendering: the values over the chart's own, and the file that it is kept in."""

    manifests: Path
    values: Path | None = None

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return the arguments of `helm` that render it."""
        values = () if self.values is None else ("--values", str(self.values))
        return ("template", "penstock", str(CHART), "--namespace", NAMESPACE, "--kube-version", KUBERNETES, *values)

    @property
    def first_line(self) -> str:
        """Return what the file has to begin with."""
        sources = [path for path in CHART.rglob("*") if path.is_file()] + ([] if self.values is None else [self.values])
        digest = hashlib.sha256()
        for source in sorted(sources):
            content = source.read_bytes()
            digest.update(f"{source.relative_to(ROOT)} {len(content)}\n".encode() + content)
        return f"# Made by `make charts` from deploy/helm/penstock; not to be edited. {digest.hexdigest()}\n"

    def text(self, rendered: str) -> str:
        """Return the file's text around what Helm has rendered."""
        lines = (line.rstrip() for line in rendered.splitlines())
        return self.first_line + "".join(f"{line}\n" for line in lines if line)


PLAIN = Rendering(ROOT / "deploy/kubernetes/penstock.yaml")
FULL = Rendering(ROOT / "tests/charts/full.rendered.yaml", ROOT / "tests/charts/full.yaml")
RENDERINGS = (PLAIN, FULL)

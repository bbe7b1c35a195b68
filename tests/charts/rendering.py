"""The chart's renderings, their committed files, and whether these still match their inputs.

The first line has a digest of the chart and of the values, so that `make check` finds stale files without Helm.
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
    """One rendering: the values over the chart's own, and its file."""

    manifests: Path
    values: Path | None = None

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return the arguments of `helm` that render it."""
        values = () if self.values is None else ("--values", str(self.values))
        return ("template", "penstock", str(CHART), "--namespace", NAMESPACE, "--kube-version", KUBERNETES, *values)

    @property
    def first_line(self) -> str:
        """Return the required beginning of the file."""
        sources = [path for path in CHART.rglob("*") if path.is_file()] + ([] if self.values is None else [self.values])
        digest = hashlib.sha256()
        for source in sorted(sources):
            content = source.read_bytes()
            digest.update(f"{source.relative_to(ROOT)} {len(content)}\n".encode() + content)
        return f"# Made by `make charts` from deploy/helm/penstock; not to be edited. {digest.hexdigest()}\n"

    def text(self, rendered: str) -> str:
        """Return the file's text around Helm's rendering."""
        lines = (line.rstrip() for line in rendered.splitlines())
        return self.first_line + "".join(f"{line}\n" for line in lines if line)


PLAIN = Rendering(ROOT / "deploy/kubernetes/penstock.yaml")
FULL = Rendering(ROOT / "tests/charts/full.rendered.yaml", ROOT / "tests/charts/full.yaml")
RENDERINGS = (PLAIN, FULL)

"""The measurements in the repository: each plot once, and each shown on a page."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "bench" / "results"


def test_a_plot_is_kept_in_one_format() -> None:
    """Results are JSON and CSV for programs and PNG for people; nothing is stored twice."""
    kinds = {path.suffix for path in RESULTS.glob("[!.]*")}

    assert kinds <= {".json", ".csv", ".png"}


def test_every_plot_is_shown() -> None:
    """docs/performance.md shows each plot, and only plots that exist."""
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")

    shown = re.findall(r"!\[[^]]*]\(\.\./bench/results/([^)]+)\)", page)

    assert sorted(shown) == sorted(path.name for path in RESULTS.glob("*.png"))

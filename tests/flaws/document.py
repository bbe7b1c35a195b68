"""The table of flaws in docs/testing.md. Write it there again after an edit with `.venv/bin/python -m tests.flaws.document`."""

from pathlib import Path

from tests.flaws.catalogue import FLAWS
from tests.flaws.flaw import Flaw

DOCUMENT = Path(__file__).parents[2] / "docs" / "testing.md"
BEGIN = "<!-- from tests/flaws: begin -->"
END = "<!-- from tests/flaws: end -->"
REMAKE = ".venv/bin/python -m tests.flaws.document"


def table() -> str:
    """Return the flaws as a Markdown table."""
    rows = ["| Flaw | Planted in | What it breaks | Caught by |", "|---|---|---|---|"]
    rows += [f"| `{flaw.name}` | `{flaw.file}` | {flaw.breaks} | {_tests(flaw)} |" for flaw in FLAWS]
    return "\n".join(rows)


def with_table(text: str) -> str:
    """Return the text of docs/testing.md with the table of today between its two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _tests(flaw: Flaw) -> str:
    return "<br>".join(f"`{test}`" for test in flaw.caught_by)


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")

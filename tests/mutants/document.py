"""The table of mutants in docs/testing.md.

Regenerate it after an edit with `.venv/bin/python -m tests.mutants.document`.
"""

from pathlib import Path

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant

DOCUMENT = Path(__file__).parents[2] / "docs" / "testing.md"
BEGIN = "<!-- from tests/mutants: begin -->"
END = "<!-- from tests/mutants: end -->"
REMAKE = ".venv/bin/python -m tests.mutants.document"


def table() -> str:
    """Return the mutants as a Markdown table."""
    rows = ["| Mutant | Planted in | What it breaks | Caught by |", "|---|---|---|---|"]
    rows += [f"| `{mutant.name}` | `{mutant.file}` | {mutant.breaks} | {_tests(mutant)} |" for mutant in MUTANTS]
    return "\n".join(rows)


def with_table(text: str) -> str:
    """Return the text of docs/testing.md with the current table between its two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _tests(mutant: Mutant) -> str:
    return "<br>".join(f"`{test}`" for test in mutant.caught_by)


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")

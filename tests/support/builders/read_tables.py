"""What is read from providers' APIs, as the tables of docs/provider-apis.md.

Write them there again after an edit of the rules with `.venv/bin/python -m tests.support.builders.read_tables`.
"""

from collections.abc import Iterable
from pathlib import Path

from providers.bigcommerce.reads import READ_WITH_PARENT, READINGS, Reading

DOCUMENT = Path(__file__).parents[3] / "docs" / "provider-apis.md"
BEGIN = "<!-- from providers/bigcommerce/reads.py: begin -->"
END = "<!-- from providers/bigcommerce/reads.py: end -->"
REMAKE = ".venv/bin/python -m tests.support.builders.read_tables"


def table() -> str:
    """Return the table of BigCommerce as Markdown."""
    return "\n".join(_bigcommerce())


def with_table(text: str) -> str:
    """Return the text of the document with today's table between its two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def _bigcommerce() -> Iterable[str]:
    yield "| Resource | Request | At once | Right of the token | Ordered by |"
    yield "|---|---|---|---|---|"
    for name, reading in sorted(READINGS.items()):
        version = f"`{reading.version}`" if reading.version else "the time of the read"
        yield f"| `{name}` | {_request(reading)} | {reading.batch} | {reading.right} | {version} |"
    for name, parent in sorted(READ_WITH_PARENT.items()):
        yield f"| `{name}` | as `{parent}` | | | |"


def _request(reading: Reading) -> str:
    include = reading.query.get("include", "").replace(",", ", ")
    query = f"?{reading.ids}=" if reading.ids else ""
    parts = "".join(f", `{path}`" for path in reading.parts.values())
    return f"`{reading.path}{query}`{parts}{f' with {include}' if include else ''}"


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")

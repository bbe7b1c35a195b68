"""docs/provider-apis.md says what the code reads."""

from tests.support.builders import read_tables


def test_tables_are_those_that_the_clients_use() -> None:
    """The error names the command that regenerates it."""
    text = read_tables.DOCUMENT.read_text(encoding="utf-8")

    assert text == read_tables.with_tables(text), f"docs/provider-apis.md is out of date; run {read_tables.REMAKE}"

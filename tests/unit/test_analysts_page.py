"""docs/analysts.md is true: its commands print what it shows, and its statements open the warehouse."""

from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from sinks.warehouse.engines.extensions import load_extensions
from tests.support.builders.analysts_page import PAGE, filled, sample_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the sample."""
    return sample_folder(tmp_path_factory.mktemp("page"))


@pytest.fixture(autouse=True)
def surroundings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in that folder, without this machine's settings."""
    monkeypatch.chdir(folder)
    for name in ("CONFIG", "DATA_DIR"):
        monkeypatch.delenv(f"PENSTOCK_{name}", raising=False)


def test_commands_print_what_the_page_shows(folder: Path) -> None:
    """If this fails, run `make docs` and look at what has changed."""
    assert filled(PAGE.read_text(), folder) == PAGE.read_text()


def test_statements_for_other_programs_open_the_warehouse() -> None:
    """What a DuckDB client is to run, with the installed extensions instead of those that it would download."""
    text = PAGE.read_text()
    begin = text.index("    INSTALL sqlite;")
    install, *statements = text[begin : text.index("\n\n", begin)].split("\n")
    assert install.strip() == "INSTALL sqlite; INSTALL ducklake;"

    with closing(duckdb.connect()) as connection:
        load_extensions(connection, ("sqlite_scanner", "ducklake"), may_download=False)
        connection.execute("\n".join(statements))
        rows = connection.execute("SELECT title FROM my_shop.product").fetchall()
        with pytest.raises(duckdb.Error):
            connection.execute("DELETE FROM my_shop.product")

    assert rows == [("Track jacket",)]

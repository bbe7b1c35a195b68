"""What `penstock up` finds out before it starts anything."""

import socket
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.cli import app
from local import ports

NO_DUCKLAKE = "DuckDB's extension ducklake is not installed for this platform"


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty folder, without this machine's settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PENSTOCK_CONFIG", raising=False)


def refused_up(*arguments: str) -> str:
    """Return what `penstock up` says when a port is taken, which it finds out after it has looked for the loader's packages."""
    with socket.create_server((ports.HOST, 0)) as server:
        given = ["up", "--data-dir", "data", "--port", str(server.getsockname()[1]), *arguments]
        done = CliRunner().invoke(app, given)
    assert done.exit_code == 2
    return done.output


@pytest.mark.parametrize(
    ("hidden", "expected"),
    [
        ("duckdb", 'the package duckdb is not installed: pip install "penstock[warehouse]"'),
        ("duckdb_extension_ducklake", NO_DUCKLAKE),
    ],
    ids=["package", "extension"],
)
def test_missing_package_is_said_in_one_line(hidden: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what the loader needs there is none: one line with the remedy; the rest is started."""
    monkeypatch.setitem(sys.modules, hidden, None)  # as if it were not installed

    told = refused_up()

    (line,) = [line for line in told.splitlines() if line.startswith("no warehouse: ")]
    assert expected in line
    assert "Port " in told


@pytest.mark.parametrize("warehouse", ['engine = "duckdb"', "download = true"])
def test_engine_comes_from_the_configuration(warehouse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One DuckDB file needs no extension, and DuckDB may be allowed to fetch it."""
    monkeypatch.setitem(sys.modules, "duckdb_extension_ducklake", None)
    Path("penstock.toml").write_text(f"[warehouse]\n{warehouse}\n")

    assert "no warehouse" not in refused_up()

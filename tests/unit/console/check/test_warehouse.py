"""`penstock check` about `[warehouse]`: what could not work is said before the loader is started."""

import os
from datetime import date
from pathlib import Path

import pytest

from config import loading
from console.check.configuration import offline_findings

TODAY = date(2026, 11, 21)
SOURCE = '[[sources]]\nname = "acme"\nprovider = "github"\nsecrets = ["env:A"]\n'


def findings(directory: Path, text: str) -> list[tuple[str, str]]:
    """Return level and text of each finding, without the path of the file."""
    path, environ = directory / "penstock.toml", {"A": "secret"}
    path.write_text(SOURCE + text)
    found = offline_findings(loading.load(path, environ), path, environ, TODAY, directory / "data")
    return [(finding.level, finding.text.removeprefix(f"{path}:")) for finding in found]


def test_folder_that_can_be_made_is_fine(tmp_path: Path) -> None:
    """Nothing is made by looking."""
    assert findings(tmp_path, '[warehouse]\npath = "new/warehouse"\n') == []
    assert findings(tmp_path, '[warehouse]\nengine = "duckdb"\n') == []
    assert not (tmp_path / "new").exists()


def test_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    """The line of the key, what was expected, and what there is."""
    (tmp_path / "taken").write_text("")

    ((level, text),) = findings(tmp_path, '[warehouse]\npath = "taken/warehouse"\n')

    assert level == "warning"
    assert text.startswith(
        f"6: warehouse.path: {tmp_path}/taken/warehouse: expected a folder, found the file {tmp_path}/taken"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_of_somebody_else_is_named(tmp_path: Path) -> None:
    """A folder without the right to write."""
    (tmp_path / "closed").mkdir(mode=0o500)

    ((_, text),) = findings(tmp_path, '[warehouse]\npath = "closed/warehouse"\n')

    assert "expected a folder that this user can write" in text


def test_missing_packages_are_named_only_where_a_warehouse_is_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installation without the extra is right for an ingress."""
    monkeypatch.setattr("sinks.warehouse.requirements.find_spec", lambda _name: None)

    assert findings(tmp_path, "") == []
    ((level, text),) = findings(tmp_path, '[warehouse]\nengine = "ducklake"\n')
    assert level == "warning"
    assert text.startswith("6: warehouse.engine: the loader cannot run here: the package duckdb is not installed")

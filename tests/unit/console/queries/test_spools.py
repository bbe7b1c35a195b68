"""`penstock spool` reads the spool of a running ingress."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.cli import app
from ingress.delivery.spool_file import Row, SpoolFile, pack


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Give a data directory whose spool holds three deliveries of two sources."""
    file = SpoolFile(tmp_path / "spool" / "8080.sqlite")
    rows = [Row(seq, b"key", b"body", pack([("penstock_source", name)]), 1000.0 + seq) for seq, name in
            enumerate([b"acme", b"acme", b"other"], start=1)]  # fmt: skip
    file.change(rows, ())
    file.close()
    return tmp_path


def test_depth_age_and_sources_are_shown(data_dir: Path) -> None:
    """A person sees the number of deliveries, and their sources."""
    result = CliRunner().invoke(app, ["spool", "--data-dir", str(data_dir)])

    assert result.exit_code == 0
    assert "8080.sqlite: 3 deliveries" in result.output
    assert "acme: 2" in result.output


def test_json_is_complete(data_dir: Path) -> None:
    """A program gets one line per spool."""
    result = CliRunner().invoke(app, ["spool", "--json", "--data-dir", str(data_dir)])

    found = json.loads(result.output)
    assert (found["deliveries"], found["sources"], found["refused"]) == (3, {"acme": 2, "other": 1}, 0)
    assert found["oldest_at"] == 1001.0
    assert found["oldest_age_s"] > 0


def test_open_spool_can_be_read(data_dir: Path) -> None:
    """The ingress's lock excludes writers, not readers."""
    file = SpoolFile(data_dir / "spool" / "8080.sqlite")
    result = CliRunner().invoke(app, ["spool", "--data-dir", str(data_dir)])
    file.close()

    assert "3 deliveries" in result.output


def test_no_spool_is_no_fault(tmp_path: Path) -> None:
    """Where no ingress has run the output is empty."""
    result = CliRunner().invoke(app, ["spool", "--data-dir", str(tmp_path)])

    assert (result.exit_code, "no spool" in result.output) == (0, True)


def test_broken_file_is_named(tmp_path: Path) -> None:
    """A file that is no database ends with code 1 and its name."""
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "8080.sqlite").write_bytes(b"no database" * 1000)

    result = CliRunner().invoke(app, ["spool", "--data-dir", str(tmp_path)])

    assert "8080.sqlite cannot be read" in str(result.exception)


@pytest.mark.parametrize("environ", [{"PENSTOCK_DATA_DIR": None}, {"PENSTOCK_DATA_DIR": "another"}], ids=repr)
@pytest.mark.parametrize("arguments", [("--data-dir", "{}", "drain"), ("drain", "--data-dir", "{}")])
def test_nothing_to_drain_is_no_fault(
    tmp_path: Path, arguments: tuple[str, ...], environ: dict[str, str | None]
) -> None:
    """This needs neither a configuration nor Kafka; the option works in either position, and overrides the environment."""
    result = CliRunner().invoke(app, ["spool", *(word.format(tmp_path) for word in arguments)], env=environ)

    assert (result.exit_code, result.output.replace("\n", "")) == (0, f"no spool in {tmp_path}: nothing to publish")

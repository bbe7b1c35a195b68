"""The file that a running `penstock up` leaves for the commands beside it."""

from pathlib import Path

import pytest

from console.running import FILE, Running, found, leave, remove, surroundings

RUNNING = Running("/here/penstock.toml", "http://127.0.0.1:1", "127.0.0.1:2", "http://127.0.0.1:3")


def test_the_addresses_are_found_by_commands_with_the_same_configuration(tmp_path: Path) -> None:
    """Another configuration may mean another Kafka, so it never gets these."""
    leave(tmp_path, RUNNING)

    assert found(tmp_path, Path("/here/penstock.toml")) == RUNNING
    assert found(tmp_path, Path("/there/penstock.toml")) is None


def test_nothing_is_found_once_it_is_taken_away(tmp_path: Path) -> None:
    """Removing it twice is fine: it may never have been written."""
    leave(tmp_path, RUNNING)
    remove(tmp_path)
    remove(tmp_path)

    assert found(tmp_path, Path(RUNNING.config)) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"config": "x"}', '{"other": 1}'])
def test_a_damaged_file_counts_as_none(tmp_path: Path, text: str) -> None:
    """A broken file never makes the lookup fail."""
    (tmp_path / FILE).write_text(text)

    assert found(tmp_path, Path("x")) is None


def test_what_the_environment_says_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PENSTOCK_* set by a person takes precedence."""
    leave(tmp_path, RUNNING)
    monkeypatch.setenv("PENSTOCK_REGISTRY_URL", "http://mine")

    environ = surroundings(tmp_path, Path(RUNNING.config))

    assert environ["PENSTOCK_REGISTRY_URL"] == "http://mine"
    assert environ["PENSTOCK_KAFKA_BOOTSTRAP_SERVERS"] == "127.0.0.1:2"

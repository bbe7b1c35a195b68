"""A configuration mounted as a single file, as in a container: replaced outside, the old one stays, and the log says so."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes.ingress import KAFKA_AWAY, IngressProcess
from tests.support.waiting import until

TIMEOUT_S = 30.0
BIND = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'

pytestmark = pytest.mark.skipif(
    shutil.which("unshare") is None or os.geteuid() != 0, reason="mounting needs root, and unshare of util-linux"
)


def beside_a_mount(source: Path, target: Path) -> list[str]:
    """Return the prefix that runs a command in its own mount namespace, with one file or directory mounted over another."""
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", BIND, "sh", str(source), str(target)]


def replace(file: Path, text: str) -> None:
    """Replace a file as an editor does: a new one beside it, renamed."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Give the configuration outside of the container."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "penstock.toml").write_text(KAFKA_AWAY)
    return folder / "penstock.toml"


def test_replaced_file_is_said_once(tmp_path: Path, outside: Path) -> None:
    """The start warns that it may happen, and a later line says that it has; the unseen source is not served."""
    process = IngressProcess(tmp_path, KAFKA_AWAY)
    process.prefix = beside_a_mount(outside, tmp_path / "penstock.toml")
    process.start()
    try:
        until(lambda: "mounted_alone" in process.log_text(), TIMEOUT_S, "the start says it")

        replace(outside, KAFKA_AWAY + '[[sources]]\nname = "new"\nprovider = "generic"\nverify = "none"\n')

        until(lambda: "replaced_unseen" in process.log_text(), TIMEOUT_S, "it notices that it is left behind")
        assert process.post("/v1/new", b"{}").status_code == 404
    finally:
        process.child.stop(10)
    said = [event["event"] for event in process.events() if event["event"] in {"mounted_alone", "replaced_unseen"}]
    assert said == ["mounted_alone", "replaced_unseen"], "once each"
    (event,) = [event for event in process.events() if event["event"] == "replaced_unseen"]
    assert event["file"] == str(tmp_path / "penstock.toml")
    assert "mount the folder" in event["advice"]


def test_mounted_folder_follows(tmp_path: Path, outside: Path) -> None:
    """With the directory mounted instead: the new source is served, and no warning is logged."""
    inside = tmp_path / "inside"
    inside.mkdir()
    process = IngressProcess(inside, KAFKA_AWAY)
    (outside.parent / "ingress.log").touch()
    process.prefix = beside_a_mount(outside.parent, inside)
    process.start()
    try:
        replace(outside, KAFKA_AWAY + '[[sources]]\nname = "new"\nprovider = "generic"\nverify = "none"\n')

        until(lambda: process.post("/v1/new", b"{}").status_code == 200, TIMEOUT_S, "the new source is served")
        assert not any(word in process.log_text() for word in ("mounted_alone", "replaced_unseen"))
    finally:
        process.child.stop(10)


@pytest.mark.parametrize(
    ("named", "place"), [("penstock.toml", "penstock.toml: "), ("secret", "sources[0].secrets[0]: ")]
)
def test_check_finds_a_file_that_is_mounted_by_itself(tmp_path: Path, named: str, place: str) -> None:
    """In the container; the configuration and each secret, by the key that names it."""
    (tmp_path / "penstock.toml").write_text(
        '[[sources]]\nname = "acme"\nprovider = "github"\nsecrets = ["file:secret"]\n'
    )
    (tmp_path / "secret").write_text("made-up")
    (tmp_path / "secret").chmod(0o600)
    shutil.copy(tmp_path / named, tmp_path / "outside")
    check = [sys.executable, "-m", "console.entry", "check", "--config", str(tmp_path / "penstock.toml")]

    done = subprocess.run(
        [*beside_a_mount(tmp_path / "outside", tmp_path / named), *check],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        env={**os.environ, "COLUMNS": "1000"},
    )

    assert done.returncode == 0, done.stdout + done.stderr
    (warning,) = [line for line in done.stdout.splitlines() if line.startswith("warning: ")]
    assert place in warning
    assert "is mounted by itself, so a file that replaces it is not seen here; mount the folder" in warning

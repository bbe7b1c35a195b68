"""`penstock check` warns of secrets that every user of the machine can read, and only of those."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from config import loading
from console.check.configuration import offline_findings
from tests.support.kafka.certificates import Authority

TODAY = date(2026, 11, 21)
EVERYTHING = """
[ingress]
tls_certificate = "tls.pem"
[kafka.options]
sasl.password = "file:{directory}/kafka"
ssl.key.location = "{directory}/client.key"
[registry]
username = "file:user"
password = "file:registry"
tls_certificate = "tls.pem"
tls_key = "registry.key"
[warehouse]
engine = "postgres"
dsn = "dbname=analytics"
password = "file:analytics"
[[sources]]
name = "acme"
provider = "github"
secrets = ["file:acme"]
api_token = "file:token"
api_tokens = {{ one = "file:own" }}
"""


@pytest.fixture
def directory() -> Iterator[Path]:
    """Give a directory that every user can enter; pytest's are for their owner alone."""
    with tempfile.TemporaryDirectory(prefix="penstock-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def warnings(directory: Path, text: str) -> list[str]:
    """Return the warnings, without the path."""
    path = directory / "penstock.toml"
    path.write_text(text)
    found = offline_findings(loading.load(path, {}), path, {}, TODAY)
    assert not [finding for finding in found if finding.level == "problem"]
    return [finding.text.removeprefix(f"{path}:") for finding in found]


def secret(directory: Path, name: str, mode: int) -> Path:
    """Make a file with a secret."""
    (directory / name).write_text("made-up")
    (directory / name).chmod(mode)
    return directory / name


def test_every_file_with_a_secret_is_looked_at(directory: Path) -> None:
    """Secrets of sources, credentials and keys for Kafka and the registry, the certificate's key: with line and advice."""
    tls = secret(directory, "tls.pem", 0o644)
    tls.write_bytes(b"".join(path.read_bytes() for path in Authority().issue(directory)))
    (directory / "registry.key").write_bytes(tls.read_bytes())
    (directory / "registry.key").chmod(0o644)
    names = ("acme", "token", "own", "kafka", "client.key", "user", "registry")
    files = [secret(directory, name, 0o644) for name in names]
    files += [directory / "registry.key", secret(directory, "analytics", 0o644)]

    found = warnings(directory, EVERYTHING.format(directory=directory))

    assert [text.split(": ")[0] for text in found] == ["19", "20", "21", "4", "4", "8", "9", "11", "15", "3"]
    assert [str(path) in text for text, path in zip(found, [*files, tls], strict=True)] == [True] * 10
    assert "every user here can open" in found[0]
    assert "chmod 600, or 640 with the group of the process" in found[0]


@pytest.mark.parametrize(("mode", "is_warned"), [
    (0o600, False), (0o400, False), (0o640, False), (0o660, False), (0o644, True), (0o444, True), (0o602, True),
])  # fmt: skip
def test_rights_of_everybody_count(directory: Path, mode: int, is_warned: bool) -> None:
    """Read access reveals the secret, write access can replace it; group access is how a service gets it."""
    secret(directory, "acme", mode)

    found = warnings(directory, '[[sources]]\nname = "acme"\nprovider = "github"\nsecrets = ["file:acme"]')

    assert bool(found) == is_warned


def test_file_in_a_closed_directory_is_not_open(directory: Path) -> None:
    """A file in a closed directory cannot be read, whatever its mode."""
    (directory / "secrets").mkdir()
    secret(directory / "secrets", "acme", 0o644)
    (directory / "secrets").chmod(0o700)

    assert not warnings(directory, '[[sources]]\nname = "acme"\nprovider = "github"\nsecrets = ["file:secrets/acme"]')


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_file_on_a_read_only_mount_is_the_deployments(directory: Path) -> None:
    """Kubernetes and Docker mount secrets like this, 0444 without chmod; the same file gets a warning where it is writable."""
    mounted = directory / "mounted"
    mounted.mkdir()
    text = '[[sources]]\nname = "acme"\nprovider = "github"\nsecrets = ["file:mounted/acme"]'
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(mounted)], check=True)
    try:
        secret(mounted, "acme", 0o444)
        assert warnings(directory, text)
        subprocess.run(["/bin/mount", "-o", "remount,ro", str(mounted)], check=True)

        assert not warnings(directory, text)
    finally:
        subprocess.run(["/bin/umount", "-l", str(mounted)], check=True)

"""A package is used only if its archive is the pinned one; no test fetches one."""

import hashlib
import tarfile
import zipfile
from pathlib import Path

import pytest

from schemas.generate.fields import SourceError
from schemas.generate.packages import Package, unpacked


@pytest.fixture
def tarball(tmp_path: Path) -> Path:
    """Give an archive as npm packs it."""
    file, archive = tmp_path / "a.json", tmp_path / "package.tgz"
    file.write_bytes(b"{}")
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(file, "package/a.json")
    return archive


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """Give an archive as pip downloads it."""
    archive = tmp_path / "stripe.whl"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("stripe/_charge.py", "x = 1")
    return archive


def pinned(archive: Path) -> Package:
    """Return a package with the hash of an archive."""
    return Package("npm", "a-package", "1.0", hashlib.sha256(archive.read_bytes()).hexdigest())


def test_archives_of_both_registries_are_read(tarball: Path, wheel: Path) -> None:
    """Files by their path in the archive."""
    assert unpacked(pinned(tarball), tarball) == {"package/a.json": b"{}"}
    assert unpacked(pinned(wheel), wheel) == {"stripe/_charge.py": b"x = 1"}


def test_archive_with_another_hash_is_refused(tarball: Path, wheel: Path) -> None:
    """Before anything in it is read."""
    with pytest.raises(SourceError, match=r"a-package 1.0 \(MIT\): expected an archive of SHA-256 .*; do not use it"):
        unpacked(pinned(wheel), tarball)

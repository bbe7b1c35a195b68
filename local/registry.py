"""A real schema registry on this machine: Apicurio with its Confluent-compatible API, on the same Java as Kafka.

It stores an H2 file under its data directory; every write is on disk before it is answered. `launch` starts it and returns
at once, `is_ready` checks it, `start_registry` does both and waits.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from local import artifacts, logs, ports
from local.errors import DidNotStart
from local.guard import Child, spawn
from local.java import find_java, temporary_folder
from local.pins import REGISTRY

COMPATIBILITY = "BACKWARD_TRANSITIVE"  # Apicurio's default is NONE, which accepts any schema.
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 10.0

_API = "/apis/ccompat/v7"
_HEAP_MB = 160
_POLL_S = 0.05
_PROBE_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class RunningRegistry:
    """A registry that answers. `url` is the base of Confluent's API; `pid` is that of the Java process."""

    url: str
    child: Child

    @property
    def pid(self) -> int:
        """Return the process id of the registry."""
        return self.child.pid

    def stop(self) -> None:
        """Stop the registry cleanly; kill it if it has not ended within ten seconds."""
        self.child.stop(STOP_TIMEOUT_S)


def start_registry(data_dir: Path, port: int = 0, timeout_s: float = START_TIMEOUT_S) -> RunningRegistry:
    """Return a registry that is ready on 127.0.0.1; port 0 picks a free one.

    `DidNotStart` carries its last lines; `Refused` gives the reason when nothing could be started.
    """
    chosen_port = port or ports.free_port()
    child = launch(data_dir, chosen_port)
    deadline = time.monotonic() + timeout_s
    while not is_ready(chosen_port):
        if child.exit_code() is not None or time.monotonic() > deadline:
            child.kill()
            raise DidNotStart(f"The registry did not start on {chosen_port}:\n{logs.last_lines(log_file(data_dir))}")
        time.sleep(_POLL_S)
    return RunningRegistry(api_url(chosen_port), child)


def launch(data_dir: Path, port: int, log: Path | None = None) -> Child:
    """Start a registry process and return it, ready or not."""
    home = artifacts.fetch(REGISTRY)
    data_dir.mkdir(parents=True, exist_ok=True)
    output = log or log_file(data_dir)
    logs.rotate(output)
    java = (
        str(find_java()),
        temporary_folder(data_dir),
        f"-Xmx{_HEAP_MB}m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:-UsePerfData",
    )
    return spawn((*java, "-jar", str(home / "quarkus-run.jar")), log=output, environment=_environment(data_dir, port))


def is_ready(port: int) -> bool:
    """Say whether the registry answers and enforces the compatibility rule; sets the rule if it differs."""
    if not ports.accepts(port):
        return False
    try:
        with httpx.Client(base_url=api_url(port), timeout=_PROBE_TIMEOUT_S, trust_env=False) as client:
            current = client.get("/config").raise_for_status().json()
            if current.get("compatibilityLevel") != COMPATIBILITY:
                client.put("/config", json={"compatibility": COMPATIBILITY}).raise_for_status()
    except httpx.HTTPError:
        return False
    return True


def api_url(port: int) -> str:
    """Return the address for Confluent clients."""
    return f"http://{ports.HOST}:{port}{_API}"


def log_file(data_dir: Path) -> Path:
    """Return the log of a registry started by `start_registry`: warnings and errors."""
    return data_dir / "registry.log"


def _environment(data_dir: Path, port: int) -> dict[str, str]:
    # H2 answers before it writes unless WRITE_DELAY=0: a killed registry would lose ids already used on a topic.
    database = f"jdbc:h2:file:{data_dir.absolute() / 'registry'};WRITE_DELAY=0"
    return os.environ | {
        "QUARKUS_HTTP_HOST": ports.HOST,
        "QUARKUS_HTTP_PORT": str(port),
        "QUARKUS_MANAGEMENT_HOST": ports.HOST,  # otherwise it also listens on every interface
        "QUARKUS_MANAGEMENT_PORT": str(ports.free_port()),
        "QUARKUS_LOG_LEVEL": "WARN",
        "QUARKUS_BANNER_ENABLED": "false",
        "QUARKUS_HTTP_ACCESS_LOG_ENABLED": "false",  # one line per request, regardless of the level above
        # Vert.x caches the files that it serves, of which there are none: the cache creates a folder writable by every user.
        "QUARKUS_VERTX_CACHING": "false",
        "QUARKUS_VERTX_CLASSPATH_RESOLVING": "false",
        "APICURIO_STORAGE_KIND": "sql",
        "APICURIO_STORAGE_SQL_KIND": "h2",
        "APICURIO_DATASOURCE_URL": database,
    }

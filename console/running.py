"""The addresses of a running `penstock up`, kept in its data directory for the other commands."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "running.json"


@dataclass(frozen=True, slots=True)
class Running:
    """The addresses of one `penstock up`, and the absolute path of the configuration that it serves; no store, no address."""

    config: str
    ingress_url: str
    bootstrap_servers: str
    registry_url: str
    store_url: str | None = None

    def environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return an environment that points the configuration at this Kafka and registry; variables already set win."""
        return {
            "PENSTOCK_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "PENSTOCK_REGISTRY_URL": self.registry_url,
            **environ,
        }


def leave(data_dir: Path, running: Running) -> None:
    """Write the addresses atomically for other commands."""
    draft = data_dir / f".{FILE}.{os.getpid()}"
    draft.write_text(json.dumps(asdict(running)), encoding="utf-8")
    draft.replace(data_dir / FILE)


def remove(data_dir: Path) -> None:
    """Remove the addresses at shutdown. If the process is killed first, they are wrong until the next start."""
    (data_dir / FILE).unlink(missing_ok=True)


def found(data_dir: Path, config: Path) -> Running | None:
    """Return the addresses of the `penstock up` of this data directory and configuration, None if there is none."""
    try:
        running = Running(**json.loads((data_dir / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return running if running.config == str(config.absolute()) else None


def surroundings(data_dir: Path, config: Path) -> Mapping[str, str]:
    """Return the environment for a command: this process's, with the addresses of a running `penstock up`, if any."""
    running = found(data_dir, config)
    return os.environ if running is None else running.environ(os.environ)
